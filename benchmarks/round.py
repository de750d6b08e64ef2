"""One round: a contestant at one rate of writes, and the count of what happened."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterable

from benchmarks.contestants import Contestant, Entry, Queries
from benchmarks.reads import Read
from benchmarks.tally import Tally
from benchmarks.workload import Happening
from benchmarks.writes import Write
from listings.models import Property

EVERY = 10  # so many reads, one is compared with the database
SAMPLE = 4  # dropped entries of each kind that are computed anew, of each write that is looked at


class Round:
    """`most_looked_at` writes have their dropped entries sampled; `most_live` entries that are
    left are compared with the database at the end (0: all that a write may have changed).
    """

    def __init__(
        self,
        contestant: Contestant,
        queries: Queries,
        tally: Tally,
        look_at: float = 1.0,
        most_live: int = 0,
    ) -> None:
        self.tally = tally
        self._contestant = contestant
        self._queries = queries
        self._look_at = look_at
        self._most_live = most_live
        self._dice = random.Random("samples")
        self._touched: set[str] = set()

    def run(self, happenings: Iterable[Happening]) -> Tally:
        started = time.monotonic()
        now = 0.0
        for happening in happenings:
            self._rest(happening.at - now)
            now = happening.at
            if isinstance(happening.what, Read):
                self._read(happening.what)
            else:
                self._write(happening.what)
        self._compare_live()
        self.tally.seconds = time.monotonic() - started
        return self.tally

    def _rest(self, seconds: float) -> None:
        before = self._queries.number
        self._contestant.rest(seconds)
        self.tally.warming_queries += self._queries.number - before

    def _read(self, read: Read) -> None:
        tally = self.tally
        before = self._queries.number
        served = self._contestant.read(read)
        queries = self._queries.number - before
        tally.reads += 1
        tally.queries += queries
        tally.hits += served.hit
        if tally.reads % EVERY == 0 and tally.writes:
            tally.reads_checked += 1
            tally.reads_stale += served.value != self._contestant.fresh(read)

    def _write(self, write: Write) -> None:
        tally = self.tally
        watching = self._contestant.not_counted()
        started = time.process_time()
        self._contestant.write(write)
        tally.write_cpu_seconds += time.process_time() - started
        tally.write_cpu_seconds -= self._contestant.not_counted() - watching
        tally.writes += 1
        self._touch(write)
        dropped = self._contestant.dropped()
        tally.dropped += len(dropped)
        if self._dice.random() < self._look_at:
            self._look(write, dropped)

    def _touch(self, write: Write) -> None:
        if write.kind == "agent":
            of_agent = Property.objects.filter(list_agent=write.key)
            self._touched.update(of_agent.values_list("pk", flat=True))
        else:
            self._touched.add(write.key)

    def _look(self, write: Write, dropped: list[Entry]) -> None:
        """Compute some of each kind anew, and count them for all of that kind."""
        tally = self.tally
        tally.dropped_looked_at += len(dropped)
        kinds: dict[str, list[Entry]] = {}
        for entry in dropped:
            kinds.setdefault(entry.name, []).append(entry)
        for name, entries in kinds.items():
            some = self._dice.sample(entries, min(SAMPLE, len(entries)))
            weight = len(entries) / len(some)
            causes: Counter[str] = Counter()
            for entry in some:
                if self._contestant.compute(entry) == entry.value:
                    causes[f"{name} | {self._contestant.cause(entry)} | {write.kind}"] += 1
            tally.dropped_changed += weight * (len(some) - causes.total())
            for cause, number in causes.items():
                tally.needless[cause] = tally.needless.get(cause, 0.0) + weight * number

    def _compare_live(self) -> None:
        live = list(self._contestant.live())
        self.tally.live = len(live)
        if not self.tally.writes:
            return
        concerned = [e for e in live if not e.listing or e.listing in self._touched]
        if self._most_live and len(concerned) > self._most_live:
            concerned = self._dice.sample(concerned, self._most_live)
        self.tally.live_checked = len(concerned)
        for entry in concerned:
            self.tally.live_stale += self._contestant.compute(entry) != entry.value
