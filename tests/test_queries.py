"""The queryset layer: what is asked of the database, and what is kept of the answers."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from listings import counting, queries
from listings.cache.store import store
from listings.models import Agent, ListingHistory, Media, Office, OpenHouse, Property
from listings.rows import City, Missing
from listings.search import PropertySearch
from listings.shown import SHOWN
from listings.sort import Sort
from tests.conftest import apply_all

pytestmark = pytest.mark.usefixtures("platform")

ON_MARKET = ["Active", "Active Under Contract", "Coming Soon", "Pending"]
OFF_MARKET = ["Canceled", "Closed", "Delete", "Expired", "Hold", "Incomplete", "Withdrawn"]


def make(key: str = "A-1", **columns: Any) -> Property:
    return Property.objects.create(
        listing_key=key, **{"list_price": 500_000, "city": "Kent", **columns}
    )


def make_many(number: int, city: str) -> list[str]:
    """So many listings in one city. Returns their keys, in order."""
    keys = [f"{city}-{n:04}" for n in range(number)]
    Property.objects.bulk_create(Property(listing_key=k, list_price=1, city=city) for k in keys)
    return keys


def keys_of_all() -> list[str]:
    return [card.listing_key for card in queries.get_all_properties()]


def entries(partition: str) -> int:
    """How many values the cache holds in a partition."""
    return len(list(store("pipeline").client.scan_iter(f"v:{{{partition}}}:*", count=1_000)))


# ---- get_all_properties ----


def test_every_listing_on_the_market_comes_once():
    for n, status in enumerate(ON_MARKET + OFF_MARKET):
        make(f"status-{n}", standard_status=status)
        make(f"kept-back-{n}", standard_status=status, internet_entire_listing_display_yn=False)
    make("spelt-otherwise", city="KENT")
    make("other-alphabet", city="Сент-Реми")
    make("elsewhere", city="Auburn")
    assert sorted(keys_of_all()) == sorted(
        [*(f"status-{n}" for n in range(4)), "spelt-otherwise", "other-alphabet", "elsewhere"]
    )


@pytest.mark.parametrize("city", ["", "---"])
def test_a_listing_without_a_city_comes_too(city):
    make("somewhere")
    make("nowhere", city=city)
    assert sorted(keys_of_all()) == ["nowhere", "somewhere"]


def test_no_listing_on_the_market_is_an_empty_answer_that_is_kept(django_assert_num_queries):
    make(standard_status="Closed")
    assert keys_of_all() == []
    with django_assert_num_queries(0):
        assert keys_of_all() == []


@pytest.mark.parametrize(("number", "chunks"), [(999, 1), (1_000, 2), (1_001, 2), (2_001, 3)])
def test_a_city_comes_in_chunks_of_1000_in_the_order_of_keys(
    django_assert_num_queries, number, chunks
):
    keys = make_many(number, "kent")
    assert keys_of_all() == keys
    # A full chunk may be the last one: then an empty one follows, and is kept like any other.
    assert entries("ckent") == chunks
    with django_assert_num_queries(0):
        assert keys_of_all() == keys


def test_cards_from_the_cache_are_those_from_the_database():
    make(
        list_price=Decimal("500000.50"),
        living_area=Decimal("1999.9"),
        original_entry_timestamp=datetime(2025, 6, 1, 12, 30, 15, 123456, tzinfo=UTC),
        unparsed_address="1 Lake Street",
    )
    make("A-2", living_area=None)
    loaded = list(queries.get_all_properties())
    assert loaded == list(queries.get_all_properties())
    assert loaded[0].list_price == Decimal("500000.50")
    assert loaded[1].living_area is None


def test_a_change_in_one_city_re_reads_only_that_citys_chunks():
    kent, auburn = make_many(1_001, "kent"), make_many(3, "auburn")
    keys_of_all()
    apply_all()
    keys_of_all()

    Property.objects.filter(pk=auburn[0]).update(list_price=2)
    apply_all()
    with CaptureQueriesContext(connection) as captured:
        cards = list(queries.get_all_properties())

    asked = " ".join(query["sql"] for query in captured)
    assert asked.count("'auburn'") == 1
    assert "'kent'" not in asked
    assert [card.listing_key for card in cards] == kent + auburn
    assert [card.list_price for card in cards if card.listing_key in auburn] == [2, 1, 1]


def test_a_listing_that_moves_to_another_city_comes_once():
    make("stays"), make("moves")
    keys_of_all()
    Property.objects.filter(pk="moves").update(city="Auburn")
    apply_all()
    assert sorted(keys_of_all()) == ["moves", "stays"]


def test_listings_come_and_go():
    make("goes"), make("stays")
    keys_of_all()
    Property.objects.filter(pk="goes").update(standard_status="Closed")
    make("comes", city="Auburn")
    apply_all()
    assert sorted(keys_of_all()) == ["comes", "stays"]


# ---- what is kept ----

NOTHING_FOUND = {
    "window": (lambda: queries.window(PropertySearch(city="kent")), ()),
    "count": (lambda: counting.count(PropertySearch(city="kent")), 0),
    "words": (lambda: queries.window_and_count(PropertySearch(q="garden")), ((), 0)),
    "cities": (queries.cities, ()),
    "detail": (lambda: queries.detail("A-1"), Missing(gone=False)),
}


@pytest.mark.parametrize("name", NOTHING_FOUND)
def test_nothing_found_is_kept_until_something_is(django_assert_num_queries, name):
    ask, nothing = NOTHING_FOUND[name]
    assert ask() == nothing
    with django_assert_num_queries(0):
        assert ask() == nothing
    make(public_remarks="A garden")
    apply_all()
    assert ask() != nothing


def test_nothing_is_kept_of_what_a_transaction_reads():
    make()
    search = PropertySearch(city="kent")
    with transaction.atomic():
        Property.objects.update(list_price=1)
        assert queries.window(search)[0].list_price == 1
        transaction.set_rollback(True)
    assert entries("ckent") == 0
    assert queries.window(search)[0].list_price == 500_000


def test_a_transaction_reads_its_own_rows_and_not_what_is_kept():
    make()
    counting.count(PropertySearch())
    with transaction.atomic():
        make("A-2")
        assert counting.count(PropertySearch()) == 2
        transaction.set_rollback(True)
    assert counting.count(PropertySearch()) == 1


# ---- what they answer ----


def test_count_is_capped_at_1001():
    make_many(1_002, "kent")
    assert counting.count(PropertySearch()) == 1_001
    Property.objects.filter(pk__in=["kent-0000", "kent-0001"]).delete()
    apply_all()
    assert counting.count(PropertySearch()) == 1_000


def test_count_is_shared_by_all_pages_and_sorts(django_assert_num_queries):
    make()
    counting.count(PropertySearch.parse({"city": "kent"}))
    with django_assert_num_queries(0):
        counting.count(PropertySearch.parse({"city": "kent", "page": "2", "sort": "price"}))


def test_a_search_is_not_counted_when_a_narrower_one_finds_as_many_as_are_counted(monkeypatch):
    make_many(3, city="Kent")
    monkeypatch.setattr(counting, "COUNT_TO", 3)
    kent, auburn = PropertySearch(city="kent"), PropertySearch(city="auburn")
    asked = [auburn, kent, auburn]  # one that finds less tells by its number that it was counted
    assert [one.number for one in counting.counts_now(asked)] == [0, 3, 0]
    assert [one.number for one in counting.counts_now(asked, [[1], [2], []])] == [3, 3, 0]


def test_two_pages_and_the_first_homes_of_a_search_are_one_query(django_assert_num_queries):
    keys = make_many(100, "kent")[::-1]
    with django_assert_num_queries(2):
        first = queries.window(PropertySearch(), 12)
        pages = [queries.window(PropertySearch(page=page)) for page in (1, 2, 3, 4)]
    assert [card.listing_key for card in first] == keys[:12]
    assert [[card.listing_key for card in page] for page in pages] == [
        keys[:24],
        keys[24:48],
        keys[48:72],
        keys[72:96],
    ]


def test_words_find_cards_and_their_number_in_one_query(django_assert_num_queries):
    keys = make_many(100, "kent")[::-1]
    Property.objects.update(public_remarks="A garden")
    search = PropertySearch(q="garden")
    with django_assert_num_queries(1):
        found, number = queries.window_and_count(search)
        second, same = queries.window_and_count(replace(search, page=2))
        first = queries.window(search, 12)
    assert [card.listing_key for card in (*found, *second)] == keys[:48]
    assert [card.listing_key for card in first] == keys[:12]
    assert number == same == 100


def test_number_that_words_find_is_capped_at_1001_and_true_after_a_change_on_a_later_page():
    keys = make_many(1_002, "kent")
    Property.objects.update(public_remarks="A garden")
    search = PropertySearch(q="garden")
    assert queries.window_and_count(search)[1] == 1_001
    Property.objects.filter(pk__in=keys[:2]).update(public_remarks="A lake")
    apply_all()
    assert queries.window_and_count(search)[1] == 1_000


def test_cities_come_with_the_largest_first():
    make("A-1", city="Kent", state_or_province="WA")
    for n in range(2):
        make(f"B-{n}", city="Federal Way", state_or_province="WA")
    make("C-1", city="Auburn", standard_status="Closed")
    make("D-1", city="")
    assert queries.cities() == (
        City("federal-way", "Federal Way", "WA", 2),
        City("kent", "Kent", "WA", 1),
    )


# ---- what they read ----


def columns_read(sql: str) -> set[tuple[str, str]]:
    """Of our tables, as PostgreSQL understands the query: subqueries call them by other names."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE FUNCTION asked() RETURNS void LANGUAGE sql BEGIN ATOMIC {sql}; END")
        cursor.execute(
            """
            SELECT relname, attname FROM pg_depend
            JOIN pg_class ON refclassid = 'pg_class'::regclass AND refobjid = pg_class.oid
            JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
            WHERE classid = 'pg_proc'::regclass AND objid = 'asked'::regproc
                AND relname LIKE 'listings\\_%'
            """
        )
        found = set(cursor.fetchall())
        cursor.execute("DROP FUNCTION asked")
    return found


