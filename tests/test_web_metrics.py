"""What a web process counts of its requests and caches, as Prometheus gets it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import prometheus_client as prometheus
import pytest
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import Client

from invalidation_worker import metrics_server
from listings import counting, pages, popularity, responses
from listings.cache import reading, spared
from listings.cache.counters import Outcome
from listings.cache.endings import Refusal, WaitEnding
from listings.cache.entries import Entry, Header, Layer
from listings.cache.filling import Content, ends_at
from listings.cache.near import Near
from listings.cache.plain_numbers import Count, Histogram
from listings.cache.reading import read
from listings.cache.store import Lease, Switch, store
from listings.cache.trust import Trust, trust
from listings.models import Property
from listings.search import PropertySearch
from tests.conftest import apply_all
from tests.scraping import Series, promtool_says, series, since
from tests.test_front import Door, made_near
from web import front, request_counts, view_names
from web.front import Front
from web.metrics import WebProcess
from web.request_counts import RequestCounts, told_by

pytestmark = pytest.mark.usefixtures("platform")

HOME = "/listings/A-1/"
ENTRY = Entry(Layer.QUERYSET, "c", "test", "")


@pytest.fixture
def near(monkeypatch):
    """A near cache to which nothing is pushed, trusted as if the horizon moved."""
    monkeypatch.setattr(Trust, "_keep_looking", lambda self: None)
    trust.look()
    monkeypatch.setattr(trust, "_watching", True)
    monkeypatch.setattr(Trust, "look", lambda self: None)
    monkeypatch.setattr(trust, "near_until", time.monotonic() + 60)
    near = Near(1_000_000, trust)
    near.begin(time.monotonic() + 60)
    for module in (pages, popularity):
        monkeypatch.setattr(module, "near", near)
    return near


@pytest.fixture
def counts(monkeypatch):
    """Requests as they are counted by a process that has just begun."""
    counts = RequestCounts()
    counts.begin(view_names.known())
    for module in (front, request_counts):
        monkeypatch.setattr(module, "counts", counts)
    return counts


@pytest.fixture
def process(near, counts):
    return WebProcess(near, counts)


@pytest.fixture
def door(near, counts):
    Property.objects.create(listing_key="A-1", list_price=500_000, city="Kent")
    apply_all()
    return Door(Front(WSGIHandler(), near))


def told(process: WebProcess) -> Series:
    return series(metrics_server.registry("web", [process]))


def requests(view: str, cache: str, method: str = "GET", code: int = 200) -> str:
    return (
        f'listings_http_requests_total{{cache="{cache}",code="{code}",method="{method}",'
        f'view="{view}"}}'
    )


def asked(view: str, cache: str) -> str:
    return f'listings_http_request_duration_seconds_count{{cache="{cache}",view="{view}"}}'


def reads(layer: str, outcome: str) -> str:
    return f'listings_cache_reads_total{{layer="{layer}",outcome="{outcome}"}}'


def refused(layer: Layer, why: Refusal) -> str:
    return f'listings_cache_fills_refused_total{{layer="{layer.value}",reason="{why}"}}'


def waits(layer: Layer, ending: WaitEnding) -> str:
    return f'listings_cache_lease_waits_total{{layer="{layer.value}",outcome="{ending}"}}'


def only(found: Series, *prefixes: str) -> Series:
    return {name: value for name, value in found.items() if name.startswith(prefixes)}


# ---- requests ----


def test_miss_hit_and_near_hit_of_a_page_are_told_apart(door, process):
    before = told(process)
    for _ in range(4):
        door.get(HOME)
    detail = "property-detail"
    risen = since(before, told(process))
    assert only(risen, "listings_http_requests") == {
        requests(detail, "miss"): 1,
        requests(detail, "hit"): 1,
        requests(detail, "near"): 2,
    }
    assert only(risen, "listings_cache_reads") == {
        reads("page", "stored"): 1,
        reads("page", "hit"): 1,
        reads("queryset", "stored"): 1,
        reads("near", "miss"): 2,
        reads("near", "hit"): 2,
    }
    # The first near hit is timed, and the next one when it has company.
    assert only(risen, "listings_http_request_duration") == {
        asked(detail, "miss"): 1,
        asked(detail, "hit"): 1,
        asked(detail, "near"): 1,
    }


def test_304_and_head_are_told_apart_near_and_not(door, near, process):
    etag = made_near(door, HOME).headers["ETag"]
    before = told(process)
    for method in ("GET", "HEAD"):
        door.get(HOME, method)
        assert door.get(HOME, method, HTTP_IF_NONE_MATCH=etag).status.startswith("304")
    near.drop_all()
    assert door.get(HOME, "HEAD", HTTP_IF_NONE_MATCH=etag).status.startswith("304")
    near.drop_all()
    door.get(HOME, "HEAD")
    assert only(since(before, told(process)), "listings_http_requests") == {
        requests("property-detail", cache, method, code): 1
        for cache, method, code in (
            *(("near", method, code) for method in ("GET", "HEAD") for code in (200, 304)),
            *(("hit", "HEAD", code) for code in (200, 304)),
        )
    }


@pytest.mark.parametrize(
    ("method", "url", "expected"),
    [
        ("GET", "/listings/nothing/", requests("property-detail", "miss", code=404)),
        ("GET", "/nowhere", requests("unknown", "none", code=404)),
        ("GET", "/static/nothing.css", requests("static", "none", code=404)),
        ("GET", "/listings/?page=x", requests("property-list", "none", code=400)),
        ("POST", HOME, requests("property-detail", "none", "POST", 405)),
        ("BREW", HOME, requests("property-detail", "none", "other", 405)),
        ("GET", "/healthz", requests("healthz", "none")),
        ("GET", "/robots.txt", requests("robots", "none")),
        ("GET", "/admin/listings/property/", requests("admin", "none", code=302)),
        ("GET", "/photos/house/A-1.svg", requests("photo", "none")),
    ],
)
def test_every_request_is_told_under_few_names(door, process, method, url, expected):
    before = told(process)
    door.get(url, method)
    assert only(since(before, told(process)), "listings_http_requests") == {expected: 1}


def test_host_that_is_not_ours_has_no_view(door, process):
    before = told(process)
    door.get(HOME, HTTP_HOST="elsewhere.example")
    assert only(since(before, told(process)), "listings_http_requests") == {
        requests("unknown", "none", code=400): 1
    }


def test_staff_and_a_switch_are_a_bypass(door, process, monkeypatch):
    client = Client()
    client.force_login(User.objects.create(username="editor", is_staff=True))
    before = told(process)
    door.get(HOME, HTTP_COOKIE=client.cookies.output(header="").strip())
    monkeypatch.setattr(trust, "_off", frozenset([Switch.ALL]))
    door.get(HOME)
    risen = since(before, told(process))
    assert only(risen, "listings_http_requests") == {requests("property-detail", "bypass"): 2}
    assert only(risen, "listings_http_request_duration") == {asked("property-detail", "miss"): 2}
    assert only(risen, "listings_cache_reads") == {
        reads("page", "bypass"): 1,
        reads("queryset", "bypass"): 2,
        reads("near", "miss"): 1,
    }


def test_near_hits_have_the_view_that_django_told(door, process):
    Property.objects.create(listing_key="gone", list_price=1, standard_status="Withdrawn")
    apply_all()
    before = told(process)
    for url in ("/", "/listings/?city=Kent", "/listings/gone/"):
        made_near(door, url)
    near_ones = {name for name in since(before, told(process)) if 'cache="near",code' in name}
    assert near_ones == {
        requests("home", "near"),
        requests("property-list", "near"),
        requests("property-detail", "near", code=410),
    }


def test_one_in_64_near_hits_is_timed_for_all_before_it(door, process, monkeypatch):
    made_near(door, HOME)
    looks = []

    def clock() -> float:
        looks.append(1)
        return time.perf_counter()

    monkeypatch.setattr(front, "perf_counter", clock)
    before = told(process)
    for _ in range(2 * 64):
        door.get(HOME)
    assert since(before, told(process))[asked("property-detail", "near")] == 2 * 64
    assert len(looks) == 2 * 2


def test_slow_near_hit_stands_for_those_that_are_not_timed():
    counts = RequestCounts()
    hits = counts.near_hits("home", 200, 3)[0]
    counts.time_near(hits, 0.00001, 1)
    counts.time_near(hits, 0.2, 65)
    counts.time_near(hits, 0.2, 65)  # another thread, at the same moment
    (observed,) = counts.seconds().values()
    assert observed.at_most[-1] == 65
    assert dict(zip(observed.bounds, observed.at_most, strict=False))[0.1] == 1
    assert observed.total == pytest.approx(64 * 0.2, abs=0.001)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_cache_status_tells_how_the_read_ended(outcome):
    expected = {"stored": "miss", "unstored": "miss"}.get(outcome, str(outcome))
    assert told_by(responses.CACHE_STATUS[outcome]) == expected


# ---- fills and waits ----


def test_fill_is_timed_by_layer(door, process):
    before = told(process)
    door.get(HOME)
    risen = since(before, told(process))
    assert only(risen, "listings_cache_fill_duration") == {
        'listings_cache_fill_duration_seconds_count{layer="page"}': 1,
        'listings_cache_fill_duration_seconds_count{layer="queryset"}': 1,
    }


def test_change_during_a_fill_is_a_lost_lease(process):
    def load() -> Content:
        store("pipeline").invalidate({ENTRY.partition: [ENTRY.digest]}, ENTRY.layer)
        return Content(b"old")

    before = told(process)
    read(ENTRY, load)
    assert since(before, told(process)) == {
        refused(Layer.QUERYSET, Refusal.LEASE_LOST): 1,
        reads("queryset", "unstored"): 1,
    }


def test_full_partition_refuses(process, monkeypatch):
    monkeypatch.setattr("listings.cache.store.PARTITION_CAPACITY", 0)
    before = told(process)
    read(ENTRY, lambda: Content(b"new"))
    assert since(before, told(process))[refused(Layer.QUERYSET, Refusal.FULL)] == 1


def test_full_memory_refuses(process):
    def load() -> Content:
        client.config_set("maxmemory", 1)
        return Content(b"new")

    client = store("pipeline").client
    most = client.config_get("maxmemory")["maxmemory"]
    before = told(process)
    try:
        read(ENTRY, load)
        read(Entry(Layer.QUERYSET, "c", "test", "other"), load)
    finally:
        client.config_set("maxmemory", most)
    assert since(before, told(process))[refused(Layer.QUERYSET, Refusal.MEMORY)] == 2


def test_content_that_has_gone_out_of_date_is_refused(process):
    def load() -> Content:
        ends_at(time.time() - 1)
        return Content(b"old")

    before = told(process)
    read(ENTRY, load)
    assert since(before, told(process))[refused(Layer.QUERYSET, Refusal.EXPIRED)] == 1


def test_page_of_a_part_that_was_bypassed_is_refused(process):
    def load() -> Content:
        with reading.bypass():
            read(ENTRY, lambda: Content(b"part"))
        return Content(b"page")

    before = told(process)
    read(Entry(Layer.PAGE, "c", "test"), load)
    assert since(before, told(process))[refused(Layer.PAGE, Refusal.BYPASS)] == 1


@pytest.mark.parametrize("ending", [WaitEnding.HIT, WaitEnding.LEASE, WaitEnding.TIMEOUT])
def test_wait_is_told_by_its_end(process, monkeypatch, ending):
    lease = store("pipeline").lease(ENTRY)
    assert isinstance(lease, Lease)
    looks = []

    def ask_when_the_wait_ends(entry: Entry, not_before: int) -> object:
        looks.append(1)
        if len(looks) == 2 and ending is WaitEnding.HIT:
            header = Header(lease.granted_at, lease.granted_at + 60_000_000)
            assert store("pipeline").fill(entry, lease, header, b"value")
        if len(looks) == 2 and ending is WaitEnding.LEASE:
            store("pipeline").release(entry, lease)
        return ask(entry, not_before)

    ask = reading._ask
    monkeypatch.setattr(reading, "_ask", ask_when_the_wait_ends)
    monkeypatch.setattr(reading, "WAIT_SECONDS", 0.2)
    before = told(process)
    read(ENTRY, lambda: Content(b"own"))
    found = only(since(before, told(process)), "listings_cache_lease_waits")
    assert found == {waits(Layer.QUERYSET, ending): 1}


def test_wait_that_loses_the_cache_is_an_error(door, process, cache_server, monkeypatch):
    assert isinstance(store("pipeline").lease(ENTRY), Lease)
    asking = threading.Event()
    ask = reading._ask

    def ask_and_tell(entry: Entry, not_before: int) -> object:
        answer = ask(entry, not_before)
        asking.set()
        return answer

    monkeypatch.setattr(reading, "_ask", ask_and_tell)
    before = told(process)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(read, ENTRY, lambda: Content(b"own"))
        assert asking.wait(30)
        cache_server.kill()
        assert waiting.result(30).outcome is Outcome.ERROR
    found = only(since(before, told(process)), "listings_cache_lease_waits")
    assert found == {waits(Layer.QUERYSET, WaitEnding.ERROR): 1}


def test_lost_cache_opens_the_breaker_and_is_an_error(door, process, cache_server):
    assert told(process)["listings_cache_breaker_open"] == 0
    before = told(process)
    cache_server.kill()
    for _ in range(3):
        door.get(HOME)
    now = told(process)
    assert now["listings_cache_breaker_open"] == 1
    assert since(before, now)[requests("property-detail", "error")] == 3
    assert since(before, now)[reads("page", "error")] == 3


# ---- queries ----


def test_hits_spare_what_the_fill_asked(door, near, process):
    before = told(process)
    door.get("/listings/")
    took = since(before, told(process))["listings_database_queries_total"]
    assert took == 2
    assert "listings_database_queries_saved_total" not in since(before, told(process))
    before = told(process)
    for _ in range(3):  # a hit, two near hits
        door.get("/listings/")
    found = only(since(before, told(process)), "listings_database_queries")
    assert found == {"listings_database_queries_saved_total": 3 * took}


def test_page_is_worth_what_its_parts_would_have_asked(door, process):
    before = told(process)
    door.get(HOME)
    took = since(before, told(process))["listings_database_queries_total"]
    store("pipeline").client.delete(
        *[key for key in store("pipeline").client.scan_iter("v:*") if _is_page(key)]
    )
    before = told(process)
    door.get("/listings/A-1/?again")  # its rows are a hit
    door.get("/listings/A-1/?again")
    found = only(since(before, told(process)), "listings_database_queries")
    assert found == {"listings_database_queries_saved_total": 2 * took}


def _is_page(key: bytes) -> bool:
    entry = pages.PAGES["property_detail"]._entry("A-1")
    return key.decode().endswith(entry.digest)


def test_queries_of_a_connection_are_counted_once(platform):
    connection.close()
    connection.execute_wrappers.clear()  # as of a thread that has not asked yet
    before = spared.asked.number
    with connection.execute_wrapper(lambda execute, *four: execute(*four)):
        counting.count_now(PropertySearch())
    counting.count_now(PropertySearch())
    connection.close()  # and connected again
    counting.count_now(PropertySearch())
    assert spared.asked.number - before == 3


# ---- states ----


def test_near_cache_is_told(door, near, process):
    made_near(door, HOME)
    now = told(process)
    assert now["listings_near_cache_entries"] == 1
    assert now["listings_near_cache_bytes"] == near.size[1] > 2_000
    assert now["listings_near_cache_on"] == 1
    near.end()
    assert told(process)["listings_near_cache_on"] == 0


def test_trust_is_degraded_while_the_horizon_stands_still(near, process, monkeypatch):
    monkeypatch.setattr(trust, "_moved_at", time.monotonic() + 60)
    assert told(process)["listings_cache_trust_degraded"] == 0
    monkeypatch.setattr(trust, "_moved_at", time.monotonic() - 60)
    assert told(process)["listings_cache_trust_degraded"] == 1


def test_nobody_has_asked_for_trust_that_is_new():
    assert not Trust().is_degraded


# ---- as Prometheus wants it ----


def test_known_series_begin_at_0():
    fresh = told(WebProcess(Near(0, Trust()), begun()))
    for view in ("home", "property-list", "property-detail", "properties", "property"):
        for cache in ("near", "hit", "stale", "miss", "bypass", "error"):
            assert fresh[requests(view, cache)] == 0
        for cache in ("near", "hit", "miss", "none"):
            assert fresh[asked(view, cache)] == 0
        for code in (500, 503):
            assert fresh[requests(view, "none", code=code)] == 0
    for view in ("photo", "robots", "healthz", "readyz", "admin", "static", "unknown"):
        assert fresh[requests(view, "none")] == 0
    names = set(fresh)
    assert {reads(layer.value, one) for layer in Layer for one in Outcome} <= names
    assert {refused(layer, one) for layer in Layer for one in Refusal} <= names
    assert {waits(layer, one) for layer in Layer for one in WaitEnding} <= names
    le = 'listings_http_request_duration_seconds_bucket{cache="hit",le="0.1",view="home"}'
    assert fresh[le] == 0
    assert not any("list_properties" in name for name in fresh)  # a second name of `properties`


def begun() -> RequestCounts:
    counts = RequestCounts()
    counts.begin(view_names.known())
    return counts


def test_promtool_finds_nothing_to_improve(door, process):
    made_near(door, HOME)
    text = prometheus.generate_latest(metrics_server.registry("web", [process])).decode()
    assert promtool_says(text) == ""


# ---- plain numbers ----


@pytest.fixture
def eager_switches():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("eager_switches")
def test_no_count_is_lost_between_threads():
    hits = RequestCounts().near_hits("home", 200, 3)
    plain = Count()

    def count() -> None:
        for turn in range(50_000):
            seen = hits[turn % 2 == 0]
            seen.number += 1
            plain.number += 1

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hits[0].number + hits[1].number == plain.number == 8 * 50_000


def test_observation_on_a_bound_lies_below_it():
    histogram = Histogram((0.1, 0.5))
    for value in (0.05, 0.1, 0.2, 0.9):
        histogram.observe(value)
    assert histogram.observed() == ((0.1, 0.5), (2, 3, 4), pytest.approx(1.25))


def test_benchmark_counts_every_hit():
    """It fails unless it does; how dear that is depends on the machine."""
    # Static files may not have been collected here.
    python = [sys.executable, "-W", "ignore:No directory at"]
    command = [*python, "-m", "benchmarks.counting", "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert [line.split()[1] for line in done.stdout.splitlines()[2:]] == ["gzip", "304"]
