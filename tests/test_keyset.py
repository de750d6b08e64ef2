"""Reading a search from a place on: every row once, in order, whatever comes or goes before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import islice

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from listings import words
from listings.cache.dependencies import Place
from listings.keyset import as_text, cards_after, from_text, loaded
from listings.models import Property
from listings.search import PropertySearch
from listings.sort import Sort
from tests.conftest import apply_all

START = datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def inventory(platform) -> list[str]:
    """Forty listings with many ties in everything that they can be sorted by."""
    Property.objects.bulk_create(
        Property(
            listing_key=f"A-{n:02}",
            city="Kent" if n % 3 else "Auburn",
            list_price=Decimal("100000.50") * (n * 7 % 5),
            living_area=None if n % 4 == 0 else Decimal("10.25") * (n * 3 % 7),
            original_entry_timestamp=START - timedelta(microseconds=n * 11 % 6),
            public_remarks="By the lake" if n % 2 else "",
        )
        for n in range(40)
    )
    apply_all()
    return [f"A-{n:02}" for n in range(40)]


def read_through(search: PropertySearch, most: int) -> list[str]:
    """The keys of all slices, one after the other."""
    keys: list[str] = []
    after: Place | None = None
    while cards := cards_after(search, after, most):
        keys += [card.listing_key for card in cards]
        place = search.sort.place(partial(getattr, cards[-1]))
        after = from_text(search.sort, as_text(place))
        assert after == place
    return keys


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("most", [1, 3, 10, 50])
@pytest.mark.parametrize("where", [{}, {"city": "kent"}, {"q": "lake"}, {"living_area_min": 20}])
def test_slices_have_every_row_once_in_the_order_of_the_search(inventory, sort, most, where):
    search = PropertySearch(sort=sort, **where)
    rows = search.filter(Property.objects.all()).order_by(*sort.order)
    expected = list(rows.values_list("pk", flat=True))
    assert len(expected) > 10
    assert read_through(search, most) == expected


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("most", [1, 3, 10])
def test_slices_of_words_that_many_have_are_no_others(monkeypatch, inventory, sort, most):
    monkeypatch.setattr(words, "_FEW", 5)
    monkeypatch.setattr(words, "_LOOKED_THROUGH", 8)
    search = PropertySearch(sort=sort, q="lake")
    rows = search.filter(Property.objects.all()).order_by(*sort.order)
    assert read_through(search, most) == list(rows.values_list("pk", flat=True))


@pytest.mark.parametrize("sort", Sort)
def test_a_slice_is_where_it_was_when_rows_come_and_go_before_it(inventory, sort):
    search = PropertySearch(sort=sort)
    first = cards_after(search, None, 10)
    after = sort.place(partial(getattr, first[-1]))
    second = cards_after(search, after, 10)
    Property.objects.filter(pk__in=[card.listing_key for card in first]).delete()
    apply_all()
    with CaptureQueriesContext(connection) as captured:
        assert cards_after(search, after, 10) == second
    assert len(captured) == 0  # the entry has survived


def test_a_change_in_a_slice_is_seen(inventory):
    search = PropertySearch(sort=Sort.PRICE)
    after = search.sort.place(partial(getattr, cards_after(search, None, 10)[-1]))
    card = cards_after(search, after, 10)[3]
    Property.objects.filter(pk=card.listing_key).update(city="Renton")
    apply_all()
    assert cards_after(search, after, 10)[3].city == "Renton"


@pytest.mark.parametrize("sort", Sort)
def test_a_deep_slice_is_read_from_an_index_on(inventory, sort):
    """In no part of a slice are the rows before it read and thrown away."""
    search = PropertySearch(sort=sort)
    rows = search.filter(Property.objects.all()).order_by(*sort.order)
    place = sort.place(partial(getattr, rows[12]))
    with CaptureQueriesContext(connection) as captured:
        loaded(search, place, 10)
    with connection.cursor() as cursor:
        for setting in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
            cursor.execute(f"SET {setting} = off")
        try:
            for query in islice(captured, 1):
                cursor.execute(f"EXPLAIN {query['sql']}")
                plan = "\n".join(line for (line,) in cursor.fetchall())
                column = {"newest": "original_entry_timestamp", "-living_area": "living_area"}
                name = column.get(sort, "list_price")
                assert f"Index Cond: ({name} " in plan, plan
        finally:
            for setting in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
                cursor.execute(f"RESET {setting}")


@pytest.mark.parametrize(
    ("sort", "text"),
    [
        *((sort, text) for sort in Sort for text in ("", ",", "A-1", "x,A-1", "1,", "1,2,3,A-1")),
        (Sort.PRICE, "-1,A-1"),
        (Sort.PRICE, "01,A-1"),
        (Sort.PRICE, "+1,A-1"),
        (Sort.PRICE, "-0,A-1"),
        (Sort.PRICE, "\u0661,A-1"),
        (Sort.PRICE, "1_0,A-1"),
        (Sort.PRICE, f"{10**14},A-1"),
        (Sort.PRICE, "1,A/1"),
        (Sort.PRICE, "1,A-1\n"),
        (Sort.PRICE, "1,\x00"),
        (Sort.PRICE, f"1,{'A' * 256}"),
        (Sort.PRICE_DOWN, "1,A-1"),
        (Sort.NEWEST, f"{10**18},A-1"),
        (Sort.NEWEST, f"-{10**18},A-1"),
        (Sort.NEWEST, "9" * 5000 + ",A-1"),
        (Sort.LIVING_AREA_DOWN, "0,1,A-1"),
        (Sort.LIVING_AREA_DOWN, "1,1,A-1"),
        (Sort.LIVING_AREA_DOWN, "2,0,A-1"),
    ],
)
def test_what_is_no_place_is_refused(sort, text):
    with pytest.raises(ValueError, match="must be taken from"):
        from_text(sort, text)


@pytest.mark.parametrize(
    ("sort", "place"),
    [
        (Sort.NEWEST, (62_135_596_800_000_000, "A")),
        (Sort.NEWEST, (-253_402_300_799_999_999, "A")),
        (Sort.PRICE, (10**14 - 1, "A")),
        (Sort.PRICE_DOWN, (0, "A.b_c-d")),
        (Sort.LIVING_AREA_DOWN, (0, -(10**14) + 1, "A")),
        (Sort.LIVING_AREA_DOWN, (1, 0, "A" * 255)),
    ],
)
def test_the_outermost_places_can_be_read(platform, sort, place):
    assert from_text(sort, as_text(place)) == place
    assert loaded(PropertySearch(sort=sort), place, 3)[0] == ()
