"""Those who write while visitors read: one write after the other, and no faster than they can."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import NamedTuple

from benchmarks import feed
from benchmarks.inventory import Inventory
from benchmarks.mixed.plan import Scenario
from benchmarks.traffic.visitors import Visitors
from benchmarks.writes import writes
from benchmarks.writing import carry_out

PULL_SECONDS = 60.0


class Written(NamedTuple):
    due: int
    done: int


class Editors:
    """All that is written in a run, in one sequence over all of its rounds."""

    def __init__(self, known: Inventory, seed: int) -> None:
        self._writes = writes(known, seed)
        self._keys = [home.key for home in known.on_market()]
        self._dice = random.Random(f"editors {seed}")

    def every(self, scenario: Scenario, reads: int) -> int:
        """After how many reads each the visitors are to give a sign."""
        return reads // 2 if scenario.bulk else scenario.reads_per_write

    def work(self, scenario: Scenario, crowd: Visitors) -> Written:
        """Write what the scenario wants for as long as visitors come."""
        if scenario.feed:
            return self._pull(crowd)
        if scenario.bulk:
            return self._at_each_tick(crowd, lambda: self._change_many(scenario.bulk), most=1)
        return self._at_each_tick(crowd, lambda: carry_out(next(self._writes)))

    def _at_each_tick(
        self, crowd: Visitors, write: Callable[[], object], most: int | None = None
    ) -> Written:
        due = done = 0
        while crowd.tick():
            due += 1
            if crowd.are_there and (most is None or done < most):
                write()
                done += 1
        return Written(due if most is None else min(due, most), done)

    def _pull(self, crowd: Visitors) -> Written:
        pulls = 0
        next_at = time.monotonic()
        while crowd.are_there:
            if time.monotonic() >= next_at:
                feed.pull(self._keys, self._dice)
                pulls += 1
                next_at += PULL_SECONDS
            time.sleep(0.1)
        return Written(pulls, pulls)

    def _change_many(self, rows: int) -> None:
        feed.bulk(self._keys, rows, self._dice)
