"""The API: RESO names, keyset paging, its document, and errors that programs can read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from listings.api import pages as api_pages
from listings.api.resources import ListedProperty, Properties, reso_name
from listings.api.resources import Property as PropertyResource
from listings.api.routes import Parameters, documented
from listings.models import Agent, ListingHistory, Media, Office, OpenHouse, Property
from listings.search import PropertySearch
from listings.sort import Sort
from tests.conftest import apply_all
from tests.test_pages import WRONG, entries, is_hit, make, text

pytestmark = pytest.mark.usefixtures("platform")

START = datetime(2030, 6, 1, 9, 30, tzinfo=UTC)
LIST, DETAIL = "/api/v1/properties", "/api/v1/properties/A-1"


def answer(response: Any) -> Any:
    return json.loads(text(response))


@pytest.fixture
def listing(platform) -> None:
    """One with everything that there can be."""
    office = Office.objects.create(office_key="O-1", office_name="Ridge", office_phone="1-2")
    agent = Agent.objects.create(member_key="G-1", member_full_name="Ada", member_email="a@b.co")
    make(
        list_price=Decimal("500000.50"),
        living_area=Decimal("1999.90"),
        unparsed_address="12 Heron Lane",
        waterfront_yn=True,
        view="Lake, City ,",
        virtual_tour_url_unbranded="https://tours.example/1",
        private_remarks="LOCKBOX",
        original_entry_timestamp=START,
        list_agent=agent,
        list_office=office,
    )
    for n in (2, 1):
        Media.objects.create(media_key=f"M-{n}", property_id="A-1", media_url=f"/{n}.svg", order=n)
    OpenHouse.objects.create(
        open_house_key="H-1",
        property_id="A-1",
        open_house_start_time=START,
        open_house_end_time=START + timedelta(hours=2),
    )
    ListingHistory.objects.create(
        history_transactional_key="X-1", property_id="A-1", change_type="New Listing"
    )


# ---- what is answered ----


def test_a_listing_comes_in_full_under_its_reso_names(client, listing):
    response = client.get(DETAIL)
    assert response["Content-Type"] == "application/json; charset=utf-8"
    told = answer(response)
    assert "500000.50" in text(response)  # a number, to its last cent
    assert told["ListPrice"] == 500_000.5
    assert told["LivingArea"] == 1999.9
    assert told["WaterfrontYN"] is True
    assert told["View"] == ["Lake", "City"]
    assert told["VirtualTourURLUnbranded"] == "https://tours.example/1"
    assert (told["ListAgentFullName"], told["ListAgentEmail"]) == ("Ada", "a@b.co")
    assert (told["ListOfficeName"], told["ListOfficePhone"]) == ("Ridge", "1-2")
    assert [media["MediaURL"] for media in told["Media"]] == ["/1.svg", "/2.svg"]
    assert told["OpenHouse"][0]["OpenHouseStartTime"] == "2030-06-01T09:30:00Z"
    assert told["HistoryTransactional"][0]["ChangeType"] == "New Listing"
    assert "LOCKBOX" not in text(response)


def test_a_list_has_what_cards_show(client, listing):
    (told,) = answer(client.get(LIST))["value"]
    assert told["ListingKey"] == "A-1"
    assert told["UnparsedAddress"] == "12 Heron Lane"
    assert told["Media"] == [{"MediaURL": "/1.svg"}]
    assert answer(client.get(LIST, {"city": "Auburn"})) == {"value": []}


@pytest.mark.parametrize("path", [LIST, DETAIL])
def test_a_withheld_address_is_not_told(client, path):
    make(
        internet_address_display_yn=False,
        unparsed_address="742 Evergreen Terrace",
        unit_number="UNIT-7Q",
        parcel_number="PARCEL-9Z",
        latitude=Decimal("12.34567891"),
    )
    for secret in ("Evergreen", "UNIT-7Q", "PARCEL-9Z", "12.345"):
        assert secret not in text(client.get(path))


@pytest.mark.parametrize(("status", "code"), [("Withdrawn", 410), ("Hold", 404)])
def test_a_listing_that_nobody_may_see_is_a_problem(client, status, code):
    make(standard_status=status)
    response = client.get(DETAIL)
    assert response.status_code == code
    assert response["Content-Type"] == "application/problem+json; charset=utf-8"
    assert answer(response)["status"] == code


# ---- paging ----


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("number", [0, 4, 5, 12])
def test_following_the_links_reads_every_listing_once(client, monkeypatch, sort, number):
    monkeypatch.setattr(api_pages, "PAGE_SIZE", 5)
    for n in range(number):
        make(f"A-{n:02}", list_price=n % 3, living_area=n % 4 or None)
    make("B-1", city="Auburn")
    search = PropertySearch(city="kent", sort=sort)
    seen, path = [], f"{LIST}?city=Kent&sort={sort}"
    while path:
        told = answer(client.get(path))
        assert len(told["value"]) <= 5
        seen += [one["ListingKey"] for one in told["value"]]
        path = told.get("@odata.nextLink", "")
    expected = search.filter(Property.objects.all()).order_by(*sort.order)
    assert seen == list(expected.values_list("pk", flat=True))
    assert len(seen) == number


# ---- parameters ----


def test_every_wrong_parameter_is_named_at_once_for_programs(client):
    response = client.get(LIST, {**WRONG, "after": "here"})
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json; charset=utf-8"
    assert response["Cache-Control"] == "no-store"
    # Where to go on depends on the order; what is no order tells nothing of it.
    assert answer(response)["errors"].keys() == WRONG.keys()
    assert entries() == []


@pytest.mark.parametrize("after", ["here", "1,A-1", ",", "-1,A/1", "1" * 400])
def test_a_place_of_another_order_is_a_400(client, after):
    response = client.get(LIST, {"after": after, "sort": "-price"})
    assert response.status_code == 400
    assert answer(response)["errors"].keys() == {"after"}


def test_a_page_number_is_a_400(client):
    assert answer(client.get(LIST, {"page": 2}))["errors"].keys() == {"page"}
    assert client.get(LIST, {"page": ""}).status_code == 200


def test_equal_slices_share_an_entry(client):
    make()
    client.get(f"{LIST}?city=kent&after=-5,A&sort=newest")
    assert is_hit(client.get(f"{LIST}?utm=x&after=+-5%2CA&city=KENT"))


# ---- the cache ----


@pytest.mark.parametrize("path", [LIST, f"{LIST}?city=kent", DETAIL])
def test_a_change_reaches_every_answer_and_gives_it_another_etag(client, listing, path):
    apply_all()
    first = client.get(path)
    known = {"if-none-match": first["ETag"]}
    assert client.get(path, headers=known).status_code == 304
    Property.objects.filter(pk="A-1").update(list_price=480_000)
    apply_all()
    second = client.get(path, headers=known)
    assert second.status_code == 200
    assert second["ETag"] != first["ETag"]
    assert "480000" in text(second)


def test_an_answer_and_the_page_of_a_listing_share_its_rows(
    client, listing, django_assert_num_queries
):
    client.get("/listings/A-1/")
    with django_assert_num_queries(0):
        client.get(DETAIL)


# ---- the document ----


@pytest.fixture
def document(client) -> Any:
    return json.loads(client.get("/api/v1/openapi.json").content)


def test_the_document_names_every_parameter_and_every_answer(document):
    listing = document["paths"]["/api/v1/properties"]["get"]
    names = {one["name"] for one in listing["parameters"]}
    assert names == set(PropertySearch.__slots__) - {"page"} | {"after"}
    assert listing["responses"].keys() == {"200", "400"}
    one = document["paths"]["/api/v1/properties/{listing_key}"]["get"]
    assert one["responses"].keys() == {"200", "404", "410"}
    assert document["paths"].keys() == {
        "/api/v1/properties", "/api/v1/properties/{listing_key}",
    }  # fmt: skip
    assert set(Parameters.model_fields) == names


def test_answers_are_as_the_document_says(client, listing):
    make("A-2")
    for path in (DETAIL, "/api/v1/properties/A-2"):
        documented(PropertyResource).model_validate_json(text(client.get(path)))
    documented(Properties).model_validate_json(text(client.get(LIST)))


def test_names_are_those_of_the_data_dictionary():
    for name, reso in (
        ("bathrooms_total_integer", "BathroomsTotalInteger"),
        ("pool_private_yn", "PoolPrivateYN"),
        ("virtual_tour_url_unbranded", "VirtualTourURLUnbranded"),
        ("media_url", "MediaURL"),
        ("city", "City"),
    ):
        assert reso_name(name) == reso
    assert set(ListedProperty.__struct_fields__) <= set(PropertyResource.__struct_fields__)


def test_answers_have_addresses_of_their_own(client):
    assert reverse("api:properties") == LIST
    assert reverse("api:property", args=["A-1"]) == DETAIL
    assert client.get("/api/v1/nothing").status_code == 404
