"""Reads and writes at once over HTTP: what the benchmark finds, at a tiny size."""

from __future__ import annotations

import random
import subprocess
import sys
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from benchmarks import feed, inventory
from benchmarks.machine import Machine
from benchmarks.mixed import report
from benchmarks.mixed.editors import Editors
from benchmarks.mixed.plan import FULL, SCENARIOS, SIXTY, Plan, Results, Round
from benchmarks.mixed.rounds import _slowest
from benchmarks.traffic.latency import Latency
from benchmarks.traffic.visitors import Visitors
from invalidation_worker.freshness.report import PathReport, Report
from listings.models import Property
from tests.conftest import apply_all

READS = 200


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> Results:
    """What a run on servers of its own has found: nothing written, and one write in ten reads."""
    output = tmp_path_factory.mktemp("mixed") / "mixed.json"
    sizes = {"listings": 200, "warm-up": 100, "reads": READS, "uncached": 40, "audit-seconds": 0}
    options = [f"--{name}={number}" for name, number in sizes.items()]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.mixed", "--quick", *options),
            *("--scenarios", "read-only", "10", "--output", str(output)),
        ],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert output.exists(), done.stderr[-5_000:]
    return msgspec.json.decode(output.read_bytes(), type=Results)


def test_each_load_asks_for_the_same_pages_and_all_are_answered(measured):
    loads = [(one.scenario, one.load) for one in measured.rounds]
    assert loads == [(name, load) for name in ("read-only", "10") for load in (FULL, SIXTY)]
    for one in measured.rounds:
        assert (one.reads, one.failed) == (READS, 0)
        assert one.everything.number == READS
        assert 0 < one.hits.number < READS
        assert one.near_ratio
        assert one.page_ratio


def test_caches_save_queries_and_writes_cost_some_of_that(measured):
    assert measured.uncached_queries_per_read > 1.25  # lists ask twice; planned statements count
    still, busy = (measured.of(name, SIXTY)[0] for name in ("read-only", "10"))
    assert 0 < still.queries < measured.uncached_queries_per_read * READS
    assert not still.warming_queries
    assert busy.queries + busy.warming_queries > still.queries
    assert measured.reduction([still]) == 1.0
    assert 0 < measured.reduction([busy]) < 1


def test_a_write_is_made_each_so_many_reads(measured):
    still, busy = (measured.of(name, SIXTY)[0] for name in ("read-only", "10"))
    assert (still.writes_due, still.writes) == (0, 0)
    assert busy.writes_due == READS // 10
    assert 0 < busy.writes <= busy.writes_due  # some may come when no visitor is left


def test_a_lag_that_nobody_watched_is_not_told():
    watched = PathReport(True, 9, 3, 10.0, 20.0, 20.0, 20.0)
    unseen = PathReport(True, 9, 0, 0.0, 0.0, 0.0, 0.0)
    paths = {
        "save()": watched,
        "update()": unseen,
        "SQL": msgspec.structs.replace(unseen, rings=False),
    }
    found = cast("Report", SimpleNamespace(paths=paths))
    assert (_slowest(found, rings=True), _slowest(found, rings=False)) == (20.0, None)


@pytest.fixture
def keys(platform) -> list[str]:
    call_command("seed_listings", count=200, seed=1, jobs=1, verbosity=0)
    apply_all()
    on_market = Property.objects.filter(standard_status="Active")
    return list(on_market.order_by("pk").values_list("pk", flat=True))


def logged() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM invalidation_worker_changeevent")
        return int(cursor.fetchone()[0])


class Crowd:
    """Visitors who give so many signs; when they give the last one, nobody is left."""

    def __init__(self, signs: int) -> None:
        self._left = signs

    def tick(self) -> bool:
        self._left -= 1
        return self._left >= 0

    @property
    def are_there(self) -> bool:
        return self._left > 0


def test_one_write_is_made_at_each_sign_as_long_as_visitors_are_there(keys):
    editors = Editors(inventory.load(), seed=1)
    assert editors.work(SCENARIOS["10"], cast("Visitors", Crowd(signs=8))) == (8, 7)
    assert logged() > 0


def test_a_feed_changes_a_tenth_of_its_rows_and_logs_nothing_else(keys):
    assert feed.pull(keys, random.Random(1)) == 5
    assert logged() == 5


def test_a_bulk_changes_so_many_rows_at_once(keys):
    assert feed.bulk(keys, 60, random.Random(1)) == 60
    assert logged() == 60


MACHINE = Machine("a processor", 2, 8.0, {})


def a_round(scenario: str, queries: int, p99: float, failed: int = 0) -> Round:
    latency = Latency(100, 1.0, 2.0, p99)
    ratios = (0.9, 0.9, 0.9)
    counts = (queries, 0, 0, 0)
    return Round(
        scenario, SIXTY, 50.0, 2.0, 100, failed, latency, latency, *ratios, *counts, 0.6, 0.1, 0.1
    )


def test_broken_promises_are_named():
    rounds = [a_round("read-only", 10, 4.0), a_round("100", 25, 6.0, failed=3)]
    results = Results(Plan(), MACHINE, uncached_queries_per_read=2.0, rounds=rounds)
    verdicts = report.verdicts(results)
    assert list(verdicts.values()) == [False, False, False]
    kept = Results(Plan(), MACHINE, 2.0, [rounds[0], a_round("100", 12, 4.0)])
    assert list(report.verdicts(kept).values()) == [True, True, True]
    assert kept.reduction(kept.rounds[1:]) == pytest.approx(1.88 / 1.9)


def test_rounds_of_a_scenario_are_one_row_of_their_medians():
    p99s, queries = (3.0, 40.0, 4.0), (12, 30, 12)
    busy = [a_round("100", *one) for one in zip(queries, p99s, strict=True)]
    results = Results(Plan(), MACHINE, 2.0, [a_round("read-only", 10, 4.0), *busy])
    *_, row = report.table(results).splitlines()
    assert "| 1.0 / 2.0 / 4.0 (3.0 to 40.0) |" in row
    assert "| 0.18 |" in row
    assert results.reduction(busy) == pytest.approx(1.82 / 1.9)
    assert list(report.verdicts(results).values()) == [True, True, True]
    busy[0] = a_round("100", 12, 6.0)
    worse = Results(Plan(), MACHINE, 2.0, [a_round("read-only", 10, 4.0), *busy])
    assert list(report.verdicts(worse).values()) == [False, True, True]


def test_each_round_has_a_row():
    results = Results(Plan(), MACHINE, 2.0, [a_round("read-only", 10, 4.0)])
    head, marks, row = report.table(results).splitlines()
    assert head.count("|") == marks.count("|") == row.count("|")
    assert row.startswith("| read only | at 60 % of it | 50 |")
