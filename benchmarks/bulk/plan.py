"""What is measured, and what that has shown."""

from __future__ import annotations

import msgspec

from benchmarks.machine import Machine
from benchmarks.traffic.latency import Latency

TRANSACTION, IMPORT = "one transaction", "an import"
LOAD = 0.6  # of saturation, at which visitors come
WARM = 0.99  # of the pages that were there before are there again


class Plan(msgspec.Struct, frozen=True):
    """How much. The inventory is the file of King County sales, or made up after it."""

    file: str = ""  # of the county; empty: one that is made up
    rows: int = 21_613  # of the file
    changed_rows: int = 5_000  # of one transaction
    changed_share: float = 0.1  # of the file's rows, when it is imported again
    warm_up: int = 20_000  # reads
    reads: int = 5_000  # that find saturation
    still_seconds: float = 15.0  # before and after, to compare with
    most_seconds: float = 60.0  # until every page is warm again
    checked: int = 500  # entries that are compared with the database at the end
    seed: int = 1


QUICK = Plan(
    rows=3_000,
    changed_rows=700,
    warm_up=1_000,
    reads=500,
    still_seconds=3.0,
    most_seconds=15.0,
    checked=100,
)


class Look(msgspec.Struct, frozen=True):
    """How things stood at a moment, in seconds since the change began."""

    at: float
    waiting: int  # changes that are not applied yet
    live: float  # of the pages that were cached before: the share that is


class Case(msgspec.Struct, frozen=True):
    """One change of many rows. Seconds count from its end: the last commit."""

    name: str
    rows: int  # that it really changed, as the change log tells
    took_seconds: float  # the change itself
    offered: float  # reads a second
    cached_pages: int  # before
    least_live: float  # of these: the smallest share that was cached at any moment
    true_seconds: float  # until every change was applied
    warm_seconds: float | None  # until 99 % of these pages were cached again; None: not in time
    live_at_end: float
    checked: int  # entries that were compared with the database
    stale: int
    failed: int  # requests
    before: Latency  # of all requests
    meanwhile: Latency  # from the beginning of the change until all is warm
    after: Latency
    hits_before: Latency
    hits_meanwhile: Latency
    hits_after: Latency
    looks: list[Look] = []
    p99_by_second: list[tuple[float, float]] = []  # seconds since the beginning, milliseconds


class Results(msgspec.Struct):
    """All of a run."""

    plan: Plan
    machine: Machine
    cases: list[Case] = []
