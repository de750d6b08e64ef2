"""Tallies as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from benchmarks.plan import CONTESTANTS
from benchmarks.tally import Results, Tally

SHOWN = 12  # causes of needless drops

COLUMNS: dict[str, Callable[[Tally], str]] = {
    "contestant": lambda tally: CONTESTANTS[tally.contestant],
    "writes/s": lambda tally: f"{tally.writes_per_second:g}",
    "live": lambda tally: f"{tally.live:,}",
    "dropped": lambda tally: f"{tally.dropped:,}",
    "of these changed": lambda tally: _percent(tally.precision),
    "stale entries left": lambda tally: _of(tally.live_stale, tally.live_checked),
    "stale reads": lambda tally: _of(tally.reads_stale, tally.reads_checked),
    "hits": lambda tally: _percent(tally.hit_ratio),
    "queries/read": lambda tally: f"{tally.queries / tally.reads:.2f}",
    "+ warming": lambda tally: f"{tally.warming_queries / tally.reads:.2f}",
    "CPU ms/write": lambda tally: _each(1000 * tally.write_cpu_seconds, tally.writes),
}


def table(results: Results) -> str:
    """In Markdown: a row for each round."""
    lines = [" | ".join(COLUMNS), "|".join(["---", *["--:"] * (len(COLUMNS) - 1)])]
    lines += [" | ".join(cell(one) for cell in COLUMNS.values()) for one in results.tallies]
    return "".join(f"| {line} |\n" for line in lines)


def needless(results: Results) -> str:
    """In Markdown: what of ours was dropped although it had not changed, and why."""
    causes: Counter[str] = Counter()
    dropped = 0
    for tally in results.tallies:
        if tally.contestant == "ours":
            dropped += tally.dropped_looked_at
            causes.update(tally.needless)
    lines = ["entry | dependency | write | share of all dropped", "---|---|---|--:"]
    lines += [f"{cause} | {n / dropped:.2%}" for cause, n in causes.most_common(SHOWN)]
    return "".join(f"| {line} |\n" for line in lines)


def summary(tally: Tally) -> str:
    """One line, to be shown while others run."""
    return ", ".join(f"{name} {cell(tally)}" for name, cell in COLUMNS.items())


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _of(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}" if whole else ""


def _each(total: float, number: int) -> str:
    return f"{total / number:.1f}" if number else ""
