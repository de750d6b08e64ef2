"""What visitors and staff get over HTTP: statuses, headers, what is shown and what is kept back."""

from __future__ import annotations

import gzip
import html
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, models
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from listings.cache.entries import Stored
from listings.cache.store import store
from listings.models import Agent, ListingHistory, Media, Office, OpenHouse, Property
from tests.conftest import apply_all
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("platform")

FOUND = [
    *("/", "/listings/", "/listings/?city=Kent", "/listings/A-1/", "/cities/", "/cities/kent/"),
    *("/fragments/similar/kent/A-1/", "/fragments/facets/?city=kent"),
    *("/feeds/listings.atom?city=kent", "/sitemap.xml", "/sitemaps/kent/1.xml"),
    *("/api/v1/properties?city=kent", "/api/v1/properties/A-1"),
]
MISSING = [
    *("/listings/unknown/", "/listings/gone/", "/cities/nowhere/"),
    *("/fragments/similar/kent/gone/", "/fragments/similar/auburn/A-1/", "/sitemaps/kent/2.xml"),
    *("/api/v1/properties/unknown", "/api/v1/properties/gone"),
]
CACHED = FOUND + MISSING
HTML = [path for path in CACHED if not path.startswith(("/api/", "/feeds/", "/sitemap"))]


def make(key: str = "A-1", **columns: Any) -> Property:
    return Property.objects.create(
        listing_key=key, **{"list_price": 500_000, "city": "Kent", **columns}
    )


@pytest.fixture
def inventory(platform):
    """A listing on the market, and one that is gone."""
    make(unparsed_address="12 Heron Lane")
    make("gone", standard_status="Withdrawn")


def logged_in(**columns: Any) -> Client:
    client = Client()
    client.force_login(User.objects.create(username="somebody", **columns))
    return client


@pytest.fixture
def staff(platform) -> Client:
    return logged_in(is_staff=True)


def text(response: Any) -> str:
    zipped = response.headers.get("Content-Encoding") == "gzip"
    body = gzip.decompress(response.content) if zipped else response.content
    return body.decode()


def is_hit(response: Any) -> bool:
    status: str = response["Cache-Status"]
    assert status.startswith(("listings; hit", "listings; fwd=miss"))
    return status.startswith("listings; hit")


def entries(pattern: str = "*") -> list[Any]:
    """The keys of values, leases and registries in the cache."""
    keys = store("pipeline").client.scan_iter(pattern, count=1_000)
    return sorted(key for key in keys if not key.startswith(b"s:"))


def assert_styled(response: Any) -> None:
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert 'rel="stylesheet"' in text(response)
    assert "<h1>" in text(response)


def keys_on(response: Any) -> list[str]:
    """The keys of the listings on a page, in its order."""
    return re.findall(r'<a href="/listings/([^"/?]+)/">', text(response))


# ---- what there is, what has gone, what never was ----


def test_home_shows_the_newest_listings_and_the_cities(client, inventory):
    response = client.get("/")
    assert response.status_code == 200
    assert_styled(response)
    assert "12 Heron Lane" in text(response)
    assert 'href="/cities/kent/"' in text(response)
    assert keys_on(response) == ["A-1"]


def test_list_shows_what_a_search_finds(client, inventory):
    make("B-1", city="Auburn")
    response = client.get("/listings/", {"city": "kent"})
    assert response.status_code == 200
    assert_styled(response)
    assert keys_on(response) == ["A-1"]
    assert "1 home for sale in Kent" in text(response)


def test_list_without_a_match_says_so(client, inventory):
    response = client.get("/listings/", {"city": "Auburn"})
    assert response.status_code == 200
    assert keys_on(response) == []
    assert "No homes" in text(response)


@pytest.mark.parametrize(
    "status", ["Active", "Active Under Contract", "Coming Soon", "Pending", "Closed"]
)
def test_a_public_listing_has_a_page(client, status):
    make(standard_status=status, unparsed_address="12 Heron Lane")
    response = client.get("/listings/A-1/")
    assert response.status_code == 200
    assert_styled(response)
    assert "12 Heron Lane" in text(response)


@pytest.mark.parametrize("status", ["Withdrawn", "Expired", "Canceled", "Delete"])
def test_a_listing_that_has_gone_is_410(client, status):
    make(standard_status=status, unparsed_address="12 Heron Lane")
    response = client.get("/listings/A-1/")
    assert response.status_code == 410
    assert_styled(response)
    assert "Heron" not in text(response)


