"""What is measured, and what that has shown."""

from __future__ import annotations

import msgspec

from benchmarks.machine import Machine

LISTINGS, ENTRIES, WRITES = "listings", "live entries", "writes a second"

NEAR, HIT, LIST_MISS, DETAIL_MISS, EVENT, WARM = (
    "near hit",
    "hit in Redis",
    "miss of a list",
    "miss of a listing",
    "one change",
    "a page warmed",
)


class Plan(msgspec.Struct, frozen=True):
    """How much. One of three grows at a time, listings and writes beside 1,000 live entries."""

    listings: tuple[int, ...] = (21_613, 100_000, 1_000_000)
    entries: tuple[int, ...] = (100, 1_000, 10_000, 20_000)  # where every change looks
    writes: tuple[float, ...] = (0.0, 1.0, 10.0, 50.0)  # a second
    seconds: float = 20.0  # at each rate of writes
    repeats: int = 100  # of each operation
    seed: int = 1


QUICK = Plan(
    listings=(2_000, 5_000), entries=(100, 1_000), writes=(0.0, 10.0), seconds=4.0, repeats=20
)


class Cost(msgspec.Struct, frozen=True):
    """Milliseconds: the median, and from where to where the middle half of them lies."""

    number: int
    wall: float
    wall_from: float
    wall_to: float
    cpu: float  # of the thread that does it; not what it asks of PostgreSQL and Redis


class Point(msgspec.Struct, frozen=True):
    """The costs at one size."""

    axis: str
    value: float
    listings: int
    live: int  # entries over all cities, of both layers, before anything is timed
    costs: dict[str, Cost]
    events_per_second: float = 0.0  # that were applied; only where writes come by themselves


class Results(msgspec.Struct):
    """All of a run."""

    plan: Plan
    machine: Machine
    points: list[Point] = []
