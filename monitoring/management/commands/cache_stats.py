"""`manage.py cache_stats`: does the cache do its work?"""

from __future__ import annotations

import time
from argparse import ArgumentParser, ArgumentTypeError
from typing import IO, Any, cast

import msgspec
import redis
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console, Group
from rich.table import Table

from monitoring.hit_ratio import Reading
from monitoring.report import LayerTally, Pipeline, Report, Tally, read_report

PLAIN_WIDTH = 120  # columns of a table that goes to a file or a pipe
WATCH_SECONDS = 2.0
AWAY = "away"

STYLES = {Reading.EFFECTIVE: "green", Reading.POOR: "yellow", Reading.NOT_WORKING: "bold red"}


class Command(BaseCommand):
    """Hits, misses and their ratio: of the server since its start, of each layer since a flush;
    and what waits in the pipeline.
    """

    help = "Show hits, misses and the hit ratio of server and layers, and what the pipeline does"
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        way = parser.add_mutually_exclusive_group()
        way.add_argument("--json", action="store_true", help="print JSON for machines")
        way.add_argument(
            "--watch",
            nargs="?",
            type=_seconds,
            const=WATCH_SECONDS,
            metavar="SECONDS",
            help="show it anew every so many seconds (%(const)g), until Ctrl-C",
        )

    def handle(self, *args: Any, json: bool, watch: float | None, **options: Any) -> None:
        out = cast("IO[str]", self.stdout)
        console = Console(file=out, width=None if out.isatty() else PLAIN_WIDTH)
        if json:
            text = msgspec.json.format(msgspec.json.encode(_report()), indent=2).decode()
            self.stdout.write(text)
        elif watch:
            _watch(console, watch)
        else:
            console.print(_tables(_report()))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 3600:
        raise ArgumentTypeError(f"{text!r} is not allowed: give a number from 0.1 to 3600")
    return seconds


def _watch(console: Console, seconds: float) -> None:
    try:
        while True:
            shown: Group | str
            try:
                shown = _tables(_report())
            except CommandError as error:
                shown = str(error)  # it may come back
            console.clear()
            console.print(shown)
            time.sleep(seconds)
    except KeyboardInterrupt:
        return


def _report() -> Report:
    try:
        return read_report()
    except redis.RedisError as error:
        raise CommandError(f"The cache server does not answer: {error}") from error


def _tables(report: Report) -> Group:
    return Group(_cache_table(report), _pipeline_table(report.pipeline))


def _cache_table(report: Report) -> Table:
    table = Table(
        caption="Server: since it started. Layers: since the cache was last flushed; "
        "entries and their descriptors as of the last sweep."
    )
    table.add_column("cache")
    for name in ("hits", "misses", "unstored", "bypass", "errors", "hit ratio"):
        table.add_column(name, justify="right")
    table.add_column("reading")
    for name in ("entries", "kB"):
        table.add_column(name, justify="right")
    server = report.server
    table.add_row("server", *_counts(server, "", "", ""), "", "", end_section=True)
    table.add_row("near", *_counts(report.near, "", "", ""))
    for name, layer in report.layers.items():
        table.add_row(name, *_layer_cells(layer))
    return table


def _layer_cells(layer: LayerTally) -> list[str]:
    rest = (f"{layer.unstored:,}", f"{layer.bypass:,}", f"{layer.error:,}")
    size = f"{layer.registry_bytes / 1000:,.0f}"
    return [*_counts(layer, *rest), f"{layer.entries:,}", size]


def _counts(tally: Tally, *rest: str) -> list[str]:
    ratio = "–" if tally.hit_ratio is None else f"{tally.hit_ratio:.1%}"
    style = STYLES.get(tally.reading)
    reading = f"[{style}]{tally.reading}[/]" if style else str(tally.reading)
    return [f"{tally.hits:,}", f"{tally.misses:,}", *rest, ratio, reading]


def _pipeline_table(pipeline: Pipeline) -> Table:
    table = Table()
    oldest = pipeline.oldest_event_seconds
    waits = "" if oldest is None else f", the oldest for {oldest:.1f} s"
    ready = pipeline.ready_messages
    cells = {
        "change log": f"{_or_away(pipeline.pending_events)}{waits}",
        "dead letters": _or_away(pipeline.dead_letters),
        **{f"{queue} queue": f"{number:,}" for queue, number in (ready or {}).items()},
        "with workers": _or_away(pipeline.unacknowledged_messages),
        "horizon": f"{pipeline.horizon:,}",
    }
    for name in cells:
        table.add_column(name, justify="right")
    table.add_row(*cells.values())
    return table


def _or_away(number: int | None) -> str:
    return AWAY if number is None else f"{number:,}"
