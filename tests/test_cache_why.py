"""`manage.py cache_why`: what the cache has of a page, since when, and what last dropped it."""

from __future__ import annotations

import io
import json
from datetime import datetime
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from invalidation_worker.apply import apply_batch
from listings.addresses import page_at
from listings.cache.entries import Entry, Layer
from listings.cache.store import store
from listings.models import Property
from listings.pages import PAGES
from tests import servers
from tests.conftest import apply_all, warm

SEATTLE = "/listings/?city=seattle"


@pytest.fixture
def home(platform):
    home = Property.objects.create(listing_key="A-1", city="Seattle", list_price=Decimal(500_000))
    apply_all()
    store("pipeline").flush()
    return home


def cache_why(url: str, *options: str) -> str:
    out = io.StringIO()
    call_command("cache_why", url, *options, stdout=out)
    return out.getvalue()


def why(url: str):
    return json.loads(cache_why(url, "--json"))


@pytest.mark.parametrize(
    "url",
    [
        *("/", SEATTLE, "/listings/?city=kent&sort=price", "/listings/A-1/"),
        *("/cities/", "/cities/seattle/", "/fragments/similar/seattle/A-1/"),
        *("/fragments/facets/", "/fragments/facets/?city=seattle", "/feeds/listings.atom?q=lake"),
        *("/sitemap.xml", "/sitemaps/seattle/1.xml", "/sitemaps/seattle/2.xml"),
        *("/api/v1/properties/A-1", "/api/v1/properties?city=seattle&sort=price"),
        "/api/v1/properties?sort=-living_area&after=1%2C0%2CA-0",
    ],
)
def test_url_of_a_page_leads_to_the_entry_that_answers_it(home, client, url):
    assert client.get(url).status_code in (200, 404)
    report = why(url)
    assert report["state"] == "live"
    assert report["url"] == url
    assert PAGES[report["page"]].url(report["arguments"]) == url


@pytest.mark.parametrize(
    "url",
    [
        "/listings/?page=1&city=SEATTLE&unknown=1",
        "http://localhost:8000/listings/?city=Seattle",
        "https://[::1]/listings/?as=visitor&city=Seattle",
    ],
)
def test_every_spelling_leads_to_the_same_entry(home, url):
    assert page_at(url)[1] == page_at(SEATTLE)[1]
    assert why(url)["url"] == SEATTLE


def test_live_entry_is_described(home, client):
    answer = client.get(SEATTLE)
    assert answer.status_code == 200
    report = why(SEATTLE)
    assert report["partition"] == "cseattle"
    assert report["digest"] == page_at(SEATTLE)[1].digest
    assert report["status"] == 200
    as_of, now, end = (
        datetime.fromisoformat(report[name]) for name in ("as_of", "now", "expires_at")
    )
    assert as_of < now < end
    assert 800 < (end - as_of).total_seconds() <= 900
    assert report["depends_on"] == [
        "the rows of the listings with city=seattle by newest: from A-1 to A-1, the last",
        "the number of the listings with city=seattle",
    ]
    assert report["last_invalidation"] is None


def test_missing_listings_page_is_an_entry_with_its_status(home, client):
    client.get("/listings/A-2/")
    report = why("/listings/A-2/")
    assert (report["state"], report["status"]) == ("live", 404)
    assert report["depends_on"] == ["the 'presence' columns of A-2"]


def test_asking_fills_nothing_and_takes_no_lease(home):
    assert why(SEATTLE)["state"] == why(SEATTLE)["state"] == "not there"
    assert why(SEATTLE)["depends_on"] is None
    assert store("pipeline").client.dbsize() == 0


def test_entry_that_is_being_filled_depends_on_its_search(home):
    store().lease(page_at(SEATTLE)[1])
    report = why(SEATTLE)
    assert report["state"] == "being filled"
    assert report["depends_on"] == ["anything in the listings with city=seattle"]
    assert report["as_of"] is None


def test_entry_that_anything_can_change_says_so(home):
    store().lease(Entry(Layer.PAGE, "*", "home"))
    assert why("/")["depends_on"] == ["anything"]


def test_last_invalidation_is_told_with_its_cause_and_when_it_was_warm_again(home, client):
    client.get(SEATTLE)
    Property.objects.update(list_price=1)
    warm(apply_batch().pages)
    Property.objects.update(list_price=2)
    pages = apply_batch().pages
    last = why(SEATTLE)["last_invalidation"]
    assert last["cause"].startswith(f"UPDATE of listings_property (event {last['event']},")
    assert last["listings"] == ["A-1"]
    assert last["dependency"].startswith("the rows of the listings with city=seattle by newest")
    assert last["lag_milliseconds"] > 0
    assert last["warm_after_milliseconds"] is None
    warm(pages)
    now = why(SEATTLE)["last_invalidation"]
    assert now["event"] == last["event"]
    assert now["warm_after_milliseconds"] > 0
    assert why("/listings/A-1/")["last_invalidation"] is None


def test_flush_counts_as_the_last_invalidation(home, client):
    client.get(SEATTLE)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE listings_property CASCADE")
    apply_all()
    last = why(SEATTLE)["last_invalidation"]
    assert last["cause"].startswith("TRUNCATE of listings_")
    assert last["dependency"] == "anything"


def test_lines_say_it_to_people(home, client):
    client.get(SEATTLE)
    Property.objects.update(list_price=1)
    warm(apply_batch().pages)
    shown = " ".join(cache_why(SEATTLE).split())
    for text in (
        f"URL {SEATTLE}",
        "partition cseattle",
        "state live",
        "s ago",
        "depends on the rows of the listings with city=seattle",
        "by UPDATE of listings_property",
        "of A-1",
        "which affected the rows",
        "ms after the write",
        "warm again",
    ):
        assert text in shown
    assert "state not there" in " ".join(cache_why("/").split())


def test_order_of_a_person_is_told_without_a_dependency(home, client):
    client.get(SEATTLE)
    call_command("cache_purge", "--url", SEATTLE, stdout=io.StringIO())
    last = why(SEATTLE)["last_invalidation"]
    assert (last["cause"], last["event"]) == (f"cache_purge --url {SEATTLE}", None)
    assert last["dependency"] is None
    assert "affected" not in cache_why(SEATTLE)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("/nowhere/", "There is nothing at /nowhere/"),
        ("listings/", "There is nothing at listings/"),
        ("/robots.txt", "What is at /robots.txt is not cached"),
        ("/admin/", "What is at /admin/ is not cached"),
        ("/listings/a%20b/", "There is nothing at /listings/a b/"),
        ("/listings/?page=0", "The search is invalid: page: must be a whole number from 1 to 42"),
        ("https://elsewhere.example/listings/", "elsewhere.example is not this site"),
        ("http://[bad/listings/", "http://[bad/listings/ is no address"),
    ],
)
def test_url_without_an_entry_is_a_clear_error(platform, url, error):
    with pytest.raises(CommandError) as raised:
        cache_why(url)
    assert str(raised.value).startswith(error)


def test_cache_away_is_a_clear_error(platform, cache_server):
    cache_server.stop()
    with pytest.raises(CommandError) as raised:
        cache_why(SEATTLE)
    assert str(raised.value).startswith("The cache server does not answer: ")
    assert servers.stack.cache.password not in str(raised.value)