@pytest.mark.parametrize("status", ["Incomplete", "Hold"])
def test_a_listing_that_was_never_public_is_404(client, status):
    make(standard_status=status)
    response = client.get("/listings/A-1/")
    assert response.status_code == 404
    assert_styled(response)


@pytest.mark.parametrize("status", ["Active", "Closed", "Withdrawn"])
def test_a_listing_that_its_seller_does_not_display_is_404_and_in_no_list(client, status):
    make(standard_status=status, internet_entire_listing_display_yn=False)
    assert client.get("/listings/A-1/").status_code == 404
    for path in ("/", "/listings/", "/listings/?standard_status=Closed"):
        assert keys_on(client.get(path)) == []


@pytest.mark.parametrize(
    "path", ["/listings/unknown/", f"/listings/{'x' * 300}/", "/nowhere/", "/listings/%00/"]
)
def test_an_unknown_address_is_404(client, path):
    response = client.get(path)
    assert response.status_code == 404
    assert_styled(response)


@pytest.mark.parametrize("path", ["/listings/{}/", "/fragments/similar/kent/{}/"])
def test_key_that_no_listing_can_have_takes_no_room(client, path):
    assert client.get(path.format("x" * 256)).status_code == 404
    assert entries() == []
    assert client.get(path.format("x" * 255)).status_code == 404
    assert entries() != []


def test_robots_may_not_read_the_admin(client):
    response = client.get("/robots.txt")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain")
    lines = response.content.decode().splitlines()
    assert lines[0] == "User-agent: *"
    assert "Disallow: /admin/" in lines
    assert "Disallow: /" not in lines


# ---- parameters ----


WRONG = {
    "list_price_min": "cheap",
    "list_price_max": "1e999",
    "bedrooms_min": "-1",
    "standard_status": "Hold",
    "sort": "cheapest",
    "page": "43",
    "postal_code": "98\x00001",
    "q": "x" * 201,
}


def test_a_wrong_parameter_is_400_and_named(client):
    for name, raw in WRONG.items():
        response = client.get("/listings/", {name: raw})
        assert response.status_code == 400, name
        assert_styled(response)
        assert f"<code>{name}</code>" in text(response)
        assert response["Cache-Control"] == "no-store"
    assert entries() == []


def test_every_wrong_parameter_is_named_at_once(client):
    response = client.get("/listings/", WRONG)
    assert response.status_code == 400
    assert set(re.findall(r"<code>(\w+)</code>", text(response))) == set(WRONG)


@pytest.mark.parametrize(
    "query",
    [
        {"city": "Ke\x00nt"},
        {"list_price_min": "1e-999999"},
        {"bedrooms_min": "0000000000009999999999"},
        {"q": "' \" \\ % !&|:*()<->"},
        {"q": "\ud800".encode(errors="surrogatepass")},  # no UTF-8
        {"utm": "\x00"},
    ],
    ids=str,
)
def test_no_parameter_breaks_the_page(client, query):
    assert client.get(f"/listings/?{urlencode(query)}").status_code in (200, 400)


def test_more_parameters_than_django_reads_are_a_styled_400(client):
    response = client.get("/listings/", {f"x{n}": "1" for n in range(1_001)})
    assert response.status_code == 400
    assert_styled(response)


@pytest.mark.parametrize("path", ["/", "/listings/A-1/"])
def test_pages_without_a_search_ignore_parameters(client, inventory, path):
    client.get(path)
    response = client.get(path, {"page": "x", "utm_source": "mail"})
    assert response.status_code == 200
    assert is_hit(response)


# ---- methods ----


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_pages_can_only_be_read(inventory, method):
    client = Client(enforce_csrf_checks=True)  # as visitors meet it
    for path in FOUND:
        response = client.generic(method, path)
        assert response.status_code == 405
        assert {name.strip() for name in response["Allow"].split(",")} == {"GET", "HEAD"}


