# ruff: noqa: E402 - models can be imported only when Django is set up
"""The cost of every first page: prints all as JSON. Started by `benchmarks.plans`.

The environment names the database. Each statement is run once and then timed three times, of which
the median counts, so that what is measured is the plan: not the disk, nor who else has the
processor.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from itertools import product
from statistics import median
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")

import django

django.setup()

import msgspec
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.plans.plan import Cost
from listings.cache.reading import bypass
from listings.queries import cities, window
from listings.search import PropertySearch
from listings.site import PAGES

TIMED = 3

SORTS = ("newest", "price", "-price", "-living_area")
# One or two values of each field: what many listings have, and what few have.
FILTERS: Mapping[str, tuple[str, ...]] = {
    "state_or_province": ("WA", "VT"),
    "postal_code": ("98103", "00000"),
    "property_type": ("Residential", "Residential Lease", "Farm"),
    "property_sub_type": ("Single Family Residence", "Cabin"),
    "standard_status": ("Closed", "Coming Soon"),
    "list_price_min": ("500000", "20000000"),
    "list_price_max": ("500000", "20000"),
    "bedrooms_min": ("3", "9"),
    "bathrooms_min": ("2", "9"),
    "living_area_min": ("2000", "15000"),
    "living_area_max": ("1500", "200"),
    "year_built_min": ("1990", "2026"),
    "q": ("garden", "home office", "walk-in closet", "lake granite skylights", "zanzibar"),
}


def searches(city: str) -> Iterator[str]:
    """Each filter and some pairs of them with each sort, over all cities and in one."""
    for where, asked, sort in product(({}, {"city": city}), filters(), SORTS):
        yield PropertySearch.parse({**where, **asked, "sort": sort}).canonical()


def filters() -> list[dict[str, str]]:
    """None, each alone, then some pairs, of which some are seldom or never found together."""
    alone = [{name: value} for name, values in FILTERS.items() for value in values]
    pairs = [
        {"property_type": "Residential", "bedrooms_min": "4"},
        {"property_sub_type": "Condominium", "list_price_max": "300000"},
        {"bedrooms_min": "5", "list_price_max": "250000"},
        {"bathrooms_min": "4", "year_built_min": "2020"},
        {"q": "garden", "property_type": "Land"},
        {"property_type": "Land", "bedrooms_min": "3"},
        {"property_type": "Residential Lease", "property_sub_type": "Condominium"},
        {"property_sub_type": "Condominium", "bedrooms_min": "4"},
    ]
    return [{}, *alone, *pairs]


def costs(some: Iterator[tuple[str, str]]) -> Iterator[Cost]:
    """The cost of each of these pages, given by name and arguments."""
    for name, arguments in some:
        with bypass(), CaptureQueriesContext(connection) as captured:
            PAGES[name].content(arguments)
        milliseconds, scanned = 0.0, set()
        for query in captured.captured_queries:
            plans = [_explained(query["sql"]) for _ in range(TIMED)]
            milliseconds += median(plan["Planning Time"] + plan["Execution Time"] for plan in plans)
            scanned |= set(_scanned(plans[-1]["Plan"]))
        statements = len(captured.captured_queries)
        yield Cost(name, arguments, milliseconds, statements, tuple(sorted(scanned)))


def _explained(sql: str) -> dict[str, Any]:
    with connection.cursor() as cursor:
        # Timing each part of a plan, row by row, would add a third to what is measured.
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}")
        found: list[dict[str, Any]] = cursor.fetchone()[0]
        return found[0]


def _scanned(plan: Mapping[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan" and plan["Actual Loops"]:
        yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from _scanned(part)


def pages(city: str, listing_key: str) -> Iterator[tuple[str, str]]:
    """Every kind of page, lists with every filter and sort. The listing is in the city."""
    for text in searches(city):
        yield "property_list", text
    for where, asked in product(({}, {"city": city}), filters()):
        yield "search_facets", PropertySearch.parse({**where, **asked}).found()
    for place in ("", f"city={city}"):
        yield "feed", place
    for sort in SORTS:
        for place in ("", f"city={city}&"):
            yield "api_properties", f"{place}sort={sort}" if sort != "newest" else place.rstrip("&")
    for name in ("home", "city_list", "sitemap"):
        yield name, ""
    yield "city_page", city
    yield "similar_homes", f"{city} {listing_key}"
    for name in ("property_detail", "api_property"):
        yield name, listing_key
    yield "city_sitemap", f"{city} 1"


def main() -> None:
    city = cities()[0].city_key
    newest = window(PropertySearch(city=city))[0]
    found = list(costs(pages(city, newest.listing_key)))
    sys.stdout.write(msgspec.json.encode(found).decode())


if __name__ == "__main__":
    main()
