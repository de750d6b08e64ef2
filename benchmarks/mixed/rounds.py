# ruff: noqa: E402 - models can be imported only when Django is set up
"""All rounds, against the site at `SITE_PORT`: prints each as a line of JSON.

Started by `benchmarks.mixed`, which sets the environment and has started the site.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from statistics import median
from typing import NamedTuple

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")

import django

django.setup()

import msgspec
from django.core.management import call_command

from benchmarks import inventory, reads
from benchmarks.mixed.editors import Editors
from benchmarks.mixed.plan import (
    AUDITED,
    FULL,
    LOADS,
    SCENARIOS,
    SIXTY,
    Audited,
    Plan,
    Round,
    Scenario,
)
from benchmarks.servers import PROJECT
from benchmarks.settling import await_near, cache_status, eventually, forget_all, settle
from benchmarks.statements import Statements
from benchmarks.traffic.latency import latency
from benchmarks.traffic.order import HITS, Ending, Order
from benchmarks.traffic.visitors import Visitors, met, visitors
from invalidation_worker.freshness.machine import CpuTimes, CpuUse
from invalidation_worker.freshness.report import Report
from listings.cache import counters
from listings.cache.counters import Outcome
from listings.cache.entries import Layer
from listings.site import PAGES

VISITORS, WARMING = "visitors", "warming"  # roles of the web process and the warming worker
WARM_UP_CONNECTIONS = 16
AUDITORS = ("--writers", "1", "--readers", "2", "--reads-per-second", "20", "--judge", "P3")

NEAR = "near"

Counts = dict[str, tuple[int, int]]  # layer → hits, look-ups


class Seen(NamedTuple):
    """What has been counted so far."""

    queries: int  # for visitors
    warming: int
    counts: Counts


class Rounds:
    """Against the site at a port, whose processes have the roles `VISITORS` and `WARMING`."""

    def __init__(self, plan: Plan, port: int, statements: Statements) -> None:
        self._plan = plan
        self._port = port
        self._statements = statements
        known = inventory.load()
        self._editors = Editors(known, plan.seed)
        asked = (PAGES[read.page].url(read.arguments) for read in reads.reads(known, plan.seed))
        self._warm_up = list(islice(asked, plan.warm_up))
        self._asked = list(islice(asked, plan.reads))

    def uncached(self) -> float:
        """Statements for each read when every cache is switched off."""
        call_command("cache_switch", "all", "off", stdout=sys.stderr)
        eventually(lambda: "bypass" in cache_status(self._port), "all caches are off")
        before = self._statements.so_far(VISITORS)
        some = self._asked[: self._plan.uncached]
        met(Order(self._port, connections=4), some)
        asked = self._statements.so_far(VISITORS) - before
        call_command("cache_switch", "all", "on", stdout=sys.stderr)
        return asked / len(some)

    def all(self) -> Iterator[Round | Audited]:
        carried: dict[str, list[float]] = {name: [] for name in self._plan.scenarios}
        for _ in range(self._plan.rounds):
            for name in self._plan.scenarios:
                full = self._round(name, FULL, 0.0)
                yield full
                carried[name].append(full.per_second)
                yield self._round(name, SIXTY, LOADS[SIXTY] * full.per_second)
        for name in self._plan.scenarios:
            if self._plan.audit_seconds and name in AUDITED:
                for load, share in LOADS.items():
                    yield self._audited(name, load, share * median(carried[name]))

    def _round(self, name: str, load: str, offered: float) -> Round:
        scenario = SCENARIOS[name]
        self._warm()
        before = self._seen()
        times, started = CpuTimes.now(), time.monotonic()
        with visitors(self._order(scenario, offered), self._asked) as crowd:
            written = self._editors.work(scenario, crowd)
            samples = crowd.awaited()
        seconds, cpu = time.monotonic() - started, CpuUse.between(times, CpuTimes.now())
        settle(self._seen)
        after, met_with = self._seen(), list(samples)
        return Round(
            scenario=name,
            load=load,
            offered=offered,
            seconds=max(one.answered for one in met_with) - met_with[0].due,
            reads=len(met_with),
            failed=sum(one.ending is Ending.FAILED for one in met_with),
            everything=latency(met_with),
            hits=latency(one for one in met_with if one.ending in HITS),
            near_ratio=_ratio(NEAR, before.counts, after.counts),
            page_ratio=_ratio(Layer.PAGE.value, before.counts, after.counts),
            queryset_ratio=_ratio(Layer.QUERYSET.value, before.counts, after.counts),
            queries=after.queries - before.queries,
            warming_queries=after.warming - before.warming,
            writes_due=written.due,
            writes=written.done,
            cpu_use=cpu.use,
            generator_cpu=samples.cpu_seconds / seconds,
            generator_late_ms=1000 * samples.late_p99_seconds,
        )

    def _warm(self) -> None:
        """Bring the caches into the state in which each round begins."""
        forget_all()
        met(Order(self._port, connections=WARM_UP_CONNECTIONS), self._warm_up)
        await_near(self._port)
        settle(self._seen)

    def _order(self, scenario: Scenario, offered: float, endless: bool = False) -> Order:
        every = self._editors.every(scenario, self._plan.reads)
        return Order(self._port, offered, self._plan.connections, every, endless)

    def _seen(self) -> Seen:
        asked = self._statements.so_far(VISITORS), self._statements.so_far(WARMING)
        return Seen(*asked, _counts())

    def _audited(self, name: str, load: str, offered: float) -> Audited:
        """An audit, while visitors come and editors write as in a round."""
        scenario, plan = SCENARIOS[name], self._plan
        self._warm()
        with tempfile.TemporaryDirectory(prefix="listings-audit-") as folder:
            report = Path(folder, "report.json")
            with (
                visitors(self._order(scenario, offered, endless=True), self._asked) as crowd,
                _audit(self._port, plan.audit_seconds, report) as audit,
            ):
                threading.Thread(target=_end_after, args=(crowd, audit)).start()
                self._editors.work(scenario, crowd)
                crowd.awaited()
            found = msgspec.json.decode(report.read_bytes(), type=Report)
        return _summed_up(name, load, found)


def _end_after(crowd: Visitors, process: subprocess.Popen[bytes]) -> None:
    process.wait()
    crowd.end()


def _audit(port: int, seconds: int, report: Path) -> subprocess.Popen[bytes]:
    site = f"http://127.0.0.1:{port}"
    asked = ("--url", site, "--seconds", str(seconds), "--json", str(report), *AUDITORS)
    argv = [sys.executable, "manage.py", "audit_freshness", *asked]
    return subprocess.Popen(argv, cwd=PROJECT, stdout=sys.stderr)


def _summed_up(name: str, load: str, found: Report) -> Audited:
    return Audited(
        scenario=name,
        load=load,
        checks=found.checks,
        writes=found.writes,
        steps_back_within=found.steps_back_within,
        steps_back_beyond=found.steps_back_beyond,
        oldest_served_seconds=found.oldest_served_seconds,
        never_true=len(found.never_true),
        failed=sum(found.failures.values()),
        lag_orm_p99_ms=_slowest(found, rings=True),
        lag_other_p99_ms=_slowest(found, rings=False),
        cpu_use=found.cpu_use,
    )


def _slowest(found: Report, rings: bool) -> float | None:
    """The p99 of the lag on the slowest path, of those that ring, or of the others; none: no change
    was seen to arrive.
    """
    watched = (path for path in found.paths.values() if path.rings is rings and path.watched)
    return max((path.lag_p99_ms for path in watched), default=None)


def _counts() -> Counts:
    """What each layer has counted since the cache was emptied."""
    hits, misses = counters.near_totals()
    counts = {NEAR: (hits, hits + misses)}
    for layer, outcomes in counters.totals().items():
        looked_up = sum(outcomes.values()) - outcomes[Outcome.BYPASS]
        counts[layer.value] = (outcomes[Outcome.HIT], looked_up)
    return counts


def _ratio(layer: str, before: Counts, after: Counts) -> float | None:
    hits, looked_up = (now - then for then, now in zip(before[layer], after[layer], strict=True))
    return hits / looked_up if looked_up else None


def main() -> None:
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    with closing(Statements(os.environ["DATABASE_URL"])) as statements:
        rounds = Rounds(plan, int(os.environ["SITE_PORT"]), statements)
        for found in chain([rounds.uncached()], rounds.all()):
            sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
