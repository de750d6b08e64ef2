"""The operators' page: who gets it, and what it is told by real processes and servers."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import prometheus_client as prometheus
import pytest
import redis
from django.conf import settings as django_settings
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from invalidation_worker import metrics, metrics_server
from invalidation_worker.apply import apply_batch
from invalidation_worker.models import ChangeEvent
from listings import popularity
from listings.cache.store import Switch, store
from listings.models import PagePopularity, Property
from monitoring import targets
from monitoring.targets import SIGNALS
from tests.conftest import apply_all, warm
from tests.scraping import exporting, scrape
from web.local_servers import ports

PAGES = ("ops", "ops-samples", "ops-recent")
PROJECT = Path(__file__).resolve().parent.parent
SCRIPTS = PROJECT / "monitoring" / "static" / "monitoring"
SEATTLE, DETAIL = "/listings/?city=seattle", "/listings/A-1/"

pytestmark = pytest.mark.usefixtures("platform")


@pytest.fixture
def operator(db, django_user_model) -> Client:
    """Somebody on the staff, who may do nothing else."""
    client = Client()
    client.force_login(django_user_model.objects.create_user("operator", is_staff=True))
    return client


@pytest.fixture
def home() -> Property:
    home = Property.objects.create(listing_key="A-1", city="Seattle", list_price=Decimal(500_000))
    apply_all()
    store("pipeline").flush()
    return home


@pytest.fixture
def exporter() -> Iterator[str]:
    """The address of an exporter that watches the servers of the tests."""
    with exporting({"cache": django_settings.CACHE_URL}) as port:
        yield _url(port)


@pytest.fixture
def relay() -> Iterator[str]:
    """The address where what the relay counts is told; it counts in this process."""
    registry = metrics_server.registry("relay", metrics.of_service("relay"))
    server, thread = prometheus.start_http_server(0, "127.0.0.1", registry)
    yield _url(server.server_port)
    server.shutdown()
    server.server_close()
    thread.join()


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/metrics"


def told(operator: Client, **addresses: str) -> dict[str, Any]:
    """What `samples.json` has of each target."""
    django_settings.OPS_TARGETS = addresses
    response = operator.get(reverse("ops-samples"))
    assert response.status_code == 200
    return {one["name"]: one for one in response.json()["targets"]}


@pytest.fixture(autouse=True)
def _targets(settings):
    settings.OPS_TARGETS = {}


# ---- who gets it ----
@pytest.mark.parametrize("name", PAGES)
def test_anonymous_visitor_is_sent_to_the_login_of_the_admin(client, name):
    response = client.get(reverse(name))
    assert response.status_code == 302
    assert response["Location"] == f"{reverse('admin:login')}?next={reverse(name)}"
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("name", PAGES)
def test_user_who_is_not_staff_is_sent_to_the_login(client, django_user_model, name):
    client.force_login(django_user_model.objects.create_user("visitor"))
    assert client.get(reverse(name)).status_code == 302


@pytest.mark.parametrize("name", PAGES)
def test_staff_gets_it_and_nobody_may_keep_it(operator, name):
    response = operator.get(reverse(name))
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]


@pytest.mark.parametrize("name", PAGES)
def test_it_is_only_read(operator, name):
    assert operator.post(reverse(name)).status_code == 405


# ---- samples ----
def test_samples_are_what_a_running_exporter_tells(operator, exporter, home):
    Property.objects.update(list_price=1)
    found = told(operator, exporter=exporter)["exporter"]
    assert found["failure"] == ""
    samples = found["samples"]
    assert samples["listings_change_log_pending_events"] == [[[], ChangeEvent.objects.count()]]
    assert samples["listings_cache_server_up"] == [[["cache"], 1]]
    # What earlier tests have rung waits there: nobody listens.
    with redis.Redis.from_url(django_settings.BROKER_URL) as broker:
        waiting = [broker.llen(queue) for queue in ("invalidation", "warming")]
    assert samples["listings_broker_queue_ready_messages"] == [
        [["invalidation"], pytest.approx(waiting[0], abs=5)],
        [["warming"], waiting[1]],
    ]
    (((server,), used),) = samples["listings_cache_server_memory_used_bytes"]
    assert server == "cache"
    assert used > 100_000


def test_counters_are_added_up_over_the_labels_that_nobody_draws(operator, relay, home):
    before = told(operator, relay=relay)["relay"]["samples"]
    Property.objects.update(list_price=1)
    home.delete()
    assert apply_all() == 2
    after = told(operator, relay=relay)["relay"]["samples"]

    def risen(name: str) -> dict[tuple[str, ...], float]:
        was = {tuple(labels): value for labels, value in before[name]}
        return {tuple(labels): value - was[tuple(labels)] for labels, value in after[name]}

    assert risen("listings_events_applied_total") == {(): 2}
    lag = risen("listings_change_lag_seconds_bucket")
    assert lag["claimed", "+Inf"] == lag["invalidated", "+Inf"] == 2
    assert {stage for stage, _ in lag} == {"claimed", "invalidated"}


def test_samples_are_what_prometheus_would_scrape(operator, relay, home):
    Property.objects.update(list_price=1)
    apply_all()
    samples = told(operator, relay=relay)["relay"]["samples"]
    scraped = scrape(int(relay.split(":")[2].split("/")[0]))
    for (stage, le), value in samples["listings_change_lag_seconds_bucket"]:
        assert scraped[f'listings_change_lag_seconds_bucket{{le="{le}",stage="{stage}"}}'] == value


def test_pages_that_no_cache_may_have_are_no_part_of_the_time_to_answer():
    name = "listings_http_request_duration_seconds"
    text = f"# TYPE {name} histogram\n" + "".join(
        f'{name}_bucket{{view="{view}",cache="{cache}",le="{le}"}} {count}\n'
        for view, cache, count in (("home", "hit", 3), ("list", "miss", 4), ("admin", "none", 50))
        for le in ("0.1", "+Inf")
    )
    found = targets.read(text)[f"{name}_bucket"]
    assert sorted(found) == [(("+Inf",), 7), (("0.1",), 7)]


# ---- targets that are away ----
@contextmanager
def silent() -> Iterator[str]:
    """The address of somebody who takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield _url(server.getsockname()[1])


