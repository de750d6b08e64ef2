"""What workers and relay count of their work, and where they tell it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event

import prometheus_client as prometheus
import pytest
import redis
from django.conf import settings
from django.db import OperationalError
from msgspec import to_builtins

from invalidation_worker import apply as apply_module
from invalidation_worker import change_log, metrics, metrics_server, tasks
from invalidation_worker import relay as relay_module
from invalidation_worker.apply import apply_batch
from invalidation_worker.doorbell import Publisher
from invalidation_worker.models import ChangeEvent
from invalidation_worker.relay import LEFT_TO_WORKER_SECONDS, QUEUE, Relay
from invalidation_worker.warmer import Warmer
from invalidation_worker.wishes import Wish, Wishes
from listings.cache.counters import Outcome
from listings.cache.dependencies import Count, Facets, Rows, Search, Window
from listings.cache.entries import Entry, Layer
from listings.cache.filling import Content
from listings.cache.reading import read
from listings.cache.store import Lease, store
from listings.models import Property
from listings.popularity import PageKey
from tests.conftest import apply_all, page_entry
from tests.scraping import Series, free_ports, promtool_says, scrape, series, since
from tests.waiting import eventually
from web.local_servers import ports

pytestmark = pytest.mark.usefixtures("platform")

HOME = ("property_detail", "A-1")
SKIPPED = 'listings_pages_warmed_total{outcome="skipped"}'
FAILED = 'listings_pages_warmed_total{outcome="failed"}'
DEPENDENCIES = {
    "rows": Rows(("A-1",), "detail"),
    "window": Window("", "newest", None, None, 0, full=False),
    "count": Count("", capped=False),
    "facets": Facets("", "cities"),
    "anything": None,
}


@pytest.fixture(autouse=True)
def home(platform):
    home = Property.objects.create(listing_key="A-1", city="Kent", list_price=1)
    apply_all()
    return home


def counted(service: str) -> Series:
    """What a process of this service would tell now."""
    return series(metrics_server.registry(service, metrics.of_service(service)))


def risen(service: str, work: Callable[[], object]) -> Series:
    """What rises while something is done."""
    before = counted(service)
    work()
    return since(before, counted(service))


def reprice() -> None:
    Property.objects.update(list_price=2)


def test_batch_counts_its_events_their_lag_and_the_time_it_took():
    Property.objects.create(listing_key="A-2", city="Kent", list_price=1)
    Property.objects.filter(pk="A-2").delete()
    reprice()
    assert risen("invalidation-worker", apply_batch) == {
        'listings_events_applied_total{operation="INSERT",table="listings_property"}': 1,
        'listings_events_applied_total{operation="UPDATE",table="listings_property"}': 1,
        'listings_events_applied_total{operation="DELETE",table="listings_property"}': 1,
        'listings_change_lag_seconds_count{stage="claimed"}': 3,
        'listings_change_lag_seconds_count{stage="invalidated"}': 3,
        "listings_apply_duration_seconds_count": 1,
    }


def test_empty_batch_counts_nothing():
    assert risen("invalidation-worker", apply_batch) == {}


def test_lag_is_counted_from_the_write():
    reprice()
    ChangeEvent.objects.update(logged_at=datetime.now(UTC) - timedelta(seconds=20))
    before = counted("invalidation-worker")
    apply_batch()
    after = counted("invalidation-worker")
    for stage in ("claimed", "invalidated"):
        name = f'listings_change_lag_seconds_sum{{stage="{stage}"}}'
        assert 20 < after[name] - before[name] < 60


def test_entries_count_by_layer_and_by_the_dependency_that_was_affected():
    for layer in Layer:
        for name, one in DEPENDENCIES.items():
            entry = Entry(layer, "*", name)
            read(entry, lambda one=one: Content(b"", dependencies=None if one is None else (one,)))
    lease = store().lease(Entry(Layer.PAGE, "*", "being filled", scope=Search("")))
    assert isinstance(lease, Lease)
    reprice()
    found = risen("relay", apply_batch)
    name = 'listings_entries_invalidated_total{{dependency="{}",layer="{}"}}'
    expected = {name.format(kind, layer.value): 1 for layer in Layer for kind in DEPENDENCIES}
    # A price changes no count. An entry that is being filled may be changed by anything.
    expected[name.format("anything", "page")] = 2
    for layer in Layer:
        for kind in ("count", "facets"):
            del expected[name.format(kind, layer.value)]
    assert {key: value for key, value in found.items() if "entries" in key} == expected


def test_flush_counts_its_events_but_not_their_lag(monkeypatch):
    monkeypatch.setattr(apply_module, "BATCH", 1)
    monkeypatch.setattr(apply_module, "FLUSH_ABOVE", 0)
    reprice()
    Property.objects.update(list_price=3)
    assert risen("invalidation-worker", apply_batch) == {
        'listings_events_applied_total{operation="UPDATE",table="listings_property"}': 2
    }


def test_table_that_no_trigger_writes_counts_as_other_and_is_buried():
    ChangeEvent.objects.create(table_name="x", operation="y", before={}, transaction_id=1)
    found = risen("invalidation-worker", apply_batch)
    assert found['listings_events_applied_total{operation="other",table="other"}'] == 1
    assert found["listings_dead_letters_buried_total"] == 1


def test_batch_that_fails_counts_as_a_retry_and_not_as_applied(monkeypatch):
    real, failures = change_log.claim, iter([OperationalError("away")])

    def fail_once(most):
        for failure in failures:
            raise failure
        return real(most)

    monkeypatch.setattr(change_log, "claim", fail_once)
    reprice()
    found = risen("invalidation-worker", tasks.apply)
    assert found["listings_apply_retries_total"] == 1
    assert found["listings_apply_duration_seconds_count"] == 1


def warming(page: PageKey = HOME, logged_at: datetime | None = None) -> Series:
    """What the warming worker counts when it fills this page."""
    wish = Wish(page, datetime.now(UTC), time.monotonic(), logged_at)
    return risen("warming-worker", lambda: Warmer()._fill(wish))


def test_page_that_is_filled_counts_as_warmed_with_its_lag_and_then_as_skipped():
    assert warming(logged_at=datetime.now(UTC)) == {
        'listings_pages_warmed_total{outcome="warmed"}': 1,
        'listings_change_lag_seconds_count{stage="warmed"}': 1,
    }
    assert warming(logged_at=datetime.now(UTC)) == {SKIPPED: 1}


def test_page_that_somebody_else_fills_counts_as_skipped():
    store().lease(page_entry(HOME))
    assert warming() == {SKIPPED: 1}


def test_page_that_nobody_came_to_fill_in_time_counts_as_skipped():
    wishes = Wishes()
    wishes.add([Wish(HOME, datetime.now(UTC), expires=1.0)])
    assert risen("warming-worker", lambda: wishes.take(2.0)) == {SKIPPED: 1}


def test_page_that_cannot_be_filled_counts_as_failed():
    assert warming(("no such page", "")) == {FAILED: 1}


def test_lag_of_warming_is_counted_from_the_oldest_change_of_the_batch(monkeypatch):
    wished = []
    monkeypatch.setattr(tasks.warmer, "add", lambda pages, logged_at: wished.append(logged_at))
    reprice()
    reprice()
    oldest = ChangeEvent.objects.earliest("id").logged_at
    publisher = Publisher()
    monkeypatch.setattr(
        publisher, "send", lambda _, *arguments, expires: tasks.warm(*map(to_builtins, arguments))
    )
    visit = read(page_entry(HOME), lambda: Content(b""))
    assert visit.outcome is Outcome.STORED
    tasks.send_to_warming(publisher, apply_batch())
    assert wished == [oldest]


def test_relay_counts_its_looks_and_its_rings():
    relay, broker = Relay(Event()), redis.Redis.from_url(settings.BROKER_URL)

    def rings() -> bool:
        broker.delete("invalidation")  # the save's own ring may come late, and then it need not
        reprice()
        found = risen("relay", relay.look)
        assert found["listings_relay_looks_total"] == 1
        return found.get("listings_relay_rings_total") == 1

    eventually(rings)


def test_relay_counts_what_it_applies_itself(broker_server):
    broker_server.stop()
    reprice()
    found = risen("relay", Relay(Event()).look)
    assert found["listings_relay_applied_events_total"] == 1
    assert found["listings_apply_duration_seconds_count"] == 1
    assert "listings_relay_rings_total" not in found


def test_relay_applies_what_waits_behind_a_busy_worker():
    relay = Relay(Event())
    with redis.Redis.from_url(settings.BROKER_URL) as broker:
        broker.lpush(QUEUE, "a ring")  # that nobody takes, as during a large batch
        try:
            reprice()
            eventually(lambda: (change_log.oldest_age_seconds() or 0.0) > LEFT_TO_WORKER_SECONDS)
            found = risen("relay", relay.look)
        finally:
            broker.lrem(QUEUE, 1, "a ring")
    assert found["listings_relay_applied_events_total"] == 1
    assert "listings_relay_rings_total" not in found


def test_rings_that_nobody_takes_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(relay_module, "MOST_RINGS", 3)
    with redis.Redis.from_url(settings.BROKER_URL) as broker:
        broker.lpush(QUEUE, *range(10))
        try:
            reprice()
            Relay(Event()).look()
            assert broker.lrange(QUEUE, 0, -1) == [b"9", b"8", b"7"]  # the newest
        finally:
            broker.delete(QUEUE)


def test_port_that_is_taken_is_logged_and_nothing_else(monkeypatch, caplog):
    port = ports.free_port()
    monkeypatch.setattr(settings, "METRICS_PORTS", {"relay": port})
    with ports.bound(port):
        metrics_server.serve("relay", metrics.of_service("relay"))
    (record,) = caplog.records
    assert record.getMessage().startswith(f"no metrics of the relay: port {port} of 127.0.0.1: ")


@pytest.mark.parametrize("service", ["invalidation-worker", "warming-worker", "relay"])
def test_names_and_types_please_promtool(service):
    registry = metrics_server.registry(service, metrics.of_service(service))
    assert promtool_says(prometheus.generate_latest(registry).decode()) == ""


SERVICES = ("invalidation-worker", "warming-worker", "relay")


def test_each_process_tells_what_it_has_done_on_a_port_of_its_own(services):
    first = free_ports(4)
    services.variables = {"METRICS_PORT": str(first)}
    services.start(*SERVICES)
    ports = dict(zip(SERVICES, range(first, first + 3), strict=True))
    for service, port in ports.items():
        assert names(eventually(lambda port=port: told(port))) == names(counted(service))
        assert scrape(port)[f'listings_process_info{{service="{service}"}}'] == 1
    eventually(lambda: scrape(ports["relay"])["listings_relay_looks_total"])
    reprice()
    applied = 'listings_events_applied_total{operation="UPDATE",table="listings_property"}'
    appliers = ("invalidation-worker", "relay")  # the latter if the former is slow
    eventually(lambda: sum(scrape(ports[one])[applied] for one in appliers) == 1)


def names(found: Series) -> set[str]:
    return {name.partition("{")[0] for name in found}


def told(port: int) -> Series:
    """What is told there; nothing, as long as nobody listens."""
    try:
        return scrape(port)
    except OSError:
        return {}