class RawAnswer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def raw_answer(method: str, path: str, **headers: str) -> RawAnswer:
    """What leaves the application.

    Django's test client would itself take the body off an answer to HEAD, and would not do what
    follows a request: close a connection to the database that has broken.
    """
    environ = RequestFactory().generic(method, path, headers=headers).environ
    started: list[Any] = []
    response: Any = WSGIHandler()(environ, lambda *head: started.extend(head))  # type: ignore[arg-type]
    body = b"".join(response)
    response.close()
    status, pairs = started
    return RawAnswer(int(status.split()[0]), dict(pairs), body)


@pytest.mark.parametrize("path", CACHED)
def test_head_has_the_headers_of_get_and_no_body(inventory, path):
    raw_answer("GET", path)  # fills the entry
    for coding in ("gzip", "identity"):
        got = raw_answer("GET", path, accept_encoding=coding)
        assert raw_answer("HEAD", path, accept_encoding=coding) == got._replace(body=b"")
        assert int(got.headers["Content-Length"]) == len(got.body) > 0


def test_head_fills_the_entry_for_get(client, inventory):
    assert not is_hit(client.head("/listings/"))
    response = client.get("/listings/")
    assert is_hit(response)
    assert keys_on(response) == ["A-1"]


# ---- encodings and validators ----


ACCEPT_ENCODING = {
    "gzip": True,
    "br, gzip;q=0.5": True,
    "deflate,GZIP , br": True,
    "gzip; q=1.0": True,
    "x-gzip": True,
    "": False,
    "identity": False,
    "br, deflate": False,
    "gzip;q=0": False,
    "gzip; q=0.000, br": False,
    "gzipped": False,
}


@pytest.mark.parametrize("path", ["/listings/", "/listings/unknown/"])
def test_gzip_is_sent_to_those_who_accept_it(client, inventory, path):
    for accepted, zipped in ACCEPT_ENCODING.items():
        store("pipeline").flush()
        for _ in range(2):  # a miss, then a hit
            response = client.get(path, headers={"accept-encoding": accepted} if accepted else {})
            coding = response.headers.get("Content-Encoding")
            assert coding == ("gzip" if zipped else None), accepted
            assert int(response["Content-Length"]) == len(response.content)
            assert text(response).rstrip().endswith("</html>")


def test_both_encodings_hold_the_same_page_under_different_strong_etags(client, inventory):
    plain = client.get("/listings/", headers={"accept-encoding": "identity"})
    zipped = client.get("/listings/", headers={"accept-encoding": "gzip"})
    assert text(plain) == text(zipped)
    assert len(zipped.content) < len(plain.content)
    assert plain["ETag"] != zipped["ETag"]
    for response in (plain, zipped):
        assert re.fullmatch(r'"[^"]+"', response["ETag"])  # not W/"…"


@pytest.mark.parametrize("path", FOUND)
def test_a_known_etag_gets_304_without_a_body(client, inventory, path):
    client.get(path)
    for coding in ("gzip", "identity"):
        full = client.get(path, headers={"accept-encoding": coding})
        for known in (full["ETag"], f'"other", {full["ETag"]}', f"W/{full['ETag']}", "*"):
            headers = {"accept-encoding": coding, "if-none-match": known}
            response = client.get(path, headers=headers)
            assert response.status_code == 304
            assert response.content == b""
            for name in ("ETag", "Vary", "Cache-Control", "Cache-Status"):
                assert response[name] == full[name]


def test_the_etag_of_one_encoding_is_not_that_of_the_other(client, inventory):
    etag = client.get("/listings/", headers={"accept-encoding": "gzip"})["ETag"]
    response = client.get(
        "/listings/", headers={"accept-encoding": "identity", "if-none-match": etag}
    )
    assert response.status_code == 200


def test_an_unknown_etag_gets_the_page(client, inventory):
    for known in ('"other"', "other", "W/", '"'):
        response = client.get("/listings/", headers={"if-none-match": known})
        assert response.status_code == 200


@pytest.mark.parametrize("path", MISSING)
def test_a_missing_page_is_never_304(client, inventory, path):
    status = client.get(path).status_code
    etag = client.get(path).headers.get("ETag", '"x"')
    assert client.get(path, headers={"if-none-match": etag}).status_code == status


def test_a_change_gives_the_page_a_new_etag(client, inventory):
    old = client.get("/listings/A-1/")["ETag"]
    Property.objects.filter(pk="A-1").update(list_price=480_000)
    apply_all()
    response = client.get("/listings/A-1/", headers={"if-none-match": old})
    assert response.status_code == 200
    assert response["ETag"] != old
    assert "$480,000" in text(response)