@contextmanager
def dripping() -> Iterator[str]:
    """The address of somebody who tells a comment five times a second, for six seconds."""
    stopping = threading.Event()

    def drip(server: socket.socket) -> None:
        with server.accept()[0] as client, suppress(OSError):
            client.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
            for _ in range(30):
                client.sendall(b"# wait\n")
                if stopping.wait(0.2):
                    break

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        yield _url(server.getsockname()[1])
        stopping.set()
        thread.join()


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """The address of somebody who always says this."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield _url(server.server_port)
        server.shutdown()
        thread.join()


def test_target_that_is_away_says_why_and_the_others_tell(operator, exporter):
    found = told(operator, gone=_url(ports.free_port()), exporter=exporter)
    assert found["gone"]["failure"] == "nobody listens there"
    assert found["gone"]["samples"] == {}
    assert found["exporter"]["failure"] == ""
    assert found["exporter"]["samples"]


def test_silent_target_is_given_up_and_the_others_tell(operator, exporter):
    with silent() as one, silent() as two:
        found = told(operator, one=one, exporter=exporter, two=two)
    assert found["one"]["failure"] == found["two"]["failure"] == "no answer within 1 s"
    assert found["exporter"]["samples"]


def test_target_that_never_comes_to_an_end_is_given_up(operator, exporter):
    with dripping() as slow:
        found = told(operator, slow=slow, exporter=exporter)
    assert found["slow"]["failure"] == "no answer within 1 s"
    assert found["exporter"]["samples"]


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (500, b"", "Internal Server Error"),
        (200, b"listings_dead_letters {what is this", "."),
        (200, b"\xff\xfe", "."),
    ],
)
def test_target_that_tells_no_metrics_is_away(operator, status, body, failure):
    with answering(status, body) as address:
        found = told(operator, odd=address)["odd"]
    assert re.search(failure, found["failure"])
    assert found["samples"] == {}


def test_without_targets_there_are_none(operator):
    assert told(operator) == {}


# ---- what is drawn is told ----
def test_scripts_draw_every_signal_and_nothing_else():
    drawn = set(re.findall(r'"(listings_\w+)"', (SCRIPTS / "signals.js").read_text()))
    assert drawn == set(SIGNALS)


def test_signals_have_the_names_that_rules_dashboards_and_readme_know():
    monitoring = PROJECT / "monitoring"
    known = [*(monitoring / "prometheus").rglob("*.yml"), *(monitoring / "grafana").glob("*.py")]
    text = "".join(path.read_text() for path in [*known, PROJECT / "README.md"])
    assert {name for name in SIGNALS if name.removesuffix("_bucket") not in text} == set()


# ---- recent ----
def recent(operator: Client) -> Any:
    response = operator.get(reverse("ops-recent"))
    assert response.status_code == 200
    return response.json()


def test_change_is_told_with_what_it_dropped_why_and_when_it_was_warm(operator, client, home):
    for url in (SEATTLE, DETAIL):
        client.get(url)
    Property.objects.update(list_price=1)
    pages = apply_batch().pages
    (change,) = recent(operator)["changes"]
    assert (change["operation"], change["table"]) == ("UPDATE", "listings_property")
    assert change["listings"] == ["A-1"]
    assert change["dropped"] == 4
    assert change["named"] == {"page": 2, "queryset": 2}
    assert {page["url"] for page in change["pages"]} == {SEATTLE, DETAIL}
    assert ["the 'detail' columns of A-1", 2] in change["reasons"]
    assert change["lag_milliseconds"] > 0
    assert change["warm_milliseconds"] is None
    warm(pages)
    (again,) = recent(operator)["changes"]
    assert again["key"] == change["key"]
    assert again["warm_milliseconds"] > 0


def test_changes_are_told_the_newest_first(operator, home):
    for price in (1, 2, 3):
        Property.objects.update(list_price=price)
    apply_all()
    events = [change["event"] for change in recent(operator)["changes"]]
    assert len(events) == 3
    assert events == sorted(events, reverse=True)


def test_purge_is_told_as_everything(operator, home):
    call_command("cache_purge", all=True)
    (change,) = recent(operator)["changes"]
    assert change["event"] is None
    assert change["dropped"] is None


def test_wanted_pages_are_told_with_their_reads(operator, client, home):
    popularity.flush()
    PagePopularity.objects.all().delete()
    for _ in range(8):
        client.get(DETAIL)
    client.get(SEATTLE)
    popularity.flush()
    first, second = recent(operator)["wanted"]
    assert (first["url"], second["url"]) == (DETAIL, SEATTLE)
    assert first["score"] == pytest.approx(8, rel=0.05)
    assert second["score"] == pytest.approx(1, rel=0.05)


def test_dead_letter_is_told(operator, home):
    assert recent(operator)["letters"] == {"number": 0, "newest": []}
    ChangeEvent.objects.create(table_name="x", operation="y", before={}, transaction_id=1)
    apply_all()
    letters = recent(operator)["letters"]
    assert letters["number"] == 1
    (letter,) = letters["newest"]
    assert (letter["table"], letter["operation"]) == ("x", "y")
    assert letter["reason"]
    assert datetime.fromisoformat(letter["at"]).tzinfo == UTC


@pytest.mark.parametrize("switch", Switch)
def test_switch_that_is_off_is_told(operator, switch):
    cache = store("pipeline")
    assert recent(operator)["switches"] == {"near": True, "all": True, "horizon": 0}
    cache.switch(switch, on=False)
    try:
        on = {one.value: one is not switch for one in Switch}
        assert recent(operator)["switches"] == {"horizon": 0, **on}
    finally:
        cache.switch(switch, on=True)


def test_horizon_is_told(operator):
    cache = store("pipeline")
    mark = cache.horizon()
    cache.horizon(mark.run, mark.now + 1_000_000)
    assert recent(operator)["switches"]["horizon"] == mark.counter + 1


def test_cache_that_is_away_leaves_what_the_database_knows(operator, client, home, cache_server):
    client.get(DETAIL)
    popularity.flush()
    cache_server.stop()
    told = recent(operator)
    assert told["changes"] is None
    assert told["switches"] is None
    assert [page["url"] for page in told["wanted"]] == [DETAIL]
    assert told["letters"] == {"number": 0, "newest": []}
