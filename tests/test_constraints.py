"""What the database itself refuses, whoever writes; and that it names cities as Python does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.expressions import RawSQL
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from listings.models import ListingHistory, Media, OpenHouse, Property
from listings.places import city_key

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def add(**values: Any) -> Property:
    return Property.objects.create(**{"listing_key": "A1", "list_price": 100_000, **values})


def refused(**values: Any) -> str:
    """The name of the constraint that refuses such a property."""
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        add(**values)
    cause: Any = error.value.__cause__
    return str(cause.diag.constraint_name)


@pytest.mark.parametrize(
    "column",
    [
        *("list_price", "original_list_price", "previous_list_price", "close_price"),
        *("living_area", "lot_size_square_feet", "garage_spaces", "association_fee"),
        "tax_annual_amount",
    ],
)
def test_negative_amount_is_refused_and_zero_is_not(column):
    assert refused(**{column: Decimal("-0.01")}) == f"property_{column}_not_negative"
    add(**{column: 0})


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"latitude": "90.00000001"}, "property_latitude_range"),
        ({"latitude": "-91"}, "property_latitude_range"),
        ({"longitude": "180.5"}, "property_longitude_range"),
        ({"year_built": 1599}, "property_year_built_range"),
        ({"close_date": RawSQL("'infinity'::date", [])}, "property_close_date_range"),
        ({"close_date": RawSQL("'-infinity'::date", [])}, "property_close_date_range"),
        (
            {"original_entry_timestamp": RawSQL("'infinity'::timestamptz", [])},
            "property_original_entry_timestamp_range",
        ),
        ({"standard_status": "Sold"}, "property_standard_status_known"),
        ({"standard_status": "active"}, "property_standard_status_known"),
        ({"property_type": "Castle"}, "property_property_type_known"),
        ({"property_sub_type": "Moat"}, "property_property_sub_type_known"),
        ({"listing_key": ""}, "property_listing_key_shape"),
        ({"listing_key": "-1"}, "property_listing_key_shape"),
        ({"listing_key": "a b"}, "property_listing_key_shape"),
        ({"listing_key": "a/b"}, "property_listing_key_shape"),
        ({"listing_key": "a}b"}, "property_listing_key_shape"),
        ({"listing_key": "a\n"}, "property_listing_key_shape"),
        ({"listing_key": "é"}, "property_listing_key_shape"),
    ],
)
def test_impossible_value_is_refused(values, constraint):
    assert refused(**values) == constraint


def test_values_at_the_border_are_taken():
    add(listing_key="a", latitude=90, longitude=-180, year_built=1600)
    add(listing_key="S7-0000123._x")


def test_key_is_taken_once():
    add()
    assert refused() == "listings_property_pkey"


def test_key_of_origin_is_taken_once_unless_it_is_empty():
    origin = {"originating_system_name": "Demo", "originating_system_key": "7"}
    add(**origin)
    assert refused(listing_key="A2", **origin) == "property_originating_key_once"
    add(listing_key="A3", originating_system_name="Other", originating_system_key="7")
    add(listing_key="A4", originating_system_name="Demo")
    add(listing_key="A5", originating_system_name="Demo")


def test_raw_sql_is_held_to_the_same():
    add()
    with (
        pytest.raises(IntegrityError, match="property_list_price_not_negative"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE listings_property SET list_price = -1")


@pytest.mark.parametrize("minutes", [0, -30])
def test_open_house_must_end_after_it_starts(minutes):
    home = add()
    with pytest.raises(IntegrityError, match="openhouse_ends_after_start"):
        OpenHouse.objects.create(
            open_house_key="O1",
            property=home,
            open_house_start_time=NOON,
            open_house_end_time=NOON + timedelta(minutes=minutes),
        )


def test_unknown_media_category_is_refused():
    with pytest.raises(IntegrityError, match="media_media_category_known"):
        Media.objects.create(media_key="M1", property=add(), media_url="x", media_category="Scent")


def test_unknown_change_type_is_refused():
    with pytest.raises(IntegrityError, match="listinghistory_change_type_known"):
        ListingHistory.objects.create(
            history_transactional_key="H1", property=add(), change_type="Haunted"
        )


# PostgreSQL keeps neither NUL nor half a surrogate pair, so no row can hold them.
cities = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=50)
names = st.one_of(cities, st.text("aZ éßİıſK-_'. \t\n\u00a0\u2028ǅ９", max_size=12))


@settings(
    max_examples=15,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(names, min_size=40, max_size=40))
@example(["Federal Way", "Saint Paul", "ÉVRY", "İzmir", "", "---", "a\u2013b", "東京", "A\u00a0B"])
def test_database_and_python_name_cities_alike(written):
    """Many cities a round trip, so that many are tried in little time."""
    with transaction.atomic():
        Property.objects.bulk_create(
            Property(listing_key=f"A{number}", list_price=1, city=city)
            for number, city in enumerate(written)
        )
        stored = dict(Property.objects.values_list("listing_key", "city_key"))
        transaction.set_rollback(True)
    assert stored == {f"A{number}": city_key(city) for number, city in enumerate(written)}
