"""The front door: near hits look like Django's own answers, and only plain requests get them."""

from __future__ import annotations

import gc
import gzip
import itertools
import os
import time
import zlib
from io import BytesIO
from typing import Any, NamedTuple

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client, override_settings

from listings import addresses, pages, popularity, queries, responses
from listings.cache import reading
from listings.cache.near import Near
from listings.cache.store import store
from listings.cache.trust import Trust, trust
from listings.gate import Busy
from listings.models import Property
from listings.search import InvalidSearch
from tests.conftest import apply_all
from web import front as front_module
from web.front import Front

pytestmark = pytest.mark.usefixtures("platform")

ACCEPT = [{}, {"HTTP_ACCEPT_ENCODING": "gzip, br"}, {"HTTP_ACCEPT_ENCODING": "gzip;q=0"}]
PAGES = ["/listings/A-1/", "/listings/?city=Kent", "/listings/nothing/", "/listings/gone/"]
OTHER_PAGES = ["/", "/cities/kent/", "/api/v1/properties/A-1", "/api/v1/properties?city=Kent"]


class Got(NamedTuple):
    status: str
    headers: dict[str, str]
    body: bytes

    @property
    def is_near(self) -> bool:
        return self.headers["Cache-Status"] == "listings; hit; detail=near"


class Door:
    """Requests as a server makes them."""

    def __init__(self, front: Front) -> None:
        self.front = front

    def get(self, url: str, method: str = "GET", **more: Any) -> Got:
        path, _, query = url.partition("?")
        environ = {
            **os.environ,
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost:8000",
            "wsgi.input": BytesIO(),
            "wsgi.url_scheme": "http",
            **more,
        }
        said: list[Any] = []
        body = b"".join(self.front(environ, lambda *words: said.extend(words)))
        headers = dict(said[1])
        assert len(headers) == len(said[1])
        return Got(said[0], headers, body)


@pytest.fixture
def near(monkeypatch):
    """A near cache to which nothing is pushed, trusted as if the horizon moved."""
    monkeypatch.setattr(Trust, "_keep_looking", lambda self: None)
    trust.look()
    monkeypatch.setattr(trust, "_watching", True)
    # A thread of an earlier test may go on looking, at a horizon that nobody moves.
    monkeypatch.setattr(Trust, "look", lambda self: None)
    monkeypatch.setattr(trust, "near_until", time.monotonic() + 60)
    near = Near(1_000_000, trust)
    near.begin(time.monotonic() + 60)
    for module in (pages, popularity):
        monkeypatch.setattr(module, "near", near)
    return near


@pytest.fixture
def door(near):
    for key, columns in {"A-1": {}, "gone": {"standard_status": "Withdrawn"}}.items():
        Property.objects.create(listing_key=key, list_price=500_000, city="Kent", **columns)
    apply_all()
    return Door(Front(WSGIHandler(), near))


def made_near(door: Door, url: str, **more: Any) -> Got:
    """Filled, read from the cache server, read from near."""
    door.get(url, **more)
    door.get(url, **more)
    got = door.get(url, **more)
    assert got.is_near
    return got


def comparable(got: Got) -> tuple[str, dict[str, str], bytes]:
    own = {name: value for name, value in got.headers.items() if name != "Age"}
    own["Cache-Status"] = own["Cache-Status"].replace("; detail=near", "")
    return got.status, own, got.body


@pytest.mark.parametrize("url", PAGES)
@pytest.mark.parametrize("learnt_from", ["GET", "HEAD", "304"])
@pytest.mark.parametrize("asked", [*itertools.product(["GET", "HEAD"], ACCEPT)], ids=str)
def test_near_hit_is_what_django_answers(door, near, url, learnt_from, asked):
    method, accept = asked
    first = door.get(url)
    if learnt_from == "304":
        more = {"HTTP_IF_NONE_MATCH": first.headers["ETag"]}
    else:
        more = {"method": learnt_from}
    assert not door.get(url, **more).is_near
    hit = door.get(url, method, **accept)
    assert hit.is_near
    known = door.get(url, method, **accept, HTTP_IF_NONE_MATCH=f'"x", W/{hit.headers["ETag"]}')
    any_known = door.get(url, method, **accept, HTTP_IF_NONE_MATCH="*")
    near.drop_all()
    assert comparable(hit) == comparable(door.get(url, method, **accept))
    for got, header in ((known, hit.headers["ETag"]), (any_known, "*")):
        near.drop_all()
        assert comparable(got) == comparable(
            door.get(url, method, **accept, HTTP_IF_NONE_MATCH=header)
        )