# ---- the cache as visitors see it ----


@pytest.mark.parametrize("path", CACHED)
def test_a_page_is_a_miss_and_then_a_hit(client, inventory, path):
    first, second = client.get(path), client.get(path)
    assert first["Cache-Status"] == "listings; fwd=miss; stored"
    assert is_hit(second)
    assert second.status_code == first.status_code
    assert second.content == first.content


@pytest.mark.parametrize("path", CACHED)
def test_browsers_ask_each_time_and_caches_keep_encodings_apart(client, inventory, path):
    for _ in range(2):
        response = client.get(path)
        assert response["Cache-Control"] == "no-cache"
        assert response["Vary"] == "Accept-Encoding"
        assert not response.cookies


def test_equal_searches_share_an_entry(client, inventory):
    client.get("/listings/?city=Kent&bedrooms_min=2&list_price_max=500000")
    for query in (
        "bedrooms_min=02&list_price_max=$500,000&city=KENT",
        "list_price_max=5E%2B5&city=+kent&bedrooms_min=2&page=1&sort=newest&q=&utm_source=mail",
    ):
        assert is_hit(client.get(f"/listings/?{query}"))


def test_different_searches_have_entries_of_their_own(client, inventory):
    for query in ("", "city=Kent", "city=Kent&page=2", "city=Kent&sort=price", "bedrooms_min=0"):
        assert not is_hit(client.get(f"/listings/?{query}"))


def test_pages_live_for_15_minutes_and_querysets_for_an_hour_at_most(client, inventory):
    client.get("/listings/A-1/")
    lives = sorted(store("pipeline").client.pttl(key) / 60_000 for key in entries("v:*"))
    page, queryset = lives  # minutes; less a tenth of jitter
    assert 13 < page <= 15
    assert 53 < queryset <= 60


@pytest.mark.parametrize("path", ["/", "/listings/", "/listings/?city=Kent", "/listings/A-1/"])
def test_a_status_change_reaches_every_page(client, inventory, path):
    before = client.get(path)
    Property.objects.filter(pk="A-1").update(standard_status="Withdrawn")
    apply_all()
    after = client.get(path)
    assert not is_hit(after)
    assert "12 Heron Lane" in text(before)
    assert "12 Heron Lane" not in text(after)


def test_a_missing_listing_that_comes_is_shown(client):
    assert client.get("/listings/A-1/").status_code == 404
    make()
    apply_all()
    assert client.get("/listings/A-1/").status_code == 200
    Property.objects.update(standard_status="Expired")
    apply_all()
    assert client.get("/listings/A-1/").status_code == 410


# ---- what is kept back ----

EVERYWHERE = ["/", "/listings/", "/listings/?city=Kent", "/listings/?q=garden", "/listings/A-1/"]


def test_private_remarks_reach_no_output_and_no_entry(client, staff):
    make(private_remarks="LOCKBOX-4711", public_remarks="Garden")
    for path in EVERYWHERE:
        for response in (client.get(path), staff.get(path)):
            assert "Garden" in text(response) or keys_on(response) == ["A-1"]
            assert "LOCKBOX" not in text(response)
    assert "No homes" in text(client.get("/listings/?q=lockbox"))
    assert not [value for value in stored() if b"LOCKBOX" in value]


def stored() -> Iterator[bytes]:
    """Every value in the cache, pages unzipped."""
    for key in entries("v:*"):
        raw: Any = store("pipeline").client.get(key)
        body = Stored.decode(raw).body
        yield gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body


def test_a_withheld_address_reaches_no_output_and_no_entry(client, staff):
    make(
        internet_address_display_yn=False,
        unparsed_address="742 Evergreen Terrace",
        unit_number="UNIT-7Q",
        parcel_number="PARCEL-9Z",
        latitude=Decimal("12.34567891"),
        longitude=Decimal("-98.76543219"),
        public_remarks="Garden",
    )
    Media.objects.create(media_key="M-1", property_id="A-1", media_url="/1.svg")
    for path in EVERYWHERE:
        for response in (client.get(path), staff.get(path)):
            assert "Address withheld" in text(response)
            for secret in ("Evergreen", "UNIT-7Q", "PARCEL-9Z", "12.345", "98.765"):
                assert secret not in text(response)
    assert "No homes" in text(client.get("/listings/?q=evergreen+terrace"))
    for value in stored():
        for raw in (b"Evergreen", b"UNIT-7Q", b"PARCEL-9Z", b"12.345", b"98.765"):
            assert raw not in value


