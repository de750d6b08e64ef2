"""The horizon: trust while changes are applied in time, and what is served without it."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
import redis
from django.db import OperationalError, connection

from invalidation_worker.horizon import LATE_SECONDS, Horizon
from invalidation_worker.relay import Relay
from listings.cache import reading
from listings.cache import trust as trust_module
from listings.cache.breaker import breaker
from listings.cache.counters import Outcome
from listings.cache.entries import Entry, Layer
from listings.cache.filling import Content
from listings.cache.reading import read
from listings.cache.store import HORIZON_KEY, store
from listings.cache.trust import Trust
from listings.models import Property
from tests import servers
from tests.waiting import eventually

PAGE = Entry(Layer.PAGE, "*", "page")
ROWS = Entry(Layer.QUERYSET, "*", "rows")


@pytest.fixture
def cache():
    cache = store("pipeline")
    cache.flush()
    breaker.succeeded()
    return cache


@pytest.fixture
def trust(cache, monkeypatch):
    """Trust that looks when it is told to, and distrusts all that is stored by now."""
    monkeypatch.setattr(trust_module, "OLDEST_SECONDS", -1.0)
    monkeypatch.setattr(Trust, "_keep_looking", lambda self: None)
    trust = Trust()
    monkeypatch.setattr(reading, "trust", trust)
    return trust


def body(text: bytes):
    return lambda: Content(text)


def away() -> Content:
    connection.close()
    raise OperationalError("the database is away")


def move(horizon: Horizon) -> None:
    horizon._next = 0.0
    horizon.beat(None, time.monotonic())


def see_it_move(trust: Trust, horizon: Horizon) -> None:
    for _ in range(2):
        move(horizon)
        trust.look()


def test_process_that_has_not_seen_the_horizon_move_takes_only_what_is_young(trust):
    read(PAGE, body(b"old"))
    assert read(PAGE, body(b"new")).content.body == b"new"


def test_process_that_sees_the_horizon_move_takes_whatever_is_stored(trust, cache):
    see_it_move(trust, Horizon(cache))
    read(PAGE, body(b"stored"))
    assert read(PAGE, body(b"new")).outcome is Outcome.HIT


def test_distrusted_entry_is_served_while_it_is_young_enough(trust, monkeypatch):
    monkeypatch.setattr(trust_module, "OLDEST_SECONDS", 60.0)
    read(PAGE, body(b"young"))
    assert read(PAGE, body(b"new")).outcome is Outcome.HIT


def test_trust_ends_when_the_horizon_stands_still(trust, cache, monkeypatch):
    see_it_move(trust, Horizon(cache))
    assert trust.not_before() == 0
    monkeypatch.setattr(trust_module, "PATIENCE_SECONDS", 0.0)
    trust.look()
    assert trust.not_before() > 0


def test_trust_waits_for_the_horizon_to_move_again_after_the_cache_was_away(trust, cache):
    horizon = Horizon(cache)
    see_it_move(trust, horizon)
    trust._distrust()  # as when a look fails
    trust.look()
    assert trust.not_before() > 0
    move(horizon)
    trust.look()
    assert trust.not_before() == 0


def test_lost_cache_server_is_distrusted_until_its_horizon_moves(trust, cache, cache_server):
    horizon = Horizon(cache)
    see_it_move(trust, horizon)
    cache_server.stop()
    with pytest.raises(redis.RedisError):
        trust.look()
    cache_server.start()
    eventually(cache.client.ping)
    trust.look()
    assert trust.not_before() > 0
    see_it_move(trust, horizon)
    assert trust.not_before() == 0


def test_process_that_was_frozen_does_not_trust_a_horizon_that_moved_meanwhile(
    trust, cache, monkeypatch
):
    horizon = Horizon(cache)
    see_it_move(trust, horizon)
    move(horizon)  # soon after the last look
    thawed = time.monotonic() + 100
    monkeypatch.setattr(trust_module.time, "monotonic", lambda: thawed)
    trust.look()
    assert trust.not_before() > 0


def test_relay_that_was_frozen_comes_too_late_to_move_the_horizon(cache):
    run = cache.horizon().run
    assert cache.horizon(run, not_after=cache.horizon().now - 1).counter == 0
    assert cache.horizon(run, not_after=cache.horizon().now + 60_000_000).counter == 1


def test_those_who_ask_while_the_first_look_fails_do_not_wait_one_after_the_other(
    trust, cache_server
):
    cache_server.freeze()
    for _ in range(2):
        with pytest.raises(redis.RedisError):
            trust.not_before()
    with pytest.raises(redis.ConnectionError, match="a moment ago"):
        trust.not_before()


def test_horizon_that_falls_is_not_trusted(trust, cache):
    horizon = Horizon(cache)
    for _ in range(5):
        see_it_move(trust, horizon)
    cache.flush()
    trust.look()
    assert trust.not_before() > 0


def test_part_is_as_young_as_its_whole_has_to_be_even_when_trust_comes_back(trust, cache):
    horizon = Horizon(cache)
    read(ROWS, body(b"old rows"))

    def page() -> Content:
        see_it_move(trust, horizon)
        assert trust.not_before() == 0
        return Content(read(ROWS, body(b"new rows")).content.body)

    assert read(PAGE, page).content.body == b"new rows"


def test_distrusted_entry_is_served_while_the_database_is_away(trust):
    read(PAGE, body(b"old"))
    answer = read(PAGE, away)
    assert (answer.outcome, answer.content.body) == (Outcome.STALE, b"old")
    assert read(PAGE, body(b"new")).outcome is Outcome.STORED


@pytest.mark.django_db(transaction=True)
def test_distrusted_entry_is_not_served_for_an_error_of_a_database_that_is_there(trust):
    def fail() -> Content:
        connection.ensure_connection()
        raise OperationalError("statement timeout")

    read(PAGE, body(b"old"))
    with pytest.raises(OperationalError):
        read(PAGE, fail)


def test_without_database_and_value_the_error_passes_and_nobody_has_to_wait(trust):
    with pytest.raises(OperationalError):
        read(PAGE, away)
    assert read(PAGE, body(b"new")).outcome is Outcome.STORED


def test_server_that_nobody_has_vouched_for_is_flushed_before_its_horizon_moves(cache):
    horizon = Horizon(cache)
    move(horizon)
    read(PAGE, body(b"vouched for"))
    move(Horizon(cache))  # a relay that has restarted
    assert cache.client.exists(f"v:{{*}}:{PAGE.digest}")
    # Data of another run, as a replica or a snapshot would bring them.
    cache.client.delete(HORIZON_KEY)
    cache.client.hset(HORIZON_KEY, "0" * 40, 57)
    move(Horizon(cache))
    assert not cache.client.exists(f"v:{{*}}:{PAGE.digest}")
    assert cache.horizon().counter == 1


def test_cache_emptied_by_hand_is_not_emptied_again(cache):
    horizon = Horizon(cache)
    move(horizon)
    cache.flush()
    read(PAGE, body(b"filled since"))
    move(horizon)
    assert cache.client.exists(f"v:{{*}}:{PAGE.digest}")
    assert cache.horizon().counter == 1


def test_nobody_moves_the_horizon_of_another_run(cache):
    assert cache.horizon(move_for="0" * 40, not_after=2**60).counter == 0


def test_looking_at_the_horizon_is_no_keyspace_lookup(cache):
    horizon = Horizon(cache)
    cache.client.config_resetstat()
    move(horizon)
    cache.horizon()
    stats = cache.client.info("stats")
    assert (stats["keyspace_hits"], stats["keyspace_misses"]) == (0, 0)


@pytest.mark.parametrize(
    ("oldest", "seen", "moves"),
    [
        (None, 0.0, True),
        (LATE_SECONDS / 2, 0.0, True),
        (LATE_SECONDS + 1, 0.0, False),
        (None, LATE_SECONDS + 1, False),
    ],
    ids=["nothing waits", "young", "late", "frozen since it looked"],
)
def test_horizon_moves_only_while_changes_are_applied_in_time(cache, oldest, seen, moves):
    Horizon(cache).beat(oldest, time.monotonic() - seen)
    assert (cache.horizon().counter > 0) is moves


def test_horizon_moves_at_most_once_a_second(cache):
    horizon = Horizon(cache)
    started = time.monotonic()
    for _ in range(50):
        horizon.beat(None, time.monotonic())
    assert cache.horizon().counter <= 1 + (time.monotonic() - started)


def test_relay_moves_the_horizon(platform):
    Relay(threading.Event()).look()
    assert store("pipeline").horizon().counter == 1


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_change_shows_within_seconds_with_worker_relay_and_broker_dead(
    services, platform, broker_server, number
):
    Property.objects.create(listing_key="A-1", city="Kent", list_price=500_000)
    services.start("web", "invalidation-worker", "relay")
    path = "/listings/A-1/"
    eventually(lambda: services.get(path).cache.startswith("listings; hit"))
    trusted = time.monotonic() + trust_module.PATIENCE_SECONDS
    eventually(
        lambda: time.monotonic() > trusted and services.get(path).cache.startswith("listings; hit")
    )
    ended = [services.processes.pop(name) for name in ("relay", "invalidation-worker")]
    for process in ended:
        os.killpg(process.pid, number)
    broker_server.stop()
    connection.cursor().execute("UPDATE listings_property SET list_price = 654321")
    try:
        eventually(lambda: "$654,321" in services.get(path).text, 30)
    finally:
        for process in ended:
            servers.guardian.end(process)


@pytest.mark.timeout(120)
def test_stored_pages_outlive_the_database(services, platform, database_server):
    Property.objects.create(listing_key="A-1", city="Kent", list_price=500_000)
    services.start("web", "relay")
    eventually(lambda: store("pipeline").horizon().counter)  # it empties the cache before
    path = "/listings/A-1/"
    eventually(lambda: services.get(path).cache.startswith("listings; hit"))
    connection.close()
    database_server.stop()
    try:
        stale = "listings; hit; detail=stale-if-error"
        eventually(lambda: services.get(path).cache == stale, 40)
        assert services.get("/listings/never-cached/").status == 503
    finally:
        database_server.start()
    fresh = ("listings; hit", "listings; hit; detail=near")
    eventually(lambda: services.get(path).cache in fresh)
