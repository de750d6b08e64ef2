"""Timing one kind of operation again and again."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from benchmarks.growth.plan import Cost

T = TypeVar("T")


class Spent(NamedTuple):
    """Seconds of one operation."""

    wall: float
    cpu: float  # of the thread that did it


def measured(operation: Callable[[], T]) -> tuple[T, Spent]:
    """What the operation returns, and what it took."""
    wall, cpu = time.perf_counter(), time.thread_time()
    result = operation()
    return result, Spent(time.perf_counter() - wall, time.thread_time() - cpu)


class Stopwatch:
    """All operations of one kind."""

    def __init__(self) -> None:
        self._spent: list[Spent] = []

    def note(self, spent: Spent) -> None:
        self._spent.append(spent)

    def cost(self) -> Cost | None:
        """None: there was no such operation."""
        if not self._spent:
            return None
        walls = [1000 * spent.wall for spent in self._spent]
        several = walls if len(walls) > 1 else walls * 2  # one value alone has no quartiles
        low, middle, high = statistics.quantiles(several, n=4, method="inclusive")
        cpu = statistics.median(1000 * spent.cpu for spent in self._spent)
        return Cost(len(walls), middle, low, high, cpu)
