"""The admin: every page opens, editors' changes arrive, large tables stay cheap to list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from listings.models import Agent, ListingHistory, Media, Office, OpenHouse, Property

pytestmark = pytest.mark.django_db

MODELS = {
    model._meta.model_name: model
    for model in (Property, Media, OpenHouse, ListingHistory, Agent, Office)
}
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def add_listing(number: int) -> Property:
    """A listing with one row of everything that belongs to it."""
    office = Office.objects.create(office_key=f"O{number}", office_name=f"Office {number}")
    agent = Agent.objects.create(
        member_key=f"A{number}", member_full_name=f"Agent {number}", office=office
    )
    home = Property.objects.create(
        listing_key=f"L{number}",
        list_price=500_000 + number,
        city="Seattle",
        unparsed_address=f"{number} Elm St",
        list_agent=agent,
        list_office=office,
    )
    Media.objects.create(media_key=f"M{number}", property=home, media_url="/photos/house/a.svg")
    OpenHouse.objects.create(
        open_house_key=f"V{number}",
        property=home,
        open_house_start_time=NOON,
        open_house_end_time=NOON + timedelta(hours=1),
    )
    ListingHistory.objects.create(
        history_transactional_key=f"H{number}", property=home, change_type="New Listing"
    )
    return home


@pytest.fixture
def admin_user(db, django_user_model):
    return django_user_model.objects.create_superuser("editor")  # hashing a password takes a second


@pytest.fixture
def home() -> Property:
    return add_listing(1)


@pytest.fixture
def form(admin_client, home):
    """What a browser would send back, unchanged, from the listing's page."""
    page = admin_client.get(change_url(home))
    sent = _values(page.context["adminform"].form)
    for formset in page.context["inline_admin_formsets"]:
        sent |= _values(formset.formset.management_form)
        for inline in formset.formset.forms:
            sent |= _values(inline)
    return sent


def change_url(home: Property) -> str:
    return reverse("admin:listings_property_change", args=[home.pk])


def _values(form) -> dict[str, object]:
    sent: dict[str, object] = {}
    for field in form:
        value = field.value()
        if isinstance(value, datetime):
            sent |= {f"{field.html_name}_0": value.date(), f"{field.html_name}_1": value.time()}
        elif value is not None and value is not False:
            sent[field.html_name] = value
    return sent


@pytest.mark.parametrize("name", MODELS)
def test_every_page_opens(admin_client, home, name):
    row = MODELS[name].objects.get()
    for url in (
        reverse(f"admin:listings_{name}_changelist"),
        reverse(f"admin:listings_{name}_changelist") + "?q=1",
        reverse(f"admin:listings_{name}_add"),
        reverse(f"admin:listings_{name}_change", args=[row.pk]),
        reverse(f"admin:listings_{name}_history", args=[row.pk]),
        reverse(f"admin:listings_{name}_delete", args=[row.pk]),
    ):
        assert admin_client.get(url).status_code == 200, url


@pytest.mark.parametrize("name", MODELS)
def test_listing_more_rows_asks_no_more_queries(admin_client, home, name):
    url = reverse(f"admin:listings_{name}_changelist")
    admin_client.get(url)  # what is asked once in a process, such as content types
    few = _queries(admin_client, url)
    for number in range(2, 12):
        add_listing(number)
    assert _queries(admin_client, url) == few


def test_a_listing_with_more_photos_asks_no_more_queries(admin_client, home):
    url = change_url(home)
    admin_client.get(url)
    few = _queries(admin_client, url)
    for number in range(10, 20):
        Media.objects.create(media_key=f"M{number}", property=home, media_url="/x.svg")
    assert _queries(admin_client, url) == few


