"""What is measured, and what that has shown."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from benchmarks.machine import Machine
from benchmarks.traffic.latency import Latency


class Scenario(msgspec.Struct, frozen=True):
    """What is written while visitors read."""

    name: str  # in tables
    reads_per_write: int = 0  # 0: no single writes
    feed: bool = False  # a feed is pulled every minute
    bulk: int = 0  # rows that one transaction changes in the middle


SCENARIOS = {
    "read-only": Scenario("read only"),
    "1000": Scenario("1,000 reads a write", reads_per_write=1_000),
    "100": Scenario("100 reads a write", reads_per_write=100),
    "10": Scenario("10 reads a write", reads_per_write=10),
    "feed": Scenario("feed every 60 s", feed=True),
    "bulk": Scenario("bulk of 5,000 rows", bulk=5_000),
}
FULL, SIXTY = "at saturation", "at 60 % of it"
LOADS = {SIXTY: 0.6, FULL: 1.0}  # of saturation; promises are judged at the first
PROMISED = "100"  # the scenario that is judged
AUDITED = ("100", "10")
SIZES = (21_613, 100_000, 1_000_000)  # listings; the first is King County's number of sales


class Plan(msgspec.Struct, frozen=True):
    """How much. Every round asks for the same pages in the same order, from an equally warm
    cache, so rounds differ in what is written, in how fast visitors come, and in what else the
    machine does.
    """

    listings: int = SIZES[0]
    warm_up: int = 20_000  # reads before each round
    reads: int = 20_000  # of a round
    uncached: int = 1_000  # of these reads, asked for without any cache
    rounds: int = 3  # of each scenario, in turns; each finds anew what the machine carries
    scenarios: tuple[str, ...] = tuple(SCENARIOS)
    audit_seconds: int = 60  # 0: staleness is not judged
    connections: int = 64
    seed: int = 1


QUICK = Plan(
    listings=2_000,
    warm_up=700,
    reads=700,
    uncached=100,
    rounds=1,
    scenarios=("read-only", "100"),
    audit_seconds=3,
)


class Round(msgspec.Struct, frozen=True, tag=True):
    """What visitors met at one load."""

    scenario: str
    load: str  # FULL or SIXTY
    offered: float  # reads a second; 0: as many as the connections can
    seconds: float
    reads: int
    failed: int
    everything: Latency
    hits: Latency
    near_ratio: float | None  # hits among look-ups, by layer; None: none were made
    page_ratio: float | None
    queryset_ratio: float | None
    queries: int  # for visitors
    warming_queries: int
    writes_due: int
    writes: int
    cpu_use: float  # of the whole machine, from 0 to 1
    generator_cpu: float  # seconds of one processor, for each second
    generator_late_ms: float  # p99

    @property
    def per_second(self) -> float:
        return self.reads / self.seconds


class Audited(msgspec.Struct, frozen=True, tag=True):
    """How fresh the site was meanwhile, as `audit_freshness` saw it."""

    scenario: str
    load: str
    checks: int
    writes: int  # of the audit
    steps_back_within: int  # 50 ms
    steps_back_beyond: int
    oldest_served_seconds: float
    never_true: int
    failed: int
    lag_orm_p99_ms: float | None  # until its pages were seen to show it; none: nobody watched one
    lag_other_p99_ms: float | None
    cpu_use: float


class Results(msgspec.Struct):
    """All of a run."""

    plan: Plan
    machine: Machine
    uncached_queries_per_read: float = 0.0
    rounds: list[Round] = []
    audits: list[Audited] = []

    def of(self, scenario: str, load: str) -> list[Round]:
        return [one for one in self.rounds if (one.scenario, one.load) == (scenario, load)]

    def saved(self, some: Sequence[Round]) -> float:
        """Queries that the caches saved for each read. What warming asks counts against them."""
        asked = sum(one.queries + one.warming_queries for one in some)
        return self.uncached_queries_per_read - asked / sum(one.reads for one in some)

    def reduction(self, some: Sequence[Round]) -> float | None:
        """What is saved, relative to the same load without writes."""
        still = self.of("read-only", some[0].load)
        return self.saved(some) / self.saved(still) if still and self.saved(still) > 0 else None
