"""`manage.py cache_stats`: does the cache do its work?"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import IO, Any, cast

import msgspec
import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from listings.cache import counters
from listings.cache.counters import Outcome
from monitoring.hit_ratio import Reading, hit_ratio, read_in_words
from monitoring.redis_server import Statistics, read_statistics

PLAIN_WIDTH = 120  # columns of a table that goes to a file or a pipe

STYLES = {Reading.EFFECTIVE: "green", Reading.POOR: "yellow", Reading.NOT_WORKING: "bold red"}


class Tally(msgspec.Struct, frozen=True):
    """The look-ups of a server or a layer. What was not looked up is no part of the ratio."""

    hits: int
    misses: int
    hit_ratio: float | None  # 0 to 1; null: nothing was looked up
    reading: Reading


class LayerTally(Tally, frozen=True):
    """`stored` and `unstored` are the misses; `bypass` and `error` never looked anything up."""

    stored: int
    unstored: int
    bypass: int
    error: int


class Report(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    server: Tally  # since it started
    layers: dict[str, LayerTally]  # since the cache was flushed


class Command(BaseCommand):
    """Hits, misses and their ratio: of the server since its start, of each layer since a flush."""

    help = "Show hits, misses and the hit ratio of the cache server and of each layer"
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON for machines")

    def handle(self, *args: Any, json: bool, **options: Any) -> None:
        report = _report()
        if json:
            text = msgspec.json.format(msgspec.json.encode(report), indent=2).decode()
            self.stdout.write(text)
            return
        out = cast("IO[str]", self.stdout)
        Console(file=out, width=None if out.isatty() else PLAIN_WIDTH).print(_table(report))


def _report() -> Report:
    try:
        # In this order: the totals are a key too, and reading them is a hit or a miss.
        server = read_statistics(settings.CACHE_URL)
        totals = counters.totals()
    except redis.RedisError as error:
        raise CommandError(f"The cache server does not answer: {error}") from error
    layers = {layer.value: _layer_tally(outcomes) for layer, outcomes in totals.items()}
    return Report(_server_tally(server), layers)


def _server_tally(server: Statistics) -> Tally:
    hits, misses = server.keyspace_hits, server.keyspace_misses
    return Tally(hits, misses, hit_ratio(hits, misses), read_in_words(hits, misses))


def _layer_tally(outcomes: dict[Outcome, int]) -> LayerTally:
    hits = outcomes[Outcome.HIT] + outcomes[Outcome.STALE]
    misses = outcomes[Outcome.STORED] + outcomes[Outcome.UNSTORED]
    return LayerTally(
        hits=hits,
        misses=misses,
        hit_ratio=hit_ratio(hits, misses),
        reading=read_in_words(hits, misses),
        stored=outcomes[Outcome.STORED],
        unstored=outcomes[Outcome.UNSTORED],
        bypass=outcomes[Outcome.BYPASS],
        error=outcomes[Outcome.ERROR],
    )


def _table(report: Report) -> Table:
    table = Table(caption="Server: since it started. Layers: since the cache was last flushed.")
    table.add_column("cache")
    for name in ("hits", "misses", "unstored", "bypass", "errors", "hit ratio"):
        table.add_column(name, justify="right")
    table.add_column("reading")
    table.add_row("server", *_cells(report.server, "", "", ""), end_section=True)
    for name, layer in report.layers.items():
        rest = (f"{layer.unstored:,}", f"{layer.bypass:,}", f"{layer.error:,}")
        table.add_row(name, *_cells(layer, *rest))
    return table


def _cells(tally: Tally, *rest: str) -> list[str]:
    ratio = "–" if tally.hit_ratio is None else f"{tally.hit_ratio:.1%}"
    style = STYLES.get(tally.reading)
    reading = f"[{style}]{tally.reading}[/]" if style else str(tally.reading)
    return [f"{tally.hits:,}", f"{tally.misses:,}", *rest, ratio, reading]