def _queries(client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_price_is_changed_by_the_form(admin_client, home, form):
    response = admin_client.post(change_url(home), form | {"list_price": "475000"})
    assert response.status_code == 302
    before, home = home, Property.objects.get()
    assert (home.list_price, home.previous_list_price) == (475_000, 500_001)
    assert home.price_change_timestamp is not None
    assert home.modification_timestamp > before.modification_timestamp
    assert home.status_change_timestamp is None


def test_a_form_sent_back_unchanged_changes_nothing_but_when_it_was_saved(admin_client, home, form):
    home.refresh_from_db()
    assert admin_client.post(change_url(home), form).status_code == 302
    saved = Property.objects.get()
    assert saved.modification_timestamp > home.modification_timestamp
    for field in Property._meta.concrete_fields:
        if field.attname != "modification_timestamp":
            assert getattr(saved, field.attname) == getattr(home, field.attname), field.attname
    assert Media.objects.count() == OpenHouse.objects.count() == ListingHistory.objects.count() == 1


def test_price_and_status_are_changed_in_the_list(admin_client, home):
    add_listing(2)
    url = reverse("admin:listings_property_changelist")
    formset = admin_client.get(url).context["cl"].formset
    sent = _values(formset.management_form) | {"_save": "Save"}
    for row in formset.forms:
        sent |= _values(row)
        if row.instance.pk == home.pk:
            sent |= {
                row.add_prefix("list_price"): "1",
                row.add_prefix("standard_status"): "Pending",
            }
    assert admin_client.post(url, sent).status_code == 302
    home.refresh_from_db()
    assert (home.list_price, home.standard_status) == (1, "Pending")
    assert home.previous_list_price == 500_001
    assert home.status_change_timestamp is not None
    other = Property.objects.get(pk="L2")
    assert other.list_price == 500_002
    assert other.price_change_timestamp is None


def test_a_negative_price_is_refused_with_a_message(admin_client, home, form):
    response = admin_client.post(change_url(home), form | {"list_price": "-1"})
    assert response.status_code == 200
    assert b"errornote" in response.content
    assert Property.objects.get().list_price == 500_001


def test_a_new_listing_gets_a_key_and_its_first_price(admin_client):
    response = admin_client.post(
        reverse("admin:listings_property_add"),
        {
            "standard_status": "Active",
            "list_price": "250000",
            "property_type": "Land",
            "country": "US",
            "city": "Bend",
            **_empty_inlines(),
        },
    )
    assert response.status_code == 302
    home = Property.objects.get()
    assert len(home.listing_key) == 16
    assert home.original_list_price == Decimal(250_000)


@pytest.mark.parametrize("key", ["a b", "-", "a/b", "é"])
def test_a_key_of_another_shape_is_refused(admin_client, key):
    url = reverse("admin:listings_office_add")
    response = admin_client.post(url, {"office_key": key, "office_name": "Harbor"})
    assert response.status_code == 200
    assert not Office.objects.exists()


def test_a_chosen_key_is_kept_and_cannot_be_changed_later(admin_client):
    url = reverse("admin:listings_office_add")
    admin_client.post(url, {"office_key": "HARBOR", "office_name": "Harbor"})
    change = reverse("admin:listings_office_change", args=["HARBOR"])
    admin_client.post(change, {"office_key": "OTHER", "office_name": "Harbor Homes"})
    assert list(Office.objects.values_list("office_key", "office_name")) == [
        ("HARBOR", "Harbor Homes")
    ]


def test_photos_are_changed_and_added_on_the_listing(admin_client, home, form):
    more = {
        "media_set-TOTAL_FORMS": "3",
        "media_set-0-short_description": "Kitchen",
        **{f"media_set-{n}-property": home.pk for n in (1, 2)},
        **{f"media_set-{n}-order": str(n) for n in (1, 2)},
        **{f"media_set-{n}-media_category": "Photo" for n in (1, 2)},
        **{f"media_set-{n}-media_url": f"/photos/pool/{n}.svg" for n in (1, 2)},
        "media_set-2-media_key": "CHOSEN",
    }
    assert admin_client.post(change_url(home), form | more).status_code == 302
    media = {row.order: row for row in Media.objects.all()}
    assert (media[0].media_key, media[0].short_description) == ("M1", "Kitchen")
    assert len(media[1].media_key) == 16
    assert media[2].media_key == "CHOSEN"


@pytest.mark.parametrize("name", ["listing_key", "media_set-0-media_key"])
def test_a_key_is_shown_but_not_to_be_typed_over(admin_client, home, name):
    page = admin_client.get(change_url(home)).content.decode()
    field = page.split(f'name="{name}"')[1].split(">")[0]
    assert "readonly" in field
    new = admin_client.get(reverse("admin:listings_property_add")).content.decode()
    assert "readonly" not in new.split('name="listing_key"')[1].split(">")[0]


def test_agents_and_offices_are_found_by_typing(admin_client, home):
    found = admin_client.get(
        reverse("admin:autocomplete"),
        {
            "term": "agent",
            "app_label": "listings",
            "model_name": "property",
            "field_name": "list_agent",
        },
    )
    assert found.json()["results"] == [{"id": "A1", "text": "Agent 1"}]


def test_a_listing_has_a_link_to_its_page(admin_client, home):
    page = admin_client.get(change_url(home)).content.decode()
    assert "View on site" in page
    link = page.split('class="viewsitelink"')[0].rsplit('href="', 1)[1].split('"')[0]
    assert admin_client.get(link)["Location"].endswith(home.get_absolute_url())


def test_visitors_are_not_let_in(client, home):
    assert client.get(change_url(home)).status_code == 302


def _empty_inlines() -> dict[str, str]:
    return {
        f"{name}-{what}": "0"
        for name in ("media_set", "openhouse_set", "listinghistory_set")
        for what in ("TOTAL_FORMS", "INITIAL_FORMS")
    }
