"""Windows of what words find: be they few or many, early or late in an order, always the ORM's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.db.models.lookups import Exact
from django.test.utils import CaptureQueriesContext

from listings import words
from listings.models import Property
from listings.search import PropertySearch
from listings.sort import Sort
from listings.word_index import SIXTEENTH

pytestmark = pytest.mark.django_db

NEWEST = datetime(2025, 6, 1, tzinfo=UTC)


def keys(search: PropertySearch, size: int, start: int = 0) -> list[str]:
    shown, _ = words.window_and_count(search, size, start)
    return [card.listing_key for card in shown]


def by_orm(search: PropertySearch) -> list[str]:
    found = search.filter(Property.objects.all()).order_by(*search.sort.order)
    return list(found.values_list("pk", flat=True))


@pytest.mark.parametrize("looked_through", [1, 12, 40])
@pytest.mark.parametrize("few", [0, 7, 19, 20, 1_500])
@pytest.mark.parametrize("sort", Sort)
def test_words_show_the_rows_of_the_orm_be_they_few_or_many(monkeypatch, sort, few, looked_through):
    monkeypatch.setattr(words, "_FEW", few)
    monkeypatch.setattr(words, "_LOOKED_THROUGH", looked_through)
    for number in range(40):
        Property.objects.create(
            listing_key=f"A-{number:02}",
            list_price=number % 7 * 100_000,
            living_area=number % 5 * 500 or None,
            city="Kent" if number % 3 else "Auburn",
            public_remarks="Two gardens." if number % 2 else "A lake.",
            original_entry_timestamp=NEWEST + timedelta(number % 9),
        )
    for search in (
        PropertySearch(q="gardens", sort=sort),
        PropertySearch("kent", q="-lake", sort=sort),
    ):
        expected = by_orm(search)
        assert len(expected) > 12
        for start in (0, 8, 16, 24):
            shown, number = words.window_and_count(search, 8, start)
            assert [card.listing_key for card in shown] == expected[start : start + 8]
            assert number == min(len(expected), few + 1)
        behind = Property.objects.filter(pk__gt="A-10")
        first = words.first(behind, search, 5)
        assert [card.listing_key for card in first] == [key for key in expected if key > "A-10"][:5]
    assert words.window_and_count(PropertySearch(q="zanzibar", sort=sort), 8, 0) == ((), 0)


@pytest.fixture
def _many_gardens(monkeypatch) -> None:
    """So many that the sixteenth, in which there are about 20, can be enough."""
    monkeypatch.setattr(words, "_FEW", 7)
    monkeypatch.setattr(words, "_LOOKED_THROUGH", 1)
    Property.objects.bulk_create(
        Property(
            listing_key=f"A-{number:03}",
            list_price=100_000 + number % 7 * 100_000,
            living_area=number % 5 * 500 or None,
            public_remarks="Two gardens.",
            original_entry_timestamp=NEWEST + timedelta(number % 9),
        )
        for number in range(320)
    )


@pytest.mark.usefixtures("_many_gardens")
@pytest.mark.parametrize("sort", Sort)
def test_of_many_those_ahead_of_some_of_a_sixteenth_are_enough(sort):
    search = PropertySearch(q="gardens", sort=sort)
    expected = by_orm(search)
    for size, start in product((1, 8), (0, 1, 8, 40)):
        assert keys(search, size, start) == expected[start : start + size]
    some = Property.objects.filter(pk__gt="A-100")
    shown = [card.listing_key for card in words.first(some, search, 8)]
    assert shown == [key for key in expected if key > "A-100"][:8]


@pytest.mark.usefixtures("_many_gardens")
@pytest.mark.parametrize("sort", Sort)
def test_of_many_whose_sixteenth_stands_first_those_ahead_of_more_of_it_are_looked_for(sort):
    sixteenth: QuerySet[Property] = Property.objects.filter(Exact(SIXTEENTH, 0))
    for number, key in enumerate(sixteenth.values_list("pk", flat=True)):
        Property.objects.filter(pk=key).update(
            list_price=5_000_000 - number if sort is Sort.PRICE_DOWN else 1 + number,
            living_area=9_000 - number,
            original_entry_timestamp=NEWEST + timedelta(90 - number),
        )
    search = PropertySearch(q="gardens", sort=sort)
    expected = by_orm(search)
    for start in (0, 3):
        with CaptureQueriesContext(connection) as asked:
            assert keys(search, 8, start) == expected[start : start + 8]
        assert len(asked) == 2


@pytest.mark.usefixtures("_many_gardens")
@pytest.mark.parametrize("sort", Sort)
def test_listings_are_found_by_words_and_place_in_one_index(sort):
    with CaptureQueriesContext(connection) as captured:
        keys(PropertySearch(q="gardens", sort=sort), 8)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for index in Property._meta.indexes:  # of so few listings any other one is cheaper to read
            if index.name != "property_words":
                cursor.execute(f"DROP INDEX {index.name}")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {captured.captured_queries[0]['sql']}")
        (((plan,),),) = cursor.fetchall()
    conditions = [
        str(node["Index Cond"])
        for node in nodes(plan["Plan"])
        if node.get("Index Name") == "property_words"
    ]
    assert len(conditions) == 3
    assert sum("hashtext" in one and "@@" in one for one in conditions) == 1
    assert sum("InitPlan" in one and "@@" in one for one in conditions) == 1


@pytest.mark.parametrize(
    ("few", "looked_through", "expected"), [(20, 1, [1, 0]), (19, 40, [1, 1]), (19, 1, [2, 1])]
)
def test_what_words_find_is_all_looked_for_only_where_that_is_needed(
    monkeypatch, few, looked_through, expected
):
    monkeypatch.setattr(words, "_FEW", few)
    monkeypatch.setattr(words, "_LOOKED_THROUGH", looked_through)
    for number in range(20):
        key = f"A-{number:02}"
        Property.objects.create(
            listing_key=key, city="Kent", list_price=1, public_remarks="A garden."
        )
    with CaptureQueriesContext(connection) as captured:
        keys(PropertySearch("kent", q="gardens"), 8)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_bitmapscan = off")  # the table, whatever is known of it
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {captured.captured_queries[0]['sql']}")
        (((plan,),),) = cursor.fetchall()
    looked_for, looked_at = 0, 0
    for node in nodes(plan["Plan"]):
        if "@@" in str(node.get("Filter")):
            if node["Node Type"] == "Subquery Scan":
                looked_at += node["Actual Loops"]
            else:
                looked_for += node["Actual Loops"]
    assert [looked_for, looked_at] == expected


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All parts of a plan."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)
