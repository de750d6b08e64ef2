"""How much is measured, and what came of it."""

from __future__ import annotations

from statistics import median

import msgspec

from benchmarks.servers import PROJECT

OUTPUT = PROJECT / "var" / "speed.json"
LIST, DETAIL = "list", "detail"


class Plan(msgspec.Struct, frozen=True):
    """The defaults are those of `make bench`."""

    listings: int = 21_613  # sales of King County, the size of the smallest real inventory
    rounds: int = 7
    seconds: int = 3  # of one measurement of hits: wrk knows no fractions
    connections: tuple[int, ...] = (64, 16)
    misses: int = 150  # distinct pages of each kind in a round
    profiled: int = 1_500  # misses of each kind whose time is taken apart
    requests: int = 1_000  # of the table that tells what caching saves
    seed: int = 1


QUICK = Plan(listings=20_000, rounds=3, seconds=1, misses=90, profiled=300)


class Sample(msgspec.Struct, frozen=True):
    """One contender in one round. CPU is user and system seconds of a whole tree of processes."""

    requests: int
    seconds: float
    server_cpu: float
    client_cpu: float = 0.0
    database_cpu: float = 0.0
    cache_cpu: float = 0.0

    @property
    def cpu_us(self) -> float:
        """Microseconds of the web server's CPU for each request."""
        return 1e6 * self.server_cpu / self.requests

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    @property
    def client_busy(self) -> float:
        """The share of its processor that whoever asks has used."""
        return self.client_cpu / self.seconds


class Measured(msgspec.Struct):
    """One contender over all rounds, in one setting: a number of connections, or a kind of page."""

    contender: str
    setting: str
    samples: list[Sample] = []

    @property
    def cpu_us(self) -> float:
        return median(sample.cpu_us for sample in self.samples)


class Profile(msgspec.Struct):
    """Where the CPU time of misses of one kind went."""

    kind: str
    misses: int
    cpu_seconds: float
    samples: dict[str, int]  # part → how often it was seen


class Thousand(msgspec.Struct):
    """The same requests, one after the other, in one way of answering them."""

    contender: str
    requests: int
    hits: int  # answered from the page cache
    queries: int
    seconds: float
    cpu_seconds: float


class Results(msgspec.Struct):
    """Everything that a run has measured; what was not measured is empty."""

    plan: Plan
    machine: str
    hits: list[Measured] = []
    misses: list[Measured] = []
    profiles: list[Profile] = []
    thousand: list[Thousand] = []
    left_out: dict[str, list[str]] = {}  # part → who did not take part, and what would bring them


def measured(rows: list[Measured], contender: str, setting: str) -> Measured:
    """The row of this contender and setting; a new one if there is none."""
    for row in rows:
        if (row.contender, row.setting) == (contender, setting):
            return row
    rows.append(Measured(contender, setting, []))
    return rows[-1]
