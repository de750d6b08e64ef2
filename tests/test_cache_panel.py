"""The admin shows what the last changes of a listing have dropped, and how long it took."""

from __future__ import annotations

import html
import re
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from invalidation_worker import panel, traces
from invalidation_worker.apply import apply_batch
from invalidation_worker.traces import Dropped
from listings.cache.entries import Layer
from listings.cache.store import store
from listings.models import Media, Property
from tests.conftest import apply_all, warm

SEATTLE, DETAIL = "/listings/?city=seattle", "/listings/A-1/"


@pytest.fixture
def home(platform):
    home = Property.objects.create(listing_key="A-1", city="Seattle", list_price=Decimal(500_000))
    apply_all()
    store("pipeline").flush()
    return home


@pytest.fixture
def editor(admin_user):
    """Another client than the visitors', who get pages from the cache."""
    client = Client()
    client.force_login(admin_user)
    return client


@pytest.fixture
def admin_user(db, django_user_model):
    return django_user_model.objects.create_superuser("editor")  # hashing a password takes a second


def shown(editor, key: str = "A-1") -> str:
    """The panel's cells, as text."""
    response = editor.get(reverse("admin:listings_property_change", args=[key]))
    assert response.status_code == 200
    cut = response.content.decode().split("field-last_changes")[1].split("</fieldset>")[0]
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", cut)).split())


def links(editor) -> set[str]:
    response = editor.get(reverse("admin:listings_property_change", args=["A-1"]))
    cut = response.content.decode().split("field-last_changes")[1].split("</fieldset>")[0]
    return {html.unescape(link) for link in re.findall('href="([^"]*)"', cut)}


def test_change_is_shown_with_links_to_the_pages_that_it_dropped(home, client, editor):
    for url in (SEATTLE, DETAIL):
        client.get(url)
    Property.objects.update(list_price=1)
    pages = apply_batch().pages
    assert links(editor) == {SEATTLE, DETAIL}
    text = shown(editor)
    assert re.search(r"UPDATE of listings_property \(event \d+, transaction \d+\) 4 /", text)
    assert re.search(r"[\d.,]+ ms –$", text)
    assert "warm after" not in text
    warm(pages)
    assert shown(editor).count("(warm after ") == 2
    assert re.search(r"[\d.,]+ ms [\d,]+ ms$", shown(editor))


def test_dependency_that_was_affected_is_told_of_each_page(home, client, editor):
    client.get(DETAIL)
    Property.objects.update(list_price=1)
    apply_batch()
    page = editor.get(reverse("admin:listings_property_change", args=["A-1"])).content.decode()
    assert 'title="affected: the &#x27;detail&#x27; columns of A-1"' in page


def test_change_of_a_photo_is_one_of_its_listing(home, editor):
    Media.objects.create(media_key="M-1", property=home, media_url="/a.svg")
    apply_batch()
    assert "INSERT of listings_media" in shown(editor)


def test_ten_changes_are_shown_the_newest_first(home, editor):
    for price in range(panel.MOST_CHANGES + 2):
        Property.objects.update(list_price=price)
    apply_all()
    events = [int(event) for event in re.findall(r"event (\d+)", shown(editor))]
    assert len(events) == panel.MOST_CHANGES
    newest = next(traces.newest_first(store("pipeline"))).event or 0
    assert events == list(range(newest, newest - panel.MOST_CHANGES, -1))


def test_other_listings_changes_are_not_shown(home, editor):
    Property.objects.create(listing_key="A-2", list_price=1)
    apply_all()
    assert shown(editor).endswith(
        "No trace of a change: there was none lately, or the cache was emptied since."
    )


def test_what_a_trace_holds_is_escaped(home, editor):
    bad = "<script>alert(1)</script>"
    dropped = Dropped(Layer.PAGE, "*", bad, bad, None)
    trace = traces.Trace(
        applied_at=home.modification_timestamp,
        operation=bad,
        milliseconds=1.0,
        total=1,
        entries=(dropped,),
        listings=("A-1",),
    )
    traces.write(store("pipeline"), [trace])
    page = editor.get(reverse("admin:listings_property_change", args=["A-1"])).content.decode()
    assert bad not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 3


def test_page_of_another_release_is_named_without_a_link(home, editor):
    for name, arguments in (("", ""), ("property_list", "page=none"), ("past_page", "x")):
        dropped = Dropped(Layer.PAGE, "*", name, arguments, None)
        trace = traces.Trace(
            home.modification_timestamp, "UPDATE", 1.0, 1, (dropped,), listings=("A-1",)
        )
        traces.write(store("pipeline"), [trace])
    assert links(editor) == set()
    text = shown(editor)
    for name in ("a page of another release", "property_list page=none", "past_page x"):
        assert name in text


def test_cache_away_is_said_and_the_page_opens(home, editor, cache_server):
    cache_server.stop()
    assert "The cache server does not answer" in shown(editor)


def test_silent_cache_is_said_and_the_page_opens(home, editor, cache_server):
    cache_server.freeze()
    assert "The cache server does not answer" in shown(editor)


def test_new_listing_has_no_panel(home, editor):
    page = editor.get(reverse("admin:listings_property_add")).content.decode()
    assert "last_changes" not in page