def test_age_grows_while_a_page_is_near(door, monkeypatch):
    at = time.monotonic()
    before = made_near(door, "/listings/A-1/")
    for later in (1, 1.5, 7):
        monkeypatch.setattr(front_module, "monotonic", lambda later=later: at + later)
        hit = door.get("/listings/A-1/")
        assert hit.is_near
        grown = int(hit.headers["Age"]) - int(before.headers["Age"])
        assert int(later) - 1 <= grown <= later + 1
        assert list(hit.headers).count("Age") == 1


def test_security_headers_are_those_of_an_uncached_answer(door, near):
    hit = made_near(door, "/listings/A-1/")
    with reading.bypass():
        uncached = door.get("/listings/A-1/?fresh")
    assert "fwd=bypass" in uncached.headers["Cache-Status"]
    without = {"Cache-Status", "Age", "ETag", "Content-Length"}
    assert {k: v for k, v in hit.headers.items() if k not in without} == {
        k: v for k, v in uncached.headers.items() if k not in without
    }
    assert {"X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy"} <= hit.headers.keys()


def test_gzipped_and_plain_bodies_say_the_same(door):
    plain = made_near(door, "/listings/A-1/")
    zipped = door.get("/listings/A-1/", HTTP_ACCEPT_ENCODING="gzip")
    assert zipped.is_near
    assert gzip.decompress(zipped.body) == plain.body
    assert zipped.headers["Content-Length"] == str(len(zipped.body))
    assert zipped.headers["ETag"] != plain.headers["ETag"]


def test_age_is_since_the_page_was_true(door, near):
    made_near(door, "/listings/A-1/")
    (kept,) = near._pages.values()
    assert kept.response.born <= time.monotonic()
    assert time.monotonic() - kept.response.born < 60
    assert door.get("/listings/A-1/").headers["Age"] in {"0", "1", "2", "3", "4", "5"}


@pytest.mark.parametrize(
    "more",
    [
        {"method": "POST"},
        {"HTTP_HOST": "elsewhere.example"},
        {"HTTP_HOST": ""},
        {"HTTP_COOKIE": f"{django_settings.SESSION_COOKIE_NAME}=abc"},
        {"HTTP_X_FORWARDED_PROTO": "https"},
    ],
    ids=str,
)
def test_unusual_request_is_djangos_to_answer(door, more):
    made_near(door, "/listings/A-1/")
    got = door.get("/listings/A-1/", **more)
    assert "near" not in got.headers.get("Cache-Status", "")
    if "elsewhere" in str(more):
        assert got.status.startswith("400")


def test_host_that_is_not_ours_keeps_nothing_near(door, near):
    for _ in range(3):
        assert door.get("/listings/A-1/", HTTP_HOST="elsewhere.example").status.startswith("400")
    assert near.size == (0, 0)


def test_staff_see_no_cache_and_put_nothing_near(door, near):
    client = Client()
    client.force_login(User.objects.create(username="editor", is_staff=True))
    cookie = client.cookies.output(header="").strip()
    for url in ("/listings/A-1/", "/listings/A-1/?as=visitor"):
        for _ in range(3):
            got = door.get(url, HTTP_COOKIE=cookie)
            assert "near" not in got.headers["Cache-Status"]
    assert near.size == (0, 0)


def test_visitors_with_a_session_get_what_is_stored(door):
    made_near(door, "/listings/A-1/")
    cookie = f"{django_settings.SESSION_COOKIE_NAME}=unknown"
    assert door.get("/listings/A-1/", HTTP_COOKIE=cookie).headers["Cache-Status"] == "listings; hit"


