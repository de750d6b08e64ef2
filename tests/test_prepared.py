"""Prepared queries: for any values the SQL that the ORM would make, compiled once for a shape."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Q, QuerySet
from hypothesis import given, settings
from hypothesis import strategies as st

from listings import cards, prepared
from listings.models import Media, Property
from listings.prepared import A_KEY, Planned, Prepared, Statement
from listings.search import LAST_PAGE, PAGE_SIZE, PropertySearch
from listings.sort import Sort
from listings.vocabulary import PUBLIC, PropertySubType, PropertyType

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
amounts = st.decimals(0, 10**12, places=2).map(str)
areas = st.integers(0, 10_000_000).map(str)
small = st.integers(0, 100).map(str)
# Each as `parse` takes it, from its least to its most. City keys and texts may look like probes.
PARAMETERS: dict[str, st.SearchStrategy[str]] = {
    "city": st.sampled_from(["kent", "federal-way", "сент-реми", "0"]),
    "state_or_province": st.sampled_from(["WA", "or"]),
    "postal_code": st.sampled_from(["98101", "?3?", "100% real"]),
    "property_type": st.sampled_from(PropertyType.values),
    "property_sub_type": st.sampled_from(PropertySubType.values),
    "standard_status": st.sampled_from([str(status) for status in PUBLIC]),
    "list_price_min": amounts,
    "list_price_max": amounts,
    "bedrooms_min": small,
    "bathrooms_min": small,
    "living_area_min": areas,
    "living_area_max": areas,
    "year_built_min": st.integers(1600, 2200).map(str),
    "q": texts,
    "sort": st.sampled_from(list(Sort)),
    "page": st.integers(1, LAST_PAGE).map(str),
}


@st.composite
def searches(draw: st.DrawFn) -> PropertySearch:
    asked = draw(st.fixed_dictionaries({}, optional=PARAMETERS))
    for name in ("list_price", "living_area"):
        if f"{name}_min" in asked and f"{name}_max" in asked:
            del asked[f"{name}_min"]  # it might be above
    return PropertySearch.parse(asked)


def by_orm(search: PropertySearch) -> QuerySet[Property, Any]:
    """The window of a search, as it would be asked for without preparing anything."""
    start = (search.page - 1) * PAGE_SIZE
    found = search.filter(Property.objects.all()).order_by(*search.sort.order)
    return cards.of_keys(found[start : start + PAGE_SIZE].values("pk"), search.sort)


def window(search: PropertySearch) -> Statement:
    asked = prepared.of_search(search, cards._sorted)
    return asked.limited(PAGE_SIZE, (search.page - 1) * PAGE_SIZE)


def texts_of(values: Any) -> list[str]:
    """As PostgreSQL reads them: 1 and Decimal(1) are the same there."""
    return [f"{'text' if isinstance(value, str) else 'plain'} {value}" for value in values]


def test_every_field_of_a_search_is_drawn():
    assert set(PARAMETERS) == {field.name for field in fields(PropertySearch)}


@settings(max_examples=500, deadline=None, database=None)
@given(search=searches())
def test_any_search_asks_exactly_what_the_orm_would(search):
    sql, values = by_orm(search).query.sql_with_params()
    asked = window(search)
    assert asked.sql == sql
    assert texts_of(asked.parameters) == texts_of(values)


@pytest.mark.django_db
@pytest.mark.parametrize("sort", Sort)
def test_rows_are_those_of_the_orm(sort):
    cities = ["Kent", "Kent", "Auburn", ""]
    for number in range(40):
        home = Property.objects.create(
            listing_key=f"A-{number:02}",
            list_price=number % 7 * 100_000 + 0.5,
            living_area=number % 5 * 500 or None,
            city=cities[number % 4],
            unparsed_address=f"{number} Heron Lane",
            internet_address_display_yn=number % 3 > 0,
            original_entry_timestamp=datetime(2025, 6, 1 + number % 9, 12, 30, tzinfo=UTC),
        )
        for order in range(number % 3):
            key = f"M-{number}-{order}"
            Media.objects.create(media_key=key, property=home, order=-order + 5, media_url=key)
    for asked in ({}, {"page": "2"}, {"city": "kent"}, {"list_price_max": "250000"}):
        search = PropertySearch.parse({"sort": sort, **asked})
        rows = window(search).rows()
        assert len(rows) > 5
        assert rows == list(by_orm(search))


def test_a_shape_is_compiled_once_and_values_are_its_own(monkeypatch):
    compiled = []
    really = PropertySearch.filter

    def noted(search: PropertySearch, queryset: QuerySet[Property]) -> QuerySet[Property]:
        compiled.append(search)
        return really(search, queryset)

    monkeypatch.setattr(PropertySearch, "filter", noted)
    prepared._of_shape.cache_clear()
    first, other = (window(PropertySearch(city=city, page=2)) for city in ("kent", "auburn"))
    assert len(compiled) == 1
    assert first.sql == other.sql
    assert ("kent" in first.parameters, "auburn" in first.parameters) == (True, False)
    assert "auburn" in other.parameters
    for another in (PropertySearch(q="kent"), PropertySearch(city="kent", sort=Sort.PRICE)):
        window(another)
    assert len(compiled) == 3


@pytest.mark.parametrize(
    "asked",
    [Q(), Q(pk=A_KEY, listing_id=A_KEY), Q(pk__startswith=A_KEY)],
    ids=["not at all", "twice", "changed"],
)
def test_a_query_that_has_its_value_otherwise_than_once_as_it_is_cannot_be_prepared(asked):
    with pytest.raises(ValueError, match="cannot be prepared for any key"):
        Prepared(Property.objects.filter(asked), {"key": A_KEY})


@pytest.mark.django_db
def test_a_prepared_query_finds_what_it_is_given():
    for key in ("A-1", "A-2"):
        Property.objects.create(listing_key=key, list_price=1)
    by_key = Prepared(Property.objects.filter(pk=A_KEY).values_list("pk"), {"key": A_KEY})
    assert [by_key.statement({"key": key}).rows() for key in ("A-1", "A-2", "A-3", "%s")] == [
        *([("A-1",)], [("A-2",)], [], [])
    ]


@pytest.fixture
def planned() -> Planned:
    for key in ("A-1", "A-2"):
        Property.objects.create(listing_key=key, list_price=1)
    return make_planned()


def make_planned() -> Planned:
    # What else is a parameter stays what it is.
    rows = Property.objects.filter(pk=A_KEY, standard_status__in=PUBLIC, city="")
    return Planned("by_key", rows.values_list("pk"), {"key": A_KEY})


def plans() -> int:
    """How many queries this connection has planned."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_a_planned_query_finds_what_it_is_given_on_any_connection(planned):
    for _ in range(2):
        connection.close()
        found = [planned.rows({"key": key}) for key in ("A-1", "A-2", "A-3", "%s", "$1", "'")]
        assert found == [[("A-1",)], [("A-2",)], [], [], [], []]
        assert plans() == 1


