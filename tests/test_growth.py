"""What things cost as the site grows: what the benchmark finds, at a tiny size."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest
from django.conf import settings

from benchmarks.growth import report
from benchmarks.growth.plan import ENTRIES, EVENT, LISTINGS, NEAR, WARM, WRITES, Results
from benchmarks.growth.stopwatch import Spent, Stopwatch


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> Results:
    """What a run on servers of its own has found."""
    output = tmp_path_factory.mktemp("growth") / "growth.json"
    sizes = ("--listings", "200", "400", "--entries", "60", "120", "--writes", "0", "5")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.growth", *sizes, "--seconds", "2"),
            *("--repeats", "5", "--output", str(output)),
        ],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5_000:]
    return msgspec.json.decode(output.read_bytes(), type=Results)


def test_each_operation_is_timed_at_each_size(measured):
    sizes = [(point.axis, point.listings) for point in measured.points]
    busy = [(ENTRIES, 200), (ENTRIES, 200), (WRITES, 200), (WRITES, 200)]
    assert sizes == [(LISTINGS, 200), *busy, (LISTINGS, 400)]
    for point in measured.points:
        assert set(point.costs) == set(report.OPERATIONS)
        for name, cost in point.costs.items():
            assert cost.number
            assert 0 < cost.wall_from <= cost.wall <= cost.wall_to, name
            assert cost.cpu > 0, name
        assert point.costs[NEAR].wall < point.costs[EVENT].wall


def test_live_entries_are_filled_up_to_the_size(measured):
    fewer, more = report.of_axis(measured, ENTRIES)
    assert fewer.live >= 60
    assert more.live >= 120
    assert (fewer.value, more.value) == (fewer.live, more.live)


def test_writes_come_at_their_rate_besides_those_that_are_watched(measured):
    still, busy = report.of_axis(measured, WRITES)
    assert still.events_per_second
    assert busy.events_per_second
    assert busy.costs[WARM].wall >= busy.costs[EVENT].wall_from


def test_each_size_has_a_row(measured):
    for axis in (LISTINGS, ENTRIES, WRITES):
        lines = report.table(measured, axis).splitlines()
        assert len({line.count("|") for line in lines}) == 1
        assert len(lines) == 2 + len(report.of_axis(measured, axis))


def test_a_cost_is_the_median_and_the_middle_half():
    watch = Stopwatch()
    assert watch.cost() is None
    for milliseconds in (1, 2, 3, 4, 100):
        watch.note(Spent(milliseconds / 1000, milliseconds / 2000))
    cost = watch.cost()
    assert cost
    assert (cost.number, cost.wall, cost.cpu) == (5, pytest.approx(3), pytest.approx(1.5))
    assert (cost.wall_from, cost.wall_to) == (pytest.approx(2), pytest.approx(4))