def test_what_is_not_stored_is_not_near(door, near):
    for _ in range(3):
        door.get("/robots.txt")
        assert door.get("/listings/?page=x").status.startswith("400")
    assert near.size == (0, 0)
    assert not door.get("/listings/A-1/").is_near  # stored now
    assert near.size == (0, 0)


class Watched(WSGIHandler):
    """Django, which remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def __call__(self, environ, start_response):
        self.asked.append(environ["PATH_INFO"])
        return super().__call__(environ, start_response)


@pytest.fixture
def django(door) -> Watched:
    """Behind a door that has learnt what middleware add to pages of each kind."""
    door.front._django = watched = Watched()
    for url in (*PAGES, *OTHER_PAGES):
        door.get(url)
    store("pipeline").flush()
    door.front._near.drop_all()
    watched.asked.clear()
    return watched


def by_django(door: Door, url: str, method: str = "GET", **more: Any) -> Got:
    """What Django answers, at a door that knows nothing yet."""
    near = door.front._near
    near.drop_all()
    return Door(Front(WSGIHandler(), near)).get(url, method, **more)


@pytest.mark.parametrize("url", [*PAGES, *OTHER_PAGES])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("accept", ACCEPT, ids=str)
def test_pages_that_are_not_near_are_answered_as_by_django(door, django, url, method, accept):
    missed = door.get(url, method, **accept)
    assert missed.headers["Cache-Status"] == "listings; fwd=miss; stored"
    for known in ({}, {"HTTP_IF_NONE_MATCH": missed.headers["ETag"]}, {"HTTP_IF_NONE_MATCH": "*"}):
        expected = by_django(door, url, method, **accept, **known)
        door.front._near.drop_all()
        hit = door.get(url, method, **accept, **known)
        assert hit.headers["Cache-Status"] == "listings; hit"
        assert comparable(hit) == comparable(expected)
    store("pipeline").flush()
    assert comparable(missed) == comparable(by_django(door, url, method, **accept))
    assert not django.asked


@pytest.mark.parametrize("url", ["/listings/?bedrooms_min=many", "/api/v1/properties?page=2"])
def test_search_that_is_not_allowed_is_answered_by_django(door, django, url):
    got = door.get(url)
    assert got.status == "400 Bad Request"
    assert got == by_django(door, url)


@pytest.mark.parametrize(
    ("error", "status"), [(Busy, 503), (OperationalError, 503), (RuntimeError, 500)]
)
def test_what_fails_is_tried_once_and_explained_by_django(door, django, monkeypatch, error, status):
    tries = []

    def detail(key: str) -> None:
        tries.append(key)
        raise error

    monkeypatch.setattr(queries, "detail", detail)
    assert door.get("/listings/A-1/").status.startswith(str(status))
    assert tries == ["A-1"]
    assert django.asked == ["/listings/A-1/"]


@pytest.mark.parametrize("url", ["/listings/?bedrooms_min=many", "/api/v1/properties?page=2"])
def test_what_fails_leaves_nothing_to_the_collector_of_garbage(door, django, url):
    door.get(url)
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            door.get(url)
        assert not [one for one in gc.get_objects() if isinstance(one, InvalidSearch)]
    finally:
        gc.enable()


def test_body_that_cannot_be_unpacked_is_djangos_to_explain(door, django, monkeypatch):
    door.get("/listings/A-1/")
    monkeypatch.setattr(responses.gzip, "decompress", lambda body: zlib.decompress(b"damaged"))
    got = door.get("/listings/A-1/")
    assert got.status.startswith("500")
    assert django.asked == ["/listings/A-1/"]


def only_on_the_api(get_response):
    def middleware(request):
        response = get_response(request)
        if request.path.startswith("/api/"):
            response["Access-Control-Allow-Origin"] = "*"
        return response

    return middleware


def test_each_kind_of_page_keeps_the_headers_of_its_own(near, door):
    outermost = f"{__name__}.only_on_the_api"
    with override_settings(MIDDLEWARE=[outermost, *django_settings.MIDDLEWARE]):
        watched = Watched()
    door = Door(Front(watched, near))
    for url, expected in (("/listings/A-1/", False), ("/api/v1/properties/A-1", True)):
        for _ in range(4):
            assert ("Access-Control-Allow-Origin" in door.get(url).headers) == expected
    assert len(watched.asked) == 2


def test_long_paths_are_not_remembered(door, django):
    before = addresses._place_of_short.cache_info().currsize
    for number in range(5):
        assert door.get(f"/nothing/{number}{'x' * 400}/").status.startswith("404")
    assert addresses._place_of_short.cache_info().currsize == before


def test_connection_that_the_database_has_ended_costs_nobody_an_error(door, django):
    door.get("/listings/A-1/")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (own,) = cursor.fetchone()
    with connection.copy().cursor() as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [own])
        other.db.close()
    assert door.get("/listings/nothing/").status == "404 Not Found"
    assert not django.asked


def set_a_cookie(get_response):
    def middleware(request):
        response = get_response(request)
        response.set_cookie("seen", "1")
        return response

    return middleware


def change_what_pages_say(get_response):
    def middleware(request):
        response = get_response(request)
        response["Cache-Control"] = "no-store"
        return response

    return middleware


def answer_by_itself(get_response):
    return lambda request: HttpResponse("closed for the day")


@pytest.mark.parametrize("name", ["set_a_cookie", "change_what_pages_say", "answer_by_itself"])
def test_middleware_that_does_more_than_add_headers_is_asked_each_time(near, door, name):
    outermost = f"{__name__}.{name}"
    with override_settings(MIDDLEWARE=[outermost, *django_settings.MIDDLEWARE]):
        watched = Watched()
    door = Door(Front(watched, near))
    for _ in range(3):
        door.get("/listings/A-1/")
    assert len(watched.asked) == 3
    assert near.size == (0, 0)


def test_schemes_that_a_client_invents_are_not_remembered(door, django):
    for number in range(3):
        door.get("/listings/A-1/", HTTP_X_FORWARDED_PROTO=f"invented-{number}")
    assert len(django.asked) == 3
    assert {scheme for scheme, _ in door.front._added} == {None}


def test_process_variables_are_not_in_what_django_sees(near, monkeypatch):
    monkeypatch.setenv("SOME_SECRET", "hush")
    seen: dict[str, Any] = {}

    class Spy(WSGIHandler):
        def __call__(self, environ, start_response):
            seen.update(environ)
            return super().__call__(environ, start_response)

    Door(Front(Spy(), near)).get("/robots.txt")
    assert "SOME_SECRET" not in seen
    assert "PATH" not in seen
    assert seen["HTTP_HOST"] == "localhost:8000"


def test_near_hits_are_counted_as_wishes(door):
    made_near(door, "/listings/A-1/")
    made_near(door, "/listings/nothing/")
    popularity._noted.clear()
    popularity._reads.clear()
    popularity.near.harvest()
    for _ in range(5):
        door.get("/listings/A-1/")
        door.get("/listings/nothing/")
    popularity._count()
    assert popularity._reads == {("property_detail", "A-1"): 5}
    popularity._reads.clear()


def test_all_off_bypasses_every_cache(door, monkeypatch):
    made_near(door, "/listings/A-1/")
    monkeypatch.setattr(Trust, "is_off", True)
    got = door.get("/listings/A-1/?x")
    assert got.headers["Cache-Status"] == "listings; fwd=bypass"
    assert store("pipeline").client.dbsize() > 0


def test_long_addresses_count_as_bytes(door, near):
    made_near(door, "/listings/A-1/?" + "x" * 50_000)
    assert near.size[1] > 50_000


def test_long_headers_are_not_remembered(door):
    made_near(door, "/listings/A-1/")
    assert door.get("/listings/A-1/", HTTP_HOST="a" * 400).status.startswith("400")
    zipped = door.get("/listings/A-1/", HTTP_ACCEPT_ENCODING="x," * 200 + "gzip")
    assert zipped.is_near
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert (len(door.front._ours), len(door.front._zipped)) == (1, 1)


def test_no_more_headers_are_remembered_than_come_often(door):
    for number in range(2_000):
        door.get("/robots.txt", HTTP_HOST=f"{number}.example")
        assert len(door.front._ours) <= 256