def test_an_address_that_may_be_shown_is(client):
    make(
        unparsed_address="742 Evergreen Terrace",
        latitude=Decimal("12.34567891"),
        longitude=Decimal("-98.76543219"),
    )
    detail = text(client.get("/listings/A-1/"))
    assert "742 Evergreen Terrace" in detail
    assert "12.345" in detail
    assert "98.765" in detail


# ---- hostile text ----

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*191 }}</title>"


class Parsed(HTMLParser):
    """A page as a browser reads it: its tags with their attributes, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


def assert_harmless(page: str) -> None:
    for tag, attributes in Parsed(page).tags:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src"):
            assert not (attributes.get(name) or "").lower().startswith(("javascript:", "data:"))
        if tag == "script":
            assert "src" in attributes or attributes.get("type") == "application/ld+json"
            assert "alert" not in (attributes.get("src") or "")
        if tag == "img":
            assert attributes["src"] != "x"
    assert "1337" not in page


def hostile_columns(model: type[models.Model]) -> dict[str, str]:
    """Hostile text in every column that takes any."""
    return {
        field.name: HOSTILE[: field.max_length]
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField)
        and not (field.primary_key or field.choices or field.generated)
    }


@pytest.mark.parametrize("address", [HOSTILE, "javascript:alert(1)", "data:text/html,x"])
def test_hostile_text_is_shown_as_text(client, staff, address):
    office = Office.objects.create(office_key="F-1", **hostile_columns(Office))
    agent = Agent.objects.create(member_key="G-1", **hostile_columns(Agent))
    make(
        **{
            **hostile_columns(Property),
            "virtual_tour_url_unbranded": address,
            "list_agent": agent,
            "list_office": office,
            "latitude": 1,
            "longitude": 1,
            "living_area": 1,
        }
    )
    for n in range(3):
        columns = {**hostile_columns(Media), "media_url": address}
        Media.objects.create(media_key=f"M-{n}", property_id="A-1", **columns)
    ListingHistory.objects.create(
        history_transactional_key="H-1",
        property_id="A-1",
        change_type="Price Change",
        **hostile_columns(ListingHistory),
    )
    searches = [{"q": HOSTILE}, {"city": HOSTILE[:50]}, {"postal_code": HOSTILE[:10]}]
    lists = [f"/listings/?{urlencode(search)}" for search in searches]
    for path in ("/", "/listings/", "/listings/A-1/", *lists):
        for who in (client, staff):
            response = who.get(path)
            assert response.status_code == 200
            assert_harmless(text(response))

    detail = Parsed(text(client.get("/listings/A-1/")))
    assert HOSTILE in detail.texts  # the remarks
    (structured,) = [json.loads(data) for data in detail.texts if data.startswith('{"@context')]
    assert structured["description"] == HOSTILE


def test_hostile_parameters_are_shown_as_text(client):
    names = ("q", "city", "state_or_province", "page", "sort", "unknown", HOSTILE)
    for name in names:
        response = client.get("/listings/", {name: HOSTILE})
        assert_harmless(text(response))


# ---- cards, counts and pages ----


def test_a_list_has_24_cards_a_page(client):
    Property.objects.bulk_create(Property(listing_key=f"A-{n:02}", list_price=n) for n in range(49))
    pages = [keys_on(client.get("/listings/", {"sort": "price", "page": n})) for n in (1, 2, 3)]
    assert [len(page) for page in pages] == [24, 24, 1]
    assert sum(pages, []) == [f"A-{n:02}" for n in range(49)]  # noqa: RUF017 - three small lists


def test_one_page_has_no_links_to_pages(client):
    Property.objects.bulk_create(Property(listing_key=f"A-{n:02}", list_price=n) for n in range(24))
    assert "page=" not in text(client.get("/listings/"))


def test_a_page_past_the_last_says_so(client, inventory):
    response = client.get("/listings/", {"page": 2})
    assert response.status_code == 200
    assert keys_on(response) == []
    assert "past the last" in text(response)
    assert "1 home for sale" in text(response)
    assert is_hit(client.get("/listings/", {"page": 2}))


def test_counts_end_at_1000_and_pages_at_42(client):
    Property.objects.bulk_create(
        Property(listing_key=f"A-{n:04}", list_price=n, city="Kent" if n < 1_000 else "Auburn")
        for n in range(1_100)
    )
    exact, more = client.get("/listings/?city=kent"), client.get("/listings/")
    assert "1,000 homes" in text(exact)
    assert "1,000+ homes" in text(more)
    for response in (exact, more):
        linked = {int(page) for page in re.findall(r"[?&;]page=(\d+)", text(response))}
        assert max(linked) == 42

    seen = []
    for page in range(1, 43):
        keys = keys_on(client.get("/listings/", {"page": page}))
        assert len(keys) == 24
        seen += keys
    assert len(set(seen)) == 42 * 24
    assert client.get("/listings/", {"page": 43}).status_code == 400

    Property.objects.filter(pk="A-1099").update(city="Kent")
    apply_all()
    assert "1,000+ homes" in text(client.get("/listings/?city=kent"))


# ---- open houses ----


def open_house(key: str, ends_in: timedelta, **columns: str) -> str:
    """An open house; returns its end as a page writes it."""
    end = timezone.now() + ends_in
    OpenHouse.objects.create(
        open_house_key=key,
        property_id="A-1",
        open_house_start_time=end - timedelta(hours=3),
        open_house_end_time=end,
        **columns,
    )
    return end.isoformat(timespec="seconds")


def test_the_entry_ends_when_the_first_open_house_shown_ends(client, inventory):
    hidden = [
        open_house("ended", timedelta(hours=-1)),
        open_house("canceled", timedelta(minutes=1), open_house_status="Canceled"),
        open_house("brokers", timedelta(minutes=2), open_house_type="Broker"),
    ]
    shown = [open_house("second", timedelta(hours=5)), open_house("first", timedelta(minutes=10))]

    page = text(client.get("/listings/A-1/"))

    assert [end in page for end in shown] == [True, True]
    assert [end in page for end in hidden] == [False, False, False]
    lives = [store("pipeline").client.pttl(key) for key in entries("v:{pA-1}:*")]
    assert len(lives) == 2  # the page, and the rows that it was made of
    assert all(540_000 < life <= 600_000 for life in lives)


def test_open_houses_that_have_ended_do_not_shorten_an_entrys_life(client, inventory):
    open_house("ended", timedelta(seconds=-1))
    page = text(client.get("/listings/A-1/"))
    assert "Open houses" not in page
    assert all(store("pipeline").client.pttl(key) > 780_000 for key in entries("v:{pA-1}:*"))


def test_an_open_house_leaves_its_page_when_it_ends(client, inventory):
    end = open_house("short", timedelta(seconds=2))
    assert end in text(client.get("/listings/A-1/"))
    eventually(lambda: end not in text(client.get("/listings/A-1/")))
    assert timezone.now().isoformat() > end


# ---- who asks ----


@pytest.mark.parametrize("path", CACHED)
def test_visitors_who_have_logged_in_get_the_cached_page(client, inventory, path):
    anonymous = client.get(path)
    response = logged_in().get(path)
    assert is_hit(response)
    assert response.content == anonymous.content


@pytest.mark.parametrize("path", CACHED)
def test_staff_get_a_page_that_is_neither_cached_nor_stored(client, staff, inventory, path):
    for _ in range(2):
        response = staff.get(path)
        assert response["Cache-Status"] == "listings; fwd=bypass"
        assert response["Cache-Control"] == "private, no-store"
        assert "ETag" not in response
    assert entries() == []
    assert client.get(path).status_code == response.status_code


def test_staff_get_documents_for_machines_unchanged(client, staff):
    make(public_remarks="A <body> of water.")
    for path in ("/api/v1/properties/A-1", "/feeds/listings.atom"):
        assert staff.get(path).content == client.get(path).content


@pytest.mark.parametrize("path", HTML)
def test_staff_see_a_page_as_visitors_do_by_its_link(client, staff, inventory, path):
    visitors = client.get(path)
    for_staff = text(staff.get(path))
    (link,) = re.findall(r'<a href="([^"]+)">See it as visitors do', for_staff)
    as_visitor = staff.get(html.unescape(link))
    assert is_hit(as_visitor)
    assert as_visitor.content == visitors.content
    assert "See it as visitors do" not in text(as_visitor)


def test_staff_see_a_change_before_it_is_applied(client, staff, inventory):
    client.get("/listings/A-1/")
    Property.objects.filter(pk="A-1").update(list_price=480_000)
    assert "$480,000" in text(staff.get("/listings/A-1/"))
    assert "$480,000" not in text(client.get("/listings/A-1/"))
    assert "$480,000" not in text(staff.get("/listings/A-1/?as=visitor"))


def test_a_page_that_staff_open_first_holds_nothing_of_theirs(client, staff, inventory):
    staff.get("/listings/A-1/")
    staff.get("/listings/A-1/?as=visitor")
    response = client.get("/listings/A-1/")
    assert is_hit(response)
    assert "staff" not in text(response).lower()
    assert "/admin/" not in text(response)


def test_visitors_cannot_ask_for_the_page_of_staff(client, inventory):
    for query in ("as=staff", "as="):
        assert "See it as visitors do" not in text(client.get(f"/listings/?{query}"))


def test_a_staff_account_that_is_closed_gets_the_cached_page(client, inventory):
    closed = logged_in(is_staff=True, is_active=False)
    client.get("/listings/")
    assert is_hit(closed.get("/listings/"))


# ---- without a database ----


@pytest.fixture
def without_database(inventory, database_server) -> Iterator[None]:
    """The database is away; `/listings/A-1/` and the 404 of `unknown` are cached."""
    raw_answer("GET", "/listings/A-1/")
    raw_answer("GET", "/listings/unknown/")
    database_server.stop()
    yield
    connection.close()  # it broke with its server


@pytest.mark.usefixtures("without_database")
def test_a_cold_page_without_a_database_is_a_styled_503():
    for path in ("/", "/listings/", "/listings/B-1/"):
        answer = raw_answer("GET", path)
        assert answer.status == 503
        assert b'rel="stylesheet"' in answer.body
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.headers["Cache-Control"] == "no-store"
    assert entries("l:*") == []  # nobody waits for a fill that has failed


@pytest.mark.usefixtures("without_database")
def test_a_cached_page_is_served_without_a_database():
    for path, status in (("/listings/A-1/", 200), ("/listings/unknown/", 404)):
        answer = raw_answer("GET", path)
        assert answer.status == status
        assert answer.headers["Cache-Status"].startswith("listings; hit")


@pytest.mark.usefixtures("without_database")
def test_a_page_is_stored_again_when_the_database_is_back(database_server):
    assert raw_answer("GET", "/listings/").status == 503
    database_server.start()
    answer = raw_answer("GET", "/listings/")
    assert answer.status == 200
    assert answer.headers["Cache-Status"] == "listings; fwd=miss; stored"


# ---- what a page costs ----


@pytest.mark.parametrize("path", ["/listings/", "/listings/?city=Kent&q=garden&page=2"])
def test_a_cold_list_takes_at_most_three_queries(
    client, inventory, django_assert_max_num_queries, path
):
    with django_assert_max_num_queries(3):
        client.get(path)


@pytest.mark.parametrize("path", CACHED)
def test_a_cached_page_takes_no_query(client, inventory, django_assert_num_queries, path):
    client.get(path)
    with django_assert_num_queries(0):
        assert is_hit(client.get(path))


def queries_of(client: Client, path: str) -> int:
    store("pipeline").flush()
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


@pytest.mark.parametrize("path", ["/", "/listings/", "/listings/A-1/"])
def test_the_number_of_queries_does_not_grow_with_the_rows(client, path):
    agent = Agent.objects.create(member_key="G-1", member_full_name="Ada Agent")

    def add(keys: range) -> None:
        for n in keys:
            make(f"A-{n}", city=f"City {n}", list_agent=agent)
            Media.objects.create(media_key=f"M-{n}", property_id="A-1", media_url="/1.svg")
            open_house(f"O-{n}", timedelta(hours=n))
            ListingHistory.objects.create(
                history_transactional_key=f"H-{n}", property_id="A-1", change_type="New Listing"
            )

    add(range(1, 2))
    with_one = queries_of(client, path)
    add(range(2, 12))
    assert queries_of(client, path) == with_one
