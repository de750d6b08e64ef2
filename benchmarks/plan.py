"""What is measured, the same for every contestant."""

from __future__ import annotations

import msgspec

TEMPLATE = "listings"  # the seeded database, of which every contestant gets copies

# name → what it is called in tables
CONTESTANTS = {
    "ours": "this platform",
    "cacheops": "cacheops",
    "cacheops-update": "cacheops, plain `update()`",
    "cachalot": "cachalot",
    "flush": "flush on write",
    "ttl": "TTL only",
}

# What is measured at one rate only: how much is missed, not how many visitors it costs.
ONE_RATE = {"cacheops-update": 10.0}


class Plan(msgspec.Struct, frozen=True):
    """How much, how long, how often, and of which sequence. All seconds are logical."""

    listings: int = 20_000
    rates: tuple[float, ...] = (0.0, 0.1, 1.0, 10.0, 50.0)  # writes a second, one round each
    seconds: float = 10.0  # of a round
    warm_up_seconds: float = 20.0  # of reads only, before the first round
    reads_per_second: float = 200.0
    seed: int = 1

    def rates_of(self, contestant: str) -> tuple[float, ...]:
        """Those of the rates at which this contestant is measured."""
        only = ONE_RATE.get(contestant)
        return tuple(rate for rate in self.rates if only in (None, rate))

    @property
    def reads_per_round(self) -> int:
        return round(self.seconds * self.reads_per_second)
