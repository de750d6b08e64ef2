"""How long visitors waited."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from benchmarks.traffic.order import Sample
from invalidation_worker.freshness.promises import percentile


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds, from the moment at which a visitor came."""

    number: int
    p50: float
    p95: float
    p99: float

    def shown(self) -> str:
        return f"{self.p50:.1f} / {self.p95:.1f} / {self.p99:.1f}" if self.number else ""


def latency(samples: Iterable[Sample]) -> Latency:
    """Of these requests; zeros of none."""
    milliseconds = [1000 * sample.latency for sample in samples]
    p50, p95, p99 = (percentile(milliseconds, share) for share in (0.5, 0.95, 0.99))
    return Latency(len(milliseconds), p50, p95, p99)
