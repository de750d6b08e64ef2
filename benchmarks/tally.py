"""The count of what happened in one round."""

from __future__ import annotations

import msgspec

from benchmarks.plan import Plan


class Tally(msgspec.Struct):
    """What happened in one round. Shares that were sampled are estimates."""

    contestant: str
    writes_per_second: float
    reads: int = 0
    hits: int = 0
    queries: int = 0  # of visitors
    warming_queries: int = 0
    reads_checked: int = 0
    reads_stale: int = 0
    writes: int = 0
    write_cpu_seconds: float = 0.0  # of the change itself and of invalidating
    dropped: int = 0
    dropped_looked_at: int = 0  # by the writes whose dropped entries were sampled
    dropped_changed: float = 0.0  # of those
    needless: dict[str, float] = {}  # kind of entry, cause, kind of write → of those
    live: int = 0
    live_checked: int = 0
    live_stale: int = 0
    seconds: float = 0.0  # that the round took

    @property
    def precision(self) -> float | None:
        """The share of dropped entries that really changed; None: nothing was dropped."""
        looked_at = self.dropped_looked_at
        return self.dropped_changed / looked_at if looked_at else None

    @property
    def hit_ratio(self) -> float:
        return self.hits / self.reads


class Results(msgspec.Struct):
    """All rounds of a run."""

    plan: Plan
    tallies: list[Tally]
