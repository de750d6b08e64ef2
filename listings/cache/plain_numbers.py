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


class Observed(NamedTuple):
    """What a histogram holds at one moment."""

    bounds: tuple[float, ...]
    at_most: tuple[int, ...]  # observations up to each bound, and all of them
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

    def observed(self) -> Observed:
        """All that was noted until now."""
        with self._lock:
            numbers, total = tuple(self._numbers), self._total
        at_most, so_far = [], 0
        for number in numbers:
            so_far += number
            at_most.append(so_far)
        return Observed(self._bounds, tuple(at_most), total)
