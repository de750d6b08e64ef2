"""What Prometheus gets to see of broker, change log, horizon and registries."""

from __future__ import annotations

import time

import pytest
import redis
from celery import current_app
from django.conf import settings
from django.db import connection
from kombu import Connection

from invalidation_worker.doorbell import APPLY, Publisher, Ring
from invalidation_worker.horizon import Horizon
from invalidation_worker.models import DeadLetter
from invalidation_worker.relay import TOGETHER, _rest, sweep_all
from listings.cache import totals
from listings.cache.entries import Entry, Layer, value_key
from listings.cache.filling import Content
from listings.cache.reading import read
from listings.cache.store import store
from listings.cache.totals import NOTHING
from listings.models import Property
from tests.conftest import apply_all
from tests.scraping import Series, exporting, get, scrape
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("platform")

READY = 'listings_broker_queue_ready_messages{queue="invalidation"}'
LOOK_UPS = ("hits", "misses")
UNACKNOWLEDGED = "listings_broker_unacknowledged_messages"
PENDING = "listings_change_log_pending_events"
OLDEST = "listings_change_log_oldest_event_timestamp_seconds"


@pytest.fixture
def exporter():
    """The port of an exporter that watches the servers of this run."""
    with exporting({"cache": settings.CACHE_URL}) as port:
        yield port


@pytest.fixture
def broker():
    """A client of the broker, in which nothing waits."""
    with redis.Redis.from_url(settings.BROKER_URL) as client:
        client.flushall()
        yield client
        client.flushall()


def of(found: Series, part: str) -> set[str]:
    """The names that begin so, without labels."""
    names = {name.partition("{")[0] for name in found}
    return {name for name in names if name.startswith(f"listings_{part}")}


def test_messages_are_ready_until_a_worker_takes_them_and_then_unacknowledged(exporter, broker):
    publisher = Publisher()
    for _ in range(3):
        assert publisher.send(APPLY, Ring(), expires=60)
    current_app.send_task(APPLY, (None,), priority=5)
    found = scrape(exporter)
    assert (found[READY], found[UNACKNOWLEDGED]) == (4, 0)
    assert found['listings_broker_queue_ready_messages{queue="warming"}'] == 0

    with Connection(settings.BROKER_URL) as taker, taker.channel() as channel:
        message = channel.basic_get("invalidation")
        found = scrape(exporter)
        assert (found[READY], found[UNACKNOWLEDGED]) == (3, 1)
        message.ack()
        found = scrape(exporter)
        assert (found[READY], found[UNACKNOWLEDGED]) == (3, 0)


def test_change_is_pending_until_it_is_applied(exporter):
    started = time.time()
    Property.objects.create(listing_key="A-1", city="Kent", list_price=1)
    Property.objects.update(list_price=2)
    found = scrape(exporter)
    assert found[PENDING] == 2
    assert started - 1 < found[OLDEST] < time.time() + 1
    apply_all()
    found = scrape(exporter)
    assert found[PENDING] == 0
    assert OLDEST not in found


def test_dead_letters_are_those_that_nobody_has_dropped(exporter):
    assert scrape(exporter)["listings_dead_letters"] == 0
    DeadLetter.objects.create(event_id=1, logged_at="2026-01-01T00:00Z", reason="unreadable")
    assert scrape(exporter)["listings_dead_letters"] == 1


def test_horizon_moves_are_counted_as_the_relay_makes_them(exporter):
    horizon = Horizon(store("pipeline"))
    horizon.beat(None, time.monotonic())
    before = scrape(exporter)["listings_horizon_moves_total"]
    horizon._next = 0.0
    horizon.beat(None, time.monotonic())
    assert scrape(exporter)["listings_horizon_moves_total"] == before + 1


def test_registries_are_told_as_the_last_sweep_has_seen_them(exporter):
    cache = store("pipeline")
    for partition in ("*", "ckent", "pA-1"):
        read(Entry(Layer.PAGE, partition, "page"), lambda: Content(b"body"))
    gone = Entry(Layer.QUERYSET, "*", "rows")
    read(gone, lambda: Content(b"body"))
    assert totals.read(cache) == {Layer.PAGE: NOTHING, Layer.QUERYSET: NOTHING}
    cache.client.delete(f"v:{{*}}:{gone.digest}")
    list(sweep_all())
    found = scrape(exporter)
    fields = [cache.client.hgetall(f"r:{{{where}}}:page") for where in ("*", "ckent", "pA-1")]
    size = sum(len(k) + len(v) for one in fields for k, v in one.items() if k != b"#")
    assert found['listings_registry_entries{layer="page"}'] == 3
    assert found['listings_registry_bytes{layer="page"}'] == size
    assert found['listings_registry_entries{layer="queryset"}'] == 0
    cache.flush()
    assert scrape(exporter)['listings_registry_entries{layer="page"}'] == 0


