"""One run: the parts that are wanted, on the same servers and the same inventory."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks import inventory
from benchmarks.speed import contenders, hits, misses, savings
from benchmarks.speed.data import DataServers
from benchmarks.speed.meter import Meter
from benchmarks.speed.paths import new_pages, visited
from benchmarks.speed.plan import Results
from benchmarks.speed.processes import House
from web.local_servers import Guardian


class Session:
    """Fills `results`, one part after the other. This process asks, and runs beside the data."""

    def __init__(
        self, guardian: Guardian, environment: dict[str, str], folder: Path, results: Results
    ) -> None:
        self.results = results
        self._house = House(guardian, environment, folder)
        self._known = inventory.load()
        self._pages = new_pages(self._known, results.plan.seed)
        data = DataServers(self._house)
        self._meter = Meter(data)
        others = self._house.processors.others
        data.pin(others)
        os.sched_setaffinity(0, {others})
        contenders.relay(self._house)

    def hits(self) -> None:
        """Part 1."""
        rows, skipped = hits.measure(self._house, self._meter, self.results.plan)
        self.results.hits += rows
        self.results.left_out["hits"] = skipped

    def misses(self) -> None:
        """Part 2."""
        results, plan = self.results, self.results.plan
        rows, skipped = misses.measure(self._house, self._meter, self._pages, plan)
        results.misses += rows
        results.left_out["misses"] = skipped
        results.profiles += misses.taken_apart(self._house, self._pages, plan)

    def savings(self) -> None:
        """The table of the same requests without and with cache."""
        paths = visited(self._known, self.results.plan.seed, self.results.plan.requests)
        self.results.thousand += savings.measure(self._house, paths)
