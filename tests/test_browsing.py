"""Cities, fragments, feeds and sitemaps: what they show, and what they cost."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import resolve, reverse
from hypothesis import given
from hypothesis import strategies as st

from invalidation_worker import capped
from listings import counting
from listings import facets as facets_module
from listings import sitemap as sitemap_module
from listings.cache.entries import Layer
from listings.cache.store import store
from listings.facets import facets
from listings.models import Property
from listings.places import city_key
from listings.search import FIELDS, PropertySearch
from listings.shown import LOG_WHOLE_TABLES
from listings.similar import MOST, similar
from tests.conftest import apply_all
from tests.test_pages import FOUND, is_hit, keys_on, make, text

pytestmark = pytest.mark.usefixtures("platform")

START = datetime(2026, 1, 1, tzinfo=UTC)
ATOM = "{http://www.w3.org/2005/Atom}"
MAPS = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def make_many(number: int, **columns: Any) -> list[str]:
    """Listings in Kent whose prices, ages and rooms differ."""
    keys = [f"K-{n:04}" for n in range(number)]
    Property.objects.bulk_create(
        Property(
            **{
                "listing_key": key,
                "city": "Kent",
                "list_price": 100_000 + 1_000 * (n * 37 % number),
                "bedrooms_total": n % 6 or None,
                "property_type": "Land" if n % 7 == 0 else "Residential",
                "original_entry_timestamp": START - timedelta(hours=n),
                **columns,
            }
        )
        for n, key in enumerate(keys)
    )
    return keys


# ---- cities ----


def test_cities_lists_every_city_with_homes_on_the_market(client):
    make("A-1"), make("A-2"), make("B-1", city="Federal Way"), make("C-1", city="Auburn")
    Property.objects.filter(pk="C-1").update(standard_status="Closed")
    page = text(client.get("/cities/"))
    assert re.findall(r'<a href="(/cities/[^"]+)"><b>', page) == [
        "/cities/kent/",
        "/cities/federal-way/",
    ]
    assert "2 homes" in page


def test_city_page_shows_its_newest_homes_and_how_many_there_are(client):
    keys = make_many(30)
    make("B-1", city="Auburn", original_entry_timestamp=START + timedelta(days=1))
    response = client.get("/cities/kent/")
    assert keys_on(response) == keys[:12]
    assert "30 homes on the market" in text(response)
    assert 'href="/listings/?city=kent&amp;property_type=Land"' in text(response)


@pytest.mark.parametrize("spelling", ["KENT", "kent", "Kent", "-kent.", "%20Kent%20"])
def test_every_spelling_of_a_city_has_one_page(client, spelling):
    make()
    client.get("/cities/kent/")
    assert is_hit(client.get(f"/cities/{spelling}/"))


@pytest.mark.parametrize("name", ["---", "x" * 51, "%00", "nowhere"])
def test_a_city_without_homes_is_404_until_one_comes(client, name):
    make("B-1", city="Auburn")
    assert client.get(f"/cities/{name}/").status_code == 404
    if name == "nowhere":
        make(city="Nowhere")
        apply_all()
        assert client.get(f"/cities/{name}/").status_code == 200


@given(name=st.text(max_size=50))
def test_every_city_that_a_listing_may_be_in_has_an_address(name):
    if key := city_key(name):
        address = reverse("city", args=[key])
        assert resolve(unquote(address)).kwargs == {"city": key}


# ---- similar homes ----


def test_similar_homes_are_the_nearest_in_price_of_the_same_kind_and_city():
    make_many(60)
    make("B-1", city="Auburn", list_price=120_000)
    make("K-sold", list_price=120_000, standard_status="Closed")
    own = Property.objects.get(pk="K-0020")
    others = Property.objects.filter(
        city="Kent", property_type=own.property_type, standard_status="Active"
    ).exclude(pk=own.pk)
    nearest = sorted(others, key=lambda one: (abs(one.list_price - own.list_price), one.pk))
    homes = similar("kent", own.pk)
    assert homes is not None
    assert [home.listing_key for home in homes] == [one.pk for one in nearest[:MOST]]


@pytest.mark.parametrize("own", [0, 3, 19])
def test_homes_of_one_price_are_similar_once_each(own):
    keys = make_many(20, list_price=500_000, property_type="Land")
    homes = similar("kent", keys.pop(own))
    assert homes is not None
    assert [home.listing_key for home in homes] == keys[:MOST]


def test_a_sold_home_has_similar_ones_and_a_hidden_one_has_no_such_page(client):
    make("A-1", standard_status="Closed"), make("A-2")
    make("A-3", internet_entire_listing_display_yn=False), make("A-4", standard_status="Hold")
    assert keys_on(client.get("/fragments/similar/kent/A-1/"))[-1] == "A-2"
    for key in ("A-3", "A-4"):
        assert client.get(f"/fragments/similar/kent/{key}/").status_code == 404


def test_a_sold_home_has_other_similar_ones_when_its_own_price_changes():
    make_many(20, property_type="Land")
    make("A-1", standard_status="Closed", property_type="Land", list_price=100_000)
    apply_all()
    cheap = similar("kent", "A-1")
    Property.objects.filter(pk="A-1").update(list_price=900_000)
    apply_all()
    dear = similar("kent", "A-1")
    assert [homes[0].list_price for homes in (cheap, dear) if homes] == [100_000, 119_000]


def test_a_home_that_moves_takes_its_similar_homes_along(client):
    make("A-1"), make("A-2"), make("B-1", city="Auburn")
    assert "A-2" in keys_on(client.get("/fragments/similar/kent/A-1/"))
    assert client.get("/fragments/similar/auburn/A-1/").status_code == 404
    Property.objects.filter(pk="A-1").update(city="Auburn")
    apply_all()
    assert client.get("/fragments/similar/kent/A-1/").status_code == 404
    assert "B-1" in keys_on(client.get("/fragments/similar/auburn/A-1/"))


def test_a_page_that_has_a_fragment_links_to_it_and_holds_nothing_of_it(client):
    make("A-1"), make("A-2")
    detail, found = text(client.get("/listings/A-1/")), text(client.get("/listings/?city=kent"))
    assert 'href="/fragments/similar/kent/A-1/" rel="nofollow" data-part' in detail
    assert 'href="/fragments/facets/?city=kent" rel="nofollow" data-part' in found
    for path in ("/fragments/similar/kent/A-1/", "/fragments/facets/?city=kent"):
        assert text(client.get(path)).count("data-fragment") == 1
    assert "A-2" not in detail


def test_a_home_without_a_city_has_no_similar_ones(client):
    make(city="")
    assert "fragments/similar" not in text(client.get("/listings/A-1/"))


# ---- facets ----


def numbers(search: PropertySearch) -> dict[str, int]:
    """What each refinement finds, counted in Python."""
    rows = list(search.filter(Property.objects.all()))
    found: Counter[str] = Counter()
    for field, values in facets_module.OFFERED.items():
        column, holds = FIELDS[field][0].split("__")[0], FIELDS[field][1]
        for value in values:
            for row in rows:
                cell = getattr(row, column)
                found[f"{field}={value}"] += cell is not None and holds(cell, value)
    return dict(found)


@pytest.mark.parametrize("looked_at", [60, 100, 5_000])
@pytest.mark.parametrize(("cap", "count_to"), [(1_000, 1_500), (50, 1_500), (50, 60), (10, 12)])
def test_facets_tell_what_each_refinement_finds(monkeypatch, cap, count_to, looked_at):
    monkeypatch.setattr(facets_module, "COUNT_CAP", cap)
    monkeypatch.setattr(facets_module, "LOOKED_AT", max(cap, looked_at))
    for module in (facets_module, counting):
        monkeypatch.setattr(module, "COUNT_TO", count_to)
    prices = tuple(Decimal(price) for price in (110_000, 150_000, 190_000))
    monkeypatch.setitem(facets_module.OFFERED, "list_price_max", prices)
    make_many(100)
    search = PropertySearch(city="kent")
    found = facets(search)
    assert found.count == min(100, cap + 1)
    expected = {
        name: min(number, cap + 1)
        for name, number in numbers(search).items()
        if number and (number < 100 or number > cap)
    }
    assert {f"{one.field}={one.value}": one.count for one in found.refinements} == expected
    for one in found.refinements:
        refined = PropertySearch.from_canonical(one.query)
        assert min(refined.filter(Property.objects.all()).count(), cap + 1) == one.count


def test_facets_are_true_after_a_change_of_whole_tables_took_most_of_what_was_looked_at(
    monkeypatch,
):
    """Whoever knew how many there were is told of no more changes than are counted."""
    for module in (facets_module, counting, capped):
        monkeypatch.setattr(module, "COUNT_CAP", 5)
        monkeypatch.setattr(module, "COUNT_TO", 15)
    monkeypatch.setattr(facets_module, "LOOKED_AT", 60)
    make_many(50)
    search = PropertySearch(city="kent")
    kept = search.filter(Property.objects.order_by("pk"))
    for price in range(3):  # whoever applies changes has done so for a while
        kept.update(list_price=price)
        apply_all()
    assert facets(search).count == 6
    kept.filter(pk="K-0049").delete()
    apply_all()
    assert facets(search).count == 6
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL {LOG_WHOLE_TABLES} = 'on'")
        kept.filter(pk__in=list(kept.values_list("pk", flat=True)[7:])).delete()
    apply_all()
    for number in (6, 6, 5, 4):
        assert counting.count(search) == number
        kept.filter(pk__in=list(kept.values_list("pk", flat=True)[:1])).delete()
        apply_all()


def test_facets_do_not_count_what_is_under_way_as_seen():
    make_many(3)
    with transaction.atomic(), connection.cursor() as cursor:
        Property.objects.update(list_price=1)
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        with ThreadPoolExecutor(1) as pool:
            tally = pool.submit(_tally_of_all).result()
        assert tally.numbers == [3]
        assert tally.finished <= cursor.fetchone()[0]


def _tally_of_all() -> Any:
    try:
        return facets_module._tally(PropertySearch(), [])
    finally:
        connection.close()


def test_facets_offer_what_a_search_does_not_say_and_does_not_exclude():
    make_many(40)
    search = PropertySearch(bedrooms_min=2, list_price_min=Decimal(600_000))
    make("A-1", list_price=700_000, bedrooms_total=2)
    make("A-2", list_price=1_700_000, bedrooms_total=2)
    offered = {(one.field, one.value) for one in facets(search).refinements}
    assert offered == {("list_price_max", "750000"), ("list_price_max", "1000000")}


def test_a_long_search_is_offered_no_facets_and_depends_on_little(client):
    make("A-1", list_price=310_000), make("A-2", list_price=600_000)
    apply_all()
    assert facets(PropertySearch(q="-lake")).refinements
    client.get("/fragments/facets/", {"q": "-" + "x" * 100 + "\u6e56" * 90})
    registries = store().registries(["*"], Layer.PAGE)["*"].values()
    assert max(map(len, registries)) < 4_000


def test_facets_follow_a_price_only_past_an_offered_bound(client):
    make("A-1", list_price=310_000), make("A-2", list_price=600_000)
    apply_all()
    address = "/fragments/facets/?city=kent"
    client.get(address)
    Property.objects.filter(pk="A-1").update(list_price=320_000)
    apply_all()
    assert is_hit(client.get(address))
    Property.objects.filter(pk="A-1").update(list_price=290_000)
    apply_all()
    assert not is_hit(client.get(address))


def test_facets_of_a_search_of_words_follow_a_change_of_words(client):
    make("A-1", public_remarks="By the lake"), make("A-2", public_remarks="By the lake")
    Property.objects.filter(pk="A-2").update(property_type="Land")
    apply_all()
    assert facets(PropertySearch(q="lake")).count == 2
    Property.objects.filter(pk="A-2").update(public_remarks="By the road")
    apply_all()
    assert facets(PropertySearch(q="lake")) == facets_module.Facetted(1, ())


# ---- feeds and sitemaps ----


def test_feed_has_the_newest_listings_of_a_search_as_atom(client, settings):
    settings.SITE_URL = "https://homes.example"
    make("A-1", original_entry_timestamp=START, unparsed_address="1 Lake <Street>")
    make("A-2", original_entry_timestamp=START + timedelta(hours=1))
    make("B-1", city="Auburn")
    response = client.get("/feeds/listings.atom?city=KENT&sort=price&page=3")
    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(text(response))
    entries = feed.findall(f"{ATOM}entry")
    addresses = [f"https://homes.example/listings/{key}/" for key in ("A-2", "A-1")]
    assert [entry.findtext(f"{ATOM}id") for entry in entries] == addresses
    assert [entry.findall(f"{ATOM}link")[0].get("href") for entry in entries] == addresses
    assert entries[1].findtext(f"{ATOM}title") == "$500,000 · 1 Lake <Street>, Kent"
    assert feed.findtext(f"{ATOM}updated") == "2026-01-01T01:00:00+00:00"
    assert feed.findtext(f"{ATOM}id") == "https://homes.example/feeds/listings.atom?city=kent"
    for name in ("title", "updated", "id"):  # RFC 4287, 4.1.1 and 4.1.2
        for one in (feed, *entries):
            assert len(one.findall(f"{ATOM}{name}")) == 1
    assert feed.find(f"{ATOM}author/{ATOM}name") is not None


def test_feed_without_a_match_is_a_feed(client):
    feed = ElementTree.fromstring(text(client.get("/feeds/listings.atom?city=Nowhere")))
    assert feed.findall(f"{ATOM}entry") == []
    assert feed.findtext(f"{ATOM}updated") == "1970-01-01T00:00:00+00:00"


def locations(client: Client, path: str) -> list[str]:
    response = client.get(path)
    assert response.status_code == 200
    return [one.text or "" for one in ElementTree.fromstring(text(response)).iter(f"{MAPS}loc")]


def test_sitemaps_name_every_listing_on_the_market_and_each_city_once(
    client, settings, monkeypatch
):
    settings.SITE_URL = "https://homes.example"
    monkeypatch.setattr(sitemap_module, "PAGE_KEYS", 4)
    keys = make_many(9)
    make("B-1", city="Auburn"), make("C-1", standard_status="Closed")
    files = [one.removeprefix("https://homes.example") for one in locations(client, "/sitemap.xml")]
    assert files == [f"/sitemaps/{part}.xml" for part in ("kent/1", "kent/2", "kent/3", "auburn/1")]
    named = [address for path in files for address in locations(client, path)]
    cities = [f"https://homes.example/cities/{city}/" for city in ("kent", "auburn")]
    listed = [f"https://homes.example/listings/{key}/" for key in (*keys, "B-1")]
    assert sorted(named) == sorted(cities + listed)
    assert client.get("/sitemaps/kent/4.xml").status_code == 404


def test_sitemap_of_a_city_changes_only_when_a_listing_comes_or_goes(client):
    make("A-1"), make("A-2")
    apply_all()
    assert len(locations(client, "/sitemaps/kent/1.xml")) == 3
    Property.objects.filter(pk="A-1").update(
        list_price=1, standard_status="Pending", public_remarks="New"
    )
    apply_all()
    assert is_hit(client.get("/sitemaps/kent/1.xml"))
    Property.objects.filter(pk="A-1").update(standard_status="Closed")
    apply_all()
    _, left = locations(client, "/sitemaps/kent/1.xml")
    assert left.endswith("/listings/A-2/")


@pytest.mark.parametrize("number", ["0", "01", "-1", "10000", "1e3", "x"])
def test_a_sitemap_has_one_spelling(client, number):
    make()
    assert client.get(f"/sitemaps/kent/{number}.xml").status_code == 404


def test_robots_are_led_to_the_sitemap_and_away_from_fragments(client, settings):
    settings.SITE_URL = "https://homes.example"
    lines = client.get("/robots.txt").content.decode().splitlines()
    assert "Sitemap: https://homes.example/sitemap.xml" in lines
    assert "Disallow: /fragments/" in lines


def test_pages_that_name_no_icon_have_that_of_the_site(client):
    named = re.search('rel="icon" href="([^"]+)"', client.get("/").content.decode())
    assert named
    answer = client.get("/favicon.ico")
    assert (answer.status_code, answer["Location"]) == (302, named[1])


# ---- parameters and costs ----


@pytest.mark.parametrize("path", ["/fragments/facets/", "/feeds/listings.atom"])
def test_a_wrong_parameter_of_a_search_is_400_and_named(client, path):
    response = client.get(path, {"bedrooms_min": "many", "sort": "cheapest"})
    assert response.status_code == 400
    for name in ("bedrooms_min", "sort"):
        assert f"<code>{name}</code>" in text(response)


# What one listing shows lies in four tables, and is kept as one entry.
LISTS = [path for path in FOUND if path not in ("/listings/A-1/", "/api/v1/properties/A-1")]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("cap", [1_000, 2])
def test_a_cold_list_takes_at_most_three_queries(
    client, django_assert_max_num_queries, monkeypatch, path, cap
):
    monkeypatch.setattr(facets_module, "COUNT_CAP", cap)
    make("A-1")
    make_many(8)
    with django_assert_max_num_queries(3):
        assert client.get(path).status_code == 200
