"""How far a change reaches: each kind of edit, and just the entries that it takes out."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import F

from listings import queries, views
from listings.cache.entries import Layer
from listings.cache.store import store
from listings.models import Agent, ListingHistory, Media, Office, OpenHouse, Property
from tests.conftest import apply_all
from tests.recomputation import fresh, live

pytestmark = pytest.mark.usefixtures("platform")

PAGE_SIZE = 3
PAGES = 10
START = datetime(2030, 6, 1, 12, tzinfo=UTC)
CITIES = ("Seattle", "Kent", "Renton")

LISTED = ("S-00", "S-04", "S-19", "S-20", "S-29", "K-city")  # those whose own pages are looked at
DETAIL = ("property_detail", "S-20")


def by_price(page: int) -> tuple[str, str]:
    return "property_list", "city=seattle&sort=price" + (f"&page={page}" if page > 1 else "")


def in_city(city: str) -> tuple[str, str]:
    return "property_list", f"city={city}"


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch):
    for module in (queries, views):
        monkeypatch.setattr(module, "PAGE_SIZE", PAGE_SIZE)
    monkeypatch.setattr(views, "HOME_CARDS", PAGE_SIZE)


@pytest.fixture
def inventory() -> None:
    """Seattle has ten pages of listings, one price step apart; two other cities have one each."""
    Office.objects.create(office_key="O-1", office_name="Office")
    Agent.objects.create(member_key="G-1", member_full_name="Agent", office_id="O-1")
    Agent.objects.create(member_key="G-2", member_full_name="Nobody's")
    Property.objects.bulk_create(
        Property(
            listing_key=f"S-{n:02}",
            city="Seattle",
            unparsed_address=f"{n} Lake Street",
            list_price=1000 + 10 * n,
            original_entry_timestamp=START - timedelta(days=n),
        )
        for n in range(PAGES * PAGE_SIZE)
    )
    Property.objects.bulk_create(
        Property(
            listing_key=f"{city[0]}-city",
            city=city,
            list_price=500,
            original_entry_timestamp=START - timedelta(days=100),
        )
        for city in CITIES[1:]
    )
    shown_by = {"list_agent_id": "G-1", "list_office_id": "O-1"}
    Property.objects.filter(pk__in=["S-20", "S-04"]).update(**shown_by)
    Media.objects.create(media_key="M-1", property_id="S-20", media_url="/1.svg", order=1)
    Media.objects.create(media_key="M-2", property_id="S-20", media_url="/2.svg", order=2)
    OpenHouse.objects.create(
        open_house_key="H-1",
        property_id="S-20",
        open_house_start_time=START,
        open_house_end_time=START + timedelta(hours=2),
    )


def pages_dropped_by(write: Callable[[], Any]) -> set[tuple[str, str]]:
    """The pages that `write` takes out; they are those that would look different now."""
    apply_all()
    store("pipeline").flush()
    views.home.warm("")
    for page in range(1, PAGES + 1):
        views.property_list.warm(by_price(page)[1])
    for city in CITIES[1:]:
        views.property_list.warm(in_city(city.lower())[1])
    for key in LISTED:
        views.property_detail.warm(key)
    before = live()
    write()
    apply_all()
    gone = before.keys() - live().keys()
    assert gone == {entry for entry, body in before.items() if fresh(entry) != body}
    return {(entry.name, entry.arguments) for entry in gone if entry.layer is Layer.PAGE}


def listing(key: str) -> Any:
    return Property.objects.filter(pk=key)


def test_price_edit_on_page_7_of_a_price_sort_leaves_the_other_pages_alone(inventory):
    def write() -> None:
        listing("S-19").update(list_price=F("list_price") + 1)  # the second of page 7

    assert pages_dropped_by(write) == {by_price(7), ("property_detail", "S-19")}


def test_price_edit_that_moves_a_listing_from_page_7_to_9_leaves_pages_1_to_6_and_10_alone(
    inventory,
):
    def write() -> None:
        listing("S-19").update(list_price=1245)

    dropped = pages_dropped_by(write)
    assert dropped == {by_price(7), by_price(8), by_price(9), ("property_detail", "S-19")}


def test_price_edit_that_moves_a_listing_to_page_1_shifts_all_pages_up_to_its_own(inventory):
    def write() -> None:
        listing("S-19").update(list_price=1)

    pages = {by_price(page) for page in range(1, 8)}
    assert pages_dropped_by(write) == {*pages, ("property_detail", "S-19")}


@pytest.mark.parametrize(
    "columns",
    [
        {"parcel_number": "77"},
        {"heating": "Heat Pump"},
        {"year_built": 1999},
        {"list_agent_id": None},
        {"tax_annual_amount": 10},
    ],
    ids=lambda columns: next(iter(columns)),
)
def test_column_that_only_the_listings_page_shows_leaves_lists_alone(inventory, columns):
    assert pages_dropped_by(lambda: listing("S-20").update(**columns)) == {DETAIL}


def test_move_between_cities_touches_both_and_no_third(inventory):
    def write() -> None:
        listing("S-29").update(city="Kent")  # the last of Seattle

    dropped = pages_dropped_by(write)
    lists = {one for one in dropped if one[0] == "property_list"}
    # All of Seattle's pages say how many homes there are.
    assert lists == {in_city("kent"), *(by_price(page) for page in range(1, PAGES + 1))}
    assert dropped - lists == {("property_detail", "S-29"), ("home", "")}  # which counts by city


@pytest.mark.parametrize(
    "take_down",
    [
        *(
            pytest.param(lambda status=status: {"standard_status": status}, id=status)
            for status in ("Withdrawn", "Expired", "Canceled", "Delete", "Hold", "Incomplete")
        ),
        pytest.param(lambda: {"internet_entire_listing_display_yn": False}, id="not displayed"),
        pytest.param(None, id="deleted"),
    ],
)
def test_takedown_reaches_every_entry_that_shows_the_listing(inventory, take_down):
    def write() -> None:
        rows = listing("S-00")  # on the home page, on page 1, and on its own
        if take_down is None:
            rows.delete()
        else:
            rows.update(**take_down())

    dropped = pages_dropped_by(write)
    assert dropped >= {("home", ""), by_price(1), ("property_detail", "S-00")}
    remaining = [entry for entry in live() if entry.layer is Layer.PAGE]
    assert not [entry for entry in remaining if b"S-00" in unpacked(entry)]


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        pytest.param(
            lambda: Agent.objects.filter(pk="G-1").update(member_full_name="New name"),
            {DETAIL, ("property_detail", "S-04")},
            id="agent",
        ),
        pytest.param(
            lambda: Agent.objects.filter(pk="G-2").update(member_full_name="New name"),
            set(),
            id="agent of nothing",
        ),
        pytest.param(
            lambda: Office.objects.update(office_phone="1-800"),
            {DETAIL, ("property_detail", "S-04")},
            id="office",
        ),
        pytest.param(
            lambda: Media.objects.filter(pk="M-1").update(media_url="/3.svg"),
            {DETAIL, by_price(7)},
            id="first photo",
        ),
        pytest.param(
            lambda: OpenHouse.objects.update(open_house_status="Canceled"),
            {DETAIL},
            id="open house",
        ),
        pytest.param(
            lambda: OpenHouse.objects.update(property="S-04"),
            {DETAIL, ("property_detail", "S-04")},
            id="open house of another listing",
        ),
        pytest.param(
            lambda: ListingHistory.objects.create(
                history_transactional_key="X-1", property_id="S-20", change_type="Pending"
            ),
            {DETAIL},
            id="history",
        ),
    ],
)
def test_change_of_a_related_row_reaches_the_pages_that_show_it_and_no_other(
    inventory, write, expected
):
    assert pages_dropped_by(write) == expected


def test_edits_of_one_row_applied_together_reach_what_each_of_them_touched(inventory):
    def write() -> None:
        for price in (1290, 1205, 1201):  # off to the last page, and back to its own
            listing("S-20").update(list_price=price)

    apply_all()
    store("pipeline").flush()
    for page in range(1, PAGES + 1):
        views.property_list.warm(by_price(page)[1])
    before = live()
    write()
    apply_all()
    gone = before.keys() - live().keys()
    assert gone >= {entry for entry, body in before.items() if fresh(entry) != body}
    assert not {by_price(page) for page in range(1, 7)} & {(e.name, e.arguments) for e in gone}


def unpacked(entry: Any) -> bytes:
    return gzip.decompress(live()[entry])
