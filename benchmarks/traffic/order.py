"""What the generator is asked to do, and what it has seen.

Needs neither Django nor the platform: importing them would take longer than a short run.
"""

from __future__ import annotations

import enum
from array import array
from collections.abc import Iterator
from typing import NamedTuple

import msgspec


class Order(msgspec.Struct, frozen=True):
    """How visitors come."""

    port: int
    per_second: float = 0.0  # 0: each connection asks again as soon as it was answered
    connections: int = 64
    tick_every: int = 0  # write a byte to standard output each so many reads; 0: never
    endless: bool = False  # all addresses, again and again until SIGTERM
    seed: int = 1


class Ending(enum.IntEnum):
    """How a request ended, by its `Cache-Status` (RFC 9211)."""

    NEAR = 0  # a hit in the memory of the web process
    HIT = 1
    MISS = 2
    BYPASS = 3  # the caches are switched off
    FAILED = 4  # a status from 500, or no answer


HITS = (Ending.NEAR, Ending.HIT)


class Sample(NamedTuple):
    """One request. Moments are seconds of the machine's monotonic clock."""

    due: float  # when its visitor came
    sent: float
    answered: float
    ending: Ending

    @property
    def latency(self) -> float:
        """Seconds from the visitor's coming, so that waiting for a free connection counts.

        A generator that only times what it sends stops asking while the site is slow, and so
        leaves out just what is slow: "coordinated omission", as Gil Tene calls it in his talk "How
        NOT to Measure Latency" (2013).
        """
        return self.answered - self.due


class Samples(msgspec.Struct):
    """All requests of one run, column by column: four million fit into memory."""

    due: bytes  # doubles, as `array` has them
    sent: bytes
    answered: bytes
    endings: bytes  # one byte each
    cpu_seconds: float  # of the generator itself
    late_p99_seconds: float  # how late the generator itself noticed that a visitor had come

    def __iter__(self) -> Iterator[Sample]:
        due, sent, answered = (
            array("d", column) for column in (self.due, self.sent, self.answered)
        )
        for at, (one, two, three) in enumerate(zip(due, sent, answered, strict=True)):
            yield Sample(one, two, three, Ending(self.endings[at]))
