"""Every filter with every sort can be answered from an index that knows all of it.

Costs are the affair of the planner, and a small table is read faster from end to end; so here it
is told not to. `benchmarks.plans` shows what it chooses at a million listings, and how long that
takes.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product

import msgspec
import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.machine import Machine
from benchmarks.plans import report
from benchmarks.plans.costs import FILTERS, SORTS, _scanned
from benchmarks.plans.plan import Cost, Kind, Plan, Results
from listings import queries
from listings.cache.reading import bypass
from listings.inventory.seeding import seed
from listings.search import FIELDS, PropertySearch
from listings.sitemap import keys_in_city

pytestmark = pytest.mark.usefixtures("platform")

OFF = ("enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_incremental_sort")
INDEXES = {
    "newest": "newest", "price": "price", "-price": "price_down", "-living_area": "area_down",
}  # fmt: skip


@pytest.fixture
def _inventory(platform) -> None:
    """Enough listings in enough cities for statistics that tell the indexes apart: those that
    earlier tests have left behind may tell of any table.
    """
    anchor = datetime(2026, 3, 15, tzinfo=UTC)
    seed(500, seed=1, anchor=anchor, jobs=1, progress=lambda _: None)


@pytest.fixture(autouse=True)
def _only_indexes(platform) -> Iterator[None]:
    with connection.cursor() as cursor:
        for setting in OFF:
            cursor.execute(f"SET {setting} = off")
        yield
        for setting in OFF:
            cursor.execute(f"RESET {setting}")


def plans(ask) -> list[str]:
    """The plans of all that this asks of the database."""
    with bypass(), CaptureQueriesContext(connection) as captured:
        ask()
    with connection.cursor() as cursor:
        found = []
        for query in captured.captured_queries:
            cursor.execute(f"EXPLAIN {query['sql']}")
            found.append("\n".join(line for (line,) in cursor.fetchall()))
        return found


def test_every_filter_is_looked_at():
    assert set(FILTERS) == set(FIELDS) - {"city"} | {"standard_status", "q"}


@pytest.mark.usefixtures("_inventory")
@pytest.mark.parametrize(("sort", "city"), list(product(SORTS, ("", "chicago"))))
def test_a_page_finds_its_keys_in_the_index_of_its_sort_alone(sort, city):
    prefix = "property_city" if city else "property_all"
    for name, values in FILTERS.items():
        if name == "q":
            continue  # words are found in an index of their own
        search = PropertySearch.parse({"city": city, "sort": sort, name: values[0]})
        (plan,) = plans(lambda search=search: queries.window(search))
        index = f"Index Only Scan using {prefix}_{INDEXES[sort]} "
        if name == "standard_status" and sort == "newest":
            index = "using property_status_newest "
        assert index in plan, (name, plan)


@pytest.mark.usefixtures("_inventory")
@pytest.mark.parametrize(
    ("known", "common"), [("property_kinds", "Condominium"), ("property_places", "chicago")]
)
def test_a_new_inventory_is_known_by_what_goes_together(known, common):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT most_common_vals::text FROM pg_stats_ext WHERE statistics_name = %s", [known]
        )
        assert common in cursor.fetchone()[0]


@pytest.mark.usefixtures("_inventory")
def test_the_keys_of_a_city_need_no_table():
    (plan,) = plans(lambda: keys_in_city("chicago", 1))
    assert "Index Only Scan using property_market_city " in plan


def found_of(*costs: Cost) -> Results:
    return Results(Plan(), Machine("one", 2, 24.0, {}), list(costs))


def test_a_list_is_judged_by_its_time_and_by_whether_an_index_finds_it():
    quick = Cost("property_list", "city=kent", 4.0, 1, ())
    tally = Cost("city_list", "", 0.5, 1, ("listings_citytally",))
    assert all(report.verdicts(found_of(quick, tally)).values())
    for bad in (Cost("property_list", "", 50.0, 1, ()), Cost("home", "", 50.0, 1, ())):
        assert list(report.verdicts(found_of(quick, bad)).values()).count(False) == 1
    whole = Cost("property_list", "q=garden", 4.0, 1, ("listings_property",))
    kept = report.verdicts(found_of(quick, whole))
    assert kept["1 of 2 lists are found without an index"] is False
    assert kept["0 of 2 lists take the database 50 ms or more"] is True


def test_refinements_are_told_apart_from_pages():
    refined = Cost("search_facets", "q=garden", 160.0, 2, ("listings_property",))
    found = found_of(Cost("property_list", "", 4.0, 1, ()), refined)
    assert all(report.verdicts(found).values())
    (row,) = (line for line in report.kinds(found).splitlines() if Kind.REFINEMENTS in line)
    assert row == f"| {Kind.REFINEMENTS} | 1 | 160.0 | 160.0 | 1 | 1 |"
    first, second = report.dearest(found).splitlines()[2:]
    assert first == "| refinements | `q=garden` | listings_property | 160.0 | 2 |"
    assert second.startswith("| list |")


def test_a_table_that_is_not_read_after_all_is_not_told():
    read = {"Node Type": "Seq Scan", "Relation Name": "one", "Actual Loops": 1}
    spared = {"Node Type": "Seq Scan", "Relation Name": "other", "Actual Loops": 0}
    assert list(_scanned({"Node Type": "Append", "Plans": [read, spared]})) == ["one"]


def test_the_whole_command_at_a_tiny_size(monkeypatch, tmp_path):
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)  # the tests', not the command's
    output = tmp_path / "plans.json"
    argv = [sys.executable, "-m", "benchmarks.plans", "--listings", "200", "--output", str(output)]
    done = subprocess.run(argv, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    assert output.exists(), done.stderr[-5_000:]
    found = msgspec.json.decode(output.read_bytes(), type=Results)
    lists = [cost for cost in found.costs if cost.kind is Kind.LIST]
    assert len(lists) > len(SORTS) * sum(map(len, FILTERS.values()))
    assert all(cost.milliseconds and cost.statements for cost in found.costs)
    assert f"of {len(lists)} lists take the database" in done.stdout