# column of the tally → the columns of listings that its triggers make it of
TALLIED = {
    "city_key": {"city_key"},
    "city": {"city"},
    "state_or_province": {"state_or_province"},
    "number": {"internet_entire_listing_display_yn", "standard_status"},
}


def as_listings(read: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The same with the columns of listings in place of those of the tally that they are in."""
    table = Property._meta.db_table
    return {
        one
        for name, column in read
        for one in (
            {(table, of) for of in TALLIED[column]}
            if name == "listings_citytally"
            else {(name, column)}
        )
    }


def test_the_tally_is_made_of_these_columns_of_listings_and_no_others():
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT prosrc FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
            WHERE tgrelid = %s::regclass AND tgname LIKE 'listings\\_citytally\\_%%'
            """,
            [Property._meta.db_table],
        )
        sources = [source for (source,) in cursor.fetchall()]
        cursor.execute(
            "SELECT attname FROM pg_attribute"
            " WHERE attrelid = 'listings_citytally'::regclass AND attnum > 0"
        )
        columns = {column for (column,) in cursor.fetchall()}
    assert len(sources) == 4  # one for each operation
    assert columns == {"id", *TALLIED}
    words = set(re.findall(r"\w+", " ".join(sources)))
    of_listings = {field.column for field in Property._meta.concrete_fields}
    assert words & of_listings == set().union(*TALLIED.values())


