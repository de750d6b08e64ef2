"""Rows that come as JSON hold exactly what their columns hold."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from listings import queries
from listings.models import Agent, ListingHistory, Media, Office, OpenHouse, Property
from listings.rows import AgentCard, Detail, HistoryItem, OfficeCard, OpenHouseTime, Photo
from listings.search import PropertySearch

pytestmark = pytest.mark.usefixtures("platform")

# A name, in which a careless way through JSON would show.
STRANGE = '"\\n" </b> 100% {}[]\t\r\n\x01\x7f\u2028 é 日本 🏡'
LONG_AGO = datetime(1969, 12, 31, 23, 59, 59, 100, tzinfo=UTC)
START = datetime(9999, 12, 31, 22, 0, 0, 120_000, tzinfo=UTC)
END = START + timedelta(hours=1, microseconds=3)
COLUMNS: dict[str, Any] = {
    "listing_id": STRANGE,
    "list_price": Decimal("999999999990.10"),
    "original_list_price": Decimal("0.00"),
    "close_date": date(1, 1, 1),
    "original_entry_timestamp": LONG_AGO,
    "year_built": 2_200,
    "waterfront_yn": True,
    "unparsed_address": STRANGE,
    "city": STRANGE,
    "latitude": Decimal("-89.00000010"),
    "public_remarks": STRANGE * 100,
}


def make(key: str = "A-1", **columns: Any) -> Property:
    return Property.objects.create(listing_key=key, **COLUMNS | columns)


def detail(key: str = "A-1") -> Detail:
    found = queries.detail(key)
    assert isinstance(found, Detail)
    assert queries.detail(key) == found  # from the cache
    return found


def test_columns_come_as_they_are():
    make()
    shown = detail()
    assert {name: getattr(shown, name) for name in COLUMNS} == COLUMNS
    assert str(shown.list_price) == "999999999990.10"
    assert (shown.close_price, shown.longitude, shown.bathrooms_full) == (None, None, None)
    (card,) = queries.window(PropertySearch())
    assert (card.address, card.city, card.original_entry_timestamp) == (STRANGE, STRANGE, LONG_AGO)
    assert str(card.list_price) == "999999999990.10"


def test_rows_of_other_tables_come_in_their_order():
    home = make()
    for order in (2, 1):
        Media.objects.create(
            media_key=f"M-{order}",
            property=home,
            media_url=f"/{order}.svg",
            order=order,
            short_description=STRANGE,
        )
        OpenHouse.objects.create(
            open_house_key=f"O-{order}",
            property=home,
            open_house_start_time=START + timedelta(minutes=order),
            open_house_end_time=END,
        )
        ListingHistory.objects.create(
            history_transactional_key=f"H-{order}",
            property=home,
            change_type="New Listing",
            previous_value=STRANGE,
            modification_timestamp=LONG_AGO + timedelta(seconds=order),
        )
    shown = detail()
    assert shown.photos == tuple(Photo(f"/{order}.svg", STRANGE) for order in (1, 2))
    assert shown.open_houses == tuple(
        OpenHouseTime(START + timedelta(minutes=order), END, "Public") for order in (1, 2)
    )
    assert shown.history == tuple(
        HistoryItem("New Listing", STRANGE, "", LONG_AGO + timedelta(seconds=order))
        for order in (2, 1)
    )


def test_a_listing_without_any_of_them_has_none():
    make()
    shown = detail()
    assert (shown.photos, shown.open_houses, shown.history) == ((), (), ())
    assert (shown.agent, shown.office) == (None, None)


@pytest.mark.parametrize("name", ["", STRANGE, "\x01", " "])
def test_who_has_no_name_is_not_shown(name):
    office = Office.objects.create(office_key="F-1", office_name=name, office_email=STRANGE)
    agent = Agent.objects.create(member_key="G-1", member_full_name=name, member_email=STRANGE)
    make(list_agent=agent, list_office=office)
    shown = detail()
    assert shown.agent == (AgentCard(name, STRANGE, "") if name else None)
    assert shown.office == (OfficeCard(name, "", STRANGE) if name else None)


def test_a_detail_takes_one_query(django_assert_num_queries):
    make()
    with django_assert_num_queries(1):
        queries.detail("A-1")
