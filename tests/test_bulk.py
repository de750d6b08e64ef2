"""Many rows at once while visitors read: what the benchmark finds, at a tiny size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from django.conf import settings

from benchmarks.bulk import report, sales
from benchmarks.bulk.plan import IMPORT, TRANSACTION, Results
from listings.importing.king_county_sales import parse

ROWS, CHANGED, CHECKED = 300, 60, 40


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> Results:
    """What a run on servers of its own has found."""
    output = tmp_path_factory.mktemp("bulk") / "bulk.json"
    sizes = {"rows": ROWS, "changed-rows": CHANGED, "warm-up": 200, "reads": 100}
    sizes |= {"still-seconds": 1, "most-seconds": 20, "checked": CHECKED}
    options = [f"--{name}={number}" for name, number in sizes.items()]
    done = subprocess.run(
        [*(sys.executable, "-m", "benchmarks.bulk", *options), "--output", str(output)],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert output.exists(), done.stderr[-5_000:]
    return msgspec.json.decode(output.read_bytes(), type=Results)


def test_both_changes_reach_the_cache_and_leave_nothing_stale(measured):
    assert [case.name for case in measured.cases] == [IMPORT, TRANSACTION]
    imported, changed = measured.cases
    assert ROWS * 0.05 < imported.rows < ROWS * 0.15
    assert changed.rows == CHANGED
    for case in measured.cases:
        assert (case.checked, case.stale, case.failed) == (CHECKED, 0, 0)
        assert case.least_live < 1
        assert case.live_at_end > case.least_live
        assert case.before.number
        assert case.meanwhile.number
        assert case.after.number
        assert [look.at for look in case.looks] == sorted(look.at for look in case.looks)
    assert all(report.verdicts(measured).values())


def test_a_stale_entry_breaks_the_promise(measured):
    case = msgspec.structs.replace(measured.cases[0], stale=1)
    results = msgspec.structs.replace(measured, cases=[case])
    assert list(report.verdicts(results).values()) == [False]


def test_made_up_sales_are_as_the_county_would_write_them(tmp_path: Path):
    path = tmp_path / "sales.csv"
    sales.write(sales.made_up(500, 1), path)
    found = [parse(row) for row in sales.read(path, 500)]
    assert len(found) == 500
    assert 480 < len({sale.parcel for sale in found}) < 500
    assert len({sale.zip_code for sale in found}) > 60


def test_a_changed_file_differs_in_so_many_prices_only(tmp_path: Path):
    before = list(sales.made_up(2_000, 1))
    after = list(sales.changed(iter(before), 0.1, 1))
    pairs = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert 150 < len(pairs) < 250
    for old, new in pairs:
        assert {**old, "price": ""} == {**new, "price": ""}
