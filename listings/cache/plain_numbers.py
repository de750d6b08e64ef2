"""Numbers that hot paths count in: plain integers, read whenever somebody asks."""

from __future__ import annotations

import threading
from bisect import bisect_left
from typing import NamedTuple


class Count:
    """Counts with `count.number += 1`, from any thread and without a lock.

    CPython switches threads where something is called or a loop turns, and nothing is called
    between the read and the write of a slot. A test counts so from many threads.
    """

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0

    def drain(self) -> int:
        """The number until now; it is gone here. Only where nobody counts meanwhile."""
        found, self.number = self.number, 0
        return found


class Observed(NamedTuple):
    """What a histogram holds at one moment."""

    bounds: tuple[float, ...]
    at_most: tuple[int, ...]  # observations up to each bound, and all of them
    total: float


class Drained(NamedTuple):
    """What a histogram held, to be added to another with the same bounds."""

    numbers: list[int]  # in each bucket
    total: float


class Histogram:
    """How often what was observed lay in which of the buckets that end at these bounds."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._numbers = [0] * (len(bounds) + 1)
        self._total = 0.0
        self._lock = threading.Lock()

    def observe(self, value: float, weight: int = 1) -> None:
        """Note a value that stands for so many. A bound belongs to the bucket below it."""
        with self._lock:
            self._numbers[bisect_left(self._bounds, value)] += weight
            self._total += value * weight

    def drain(self) -> Drained:
        """All that was noted until now; it is gone here."""
        with self._lock:
            found = Drained(self._numbers, self._total)
            self._numbers, self._total = [0] * len(self._numbers), 0.0
        return found

    def add(self, drained: Drained) -> None:
        """Note what another has noted."""
        with self._lock:
            for place, number in enumerate(drained.numbers):
                self._numbers[place] += number
            self._total += drained.total

    def observed(self) -> Observed:
        """All that was noted until now."""
        with self._lock:
            numbers, total = tuple(self._numbers), self._total
        at_most, so_far = [], 0
        for number in numbers:
            so_far += number
            at_most.append(so_far)
        return Observed(self._bounds, tuple(at_most), total)