@pytest.mark.django_db(transaction=True)
def test_two_threads_that_make_the_same_query_at_once_plan_it_once_for_a_connection(planned):
    connection.close()
    for one in (planned, make_planned(), planned):
        assert one.rows({"key": "A-1"}) == [("A-1",)]
    assert plans() == 1


@pytest.mark.django_db(transaction=True)
def test_a_plan_that_the_server_has_lost_is_made_again_after_one_error(planned):
    connection.close()
    planned.rows({"key": "A-1"})
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    with pytest.raises(DatabaseError):
        planned.rows({"key": "A-1"})
    assert planned.rows({"key": "A-1"}) == [("A-1",)]
    prepared._planned.clear()  # as if the server's answer had been lost
    assert planned.rows({"key": "A-1"}) == [("A-1",)]


@pytest.mark.django_db(transaction=True)
def test_a_plan_outlives_the_transaction_that_has_made_it(planned):
    connection.close()
    with transaction.atomic():
        planned.rows({"key": "A-1"})
        transaction.set_rollback(True)
    assert planned.rows({"key": "A-2"}) == [("A-2",)]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_planned_where_transactions_share_connections(planned, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    connection.close()
    assert planned.rows({"key": "A-1"}) == [("A-1",)]
    assert plans() == 0


@pytest.mark.django_db(transaction=True)
def test_a_planned_query_is_one_query(planned, django_assert_num_queries):
    connection.close()
    with django_assert_num_queries(1):
        planned.rows({"key": "A-1"})
