"""Reads and writes of the workload, interleaved evenly in logical time."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from benchmarks.reads import Read
from benchmarks.writes import Write


class Happening(NamedTuple):
    """What happens at a moment: seconds since the beginning."""

    at: float
    what: Read | Write


def interleaved(
    reads: Iterable[Read],
    writes: Iterable[Write],
    seconds: float,
    reads_per_second: float,
    writes_per_second: float,
) -> Iterator[Happening]:
    """So many seconds of both; each kind comes at equal intervals, in its own order."""
    streams = (
        _evenly(reads, seconds, reads_per_second),
        _evenly(writes, seconds, writes_per_second),
    )
    return heapq.merge(*streams, key=lambda happening: happening.at)


def _evenly(what: Iterable[Read | Write], seconds: float, per_second: float) -> Iterator[Happening]:
    number = round(seconds * per_second)
    for index, one in enumerate(islice(what, number)):
        yield Happening((index + 0.5) / per_second, one)