def test_every_column_that_pages_read_is_one_whose_changes_are_logged(client, monkeypatch):
    # So that a planned query is asked by its words, not by its name.
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    office = Office.objects.create(office_key="F-1", office_name="Front Office")
    agent = Agent.objects.create(member_key="G-1", member_full_name="Ada Agent", office=office)
    make(list_agent=agent, list_office=office)
    Media.objects.create(media_key="M-1", property_id="A-1", media_url="/1.svg")
    start = datetime(2030, 6, 1, tzinfo=UTC)
    OpenHouse.objects.create(
        open_house_key="O-1",
        property_id="A-1",
        open_house_start_time=start,
        open_house_end_time=start + timedelta(hours=2),
    )
    ListingHistory.objects.create(
        history_transactional_key="H-1", property_id="A-1", change_type="New Listing"
    )
    every = (
        "city=kent&state_or_province=WA&postal_code=98001&property_type=Land&"
        "property_sub_type=Cabin&standard_status=Closed&list_price_min=1&list_price_max=2&"
        "bedrooms_min=1&bathrooms_min=1&living_area_min=1&living_area_max=2&year_built_min=1990&"
        "q=garden"
    )
    assert {name for name, _ in parse_qsl(every)} == set(PropertySearch.__slots__) - {
        "sort",
        "page",
    }
    sorts = [f"sort={sort}" for sort in Sort]
    with CaptureQueriesContext(connection) as captured:
        for search in (every, *sorts):
            assert client.get(f"/listings/?{search}").status_code == 200
        paths = ("/", "/listings/A-1/", "/listings/unknown/", "/cities/", "/cities/kent/")
        parts = ("/fragments/similar/kent/A-1/", f"/fragments/facets/?{every}")
        files = ("/feeds/listings.atom", "/sitemap.xml", "/sitemaps/kent/1.xml")
        answers = ("/api/v1/properties/A-1", *(f"/api/v1/properties?{one}" for one in sorts))
        for path in (*paths, *parts, *files, *answers):
            client.get(path)
        list(queries.get_all_properties())

    read = as_listings(set().union(*(columns_read(query["sql"]) for query in captured)))
    # A generated column changes only with others; `test_change_log` sees to those.
    logged = {
        (shown.table, column)
        for shown in SHOWN
        for column in (
            shown.key,
            *shown.columns,
            *(field.column for field in shown.model._meta.fields if field.generated),
        )
    }
    assert {table for table, _ in read} == {shown.table for shown in SHOWN}
    assert read <= logged