def test_many_registries_are_all_swept_some_together(exporter):
    cache = store("pipeline")
    many = [Entry(Layer.PAGE, f"p{number}", "page") for number in range(2 * TOGETHER + 3)]
    for entry in many:
        read(entry, lambda: Content(b"body"))
    for gone in many[::2]:
        cache.client.delete(value_key(gone.partition, gone.digest))
    list(sweep_all())
    left = cache.registries([one.partition for one in many], Layer.PAGE)
    assert set(left) == {one.partition for one in many[1::2]}
    assert totals.read(cache)[Layer.PAGE].entries == len(left)


def test_scrape_counts_as_no_look_up(exporter):
    names = [f'listings_cache_server_keyspace_{one}_total{{server="cache"}}' for one in LOOK_UPS]
    first, second = (scrape(exporter) for _ in range(2))
    assert [first[name] for name in names] == [second[name] for name in names]


def test_marks_can_be_read_when_memory_is_full(exporter):
    cache = store("pipeline")
    limit = cache.client.config_get("maxmemory")["maxmemory"]
    cache.client.set("kept", b"x" * 5_000_000)
    cache.client.config_set("maxmemory", 1_000_000)
    try:
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            cache.client.set("more", b"x")
        assert "listings_horizon_moves_total" in scrape(exporter)
        assert 'listings_registry_entries{layer="page"}' in scrape(exporter)
    finally:
        cache.client.config_set("maxmemory", limit)


@pytest.mark.parametrize("outage", ["stop", "freeze"])
def test_broker_away_takes_only_its_own_series_along(exporter, broker_server, outage):
    getattr(broker_server, outage)()
    found = scrape(exporter)
    assert of(found, "broker_") == {"listings_broker_up"}
    assert found["listings_broker_up"] == 0
    assert found['listings_cache_server_up{server="cache"}'] == 1
    assert found["listings_database_up"] == 1
    assert found[PENDING] == 0


@pytest.mark.parametrize("outage", ["stop", "freeze"])
def test_cache_away_takes_only_its_own_series_along(exporter, cache_server, outage):
    getattr(cache_server, outage)()
    found = scrape(exporter)
    assert found['listings_cache_server_up{server="cache"}'] == 0
    assert not of(found, "horizon_") | of(found, "registry_")
    assert found["listings_broker_up"] == 1
    assert found["listings_database_up"] == 1


@pytest.mark.parametrize("outage", ["stop", "freeze"])
def test_database_away_takes_only_its_own_series_along(exporter, database_server, outage):
    connection.close()  # the test's own, which would be found broken afterwards
    getattr(database_server, outage)()
    found = scrape(exporter)
    assert found["listings_database_up"] == 0
    assert not of(found, "change_log_") | of(found, "dead_letters")
    assert found["listings_broker_up"] == 1
    assert "listings_horizon_moves_total" in found
    status, text = get(exporter, "/healthz")
    assert status == 503
    assert text.startswith("no answer from the database: ")


def test_silent_servers_hold_a_scrape_no_longer_than_one_of_them(
    exporter, cache_server, broker_server
):
    scrape(exporter)
    broker_server.freeze()
    alone = seconds_of_a_scrape(exporter)
    cache_server.freeze()  # which two questions are for
    together = seconds_of_a_scrape(exporter)
    assert together < 2 * alone, "they were waited for one after the other"


def seconds_of_a_scrape(port: int) -> float:
    started = time.monotonic()
    eventually(lambda: scrape(port))
    return time.monotonic() - started


@pytest.mark.parametrize(("took", "rest"), [(0.0, 20.0), (1.0, 20.0), (10.0, 2.0), (40.0, 1.0)])
def test_sweeper_rests_more_the_less_there_is_to_sweep_and_is_done_in_time(took, rest):
    assert _rest(took) == rest
    assert took * (1 + rest) <= max(30.0, 2 * took)
