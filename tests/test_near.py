"""The near cache on the real server: it never gives what the server has dropped."""

from __future__ import annotations

import itertools
import threading
import time
from contextlib import suppress

import hiredis
import pytest
import redis

from listings.cache import near as near_module
from listings.cache import tracking as tracking_module
from listings.cache.entries import Entry, Header, Layer
from listings.cache.near import OVERHEAD_BYTES, Kept, Near
from listings.cache.store import Lease, Switch, store
from listings.cache.tracking import Tracking
from listings.cache.trust import Trust
from tests.waiting import eventually

PAGE = Entry(Layer.PAGE, "*", "page")
OTHER = Entry(Layer.PAGE, "*", "other")


@pytest.fixture
def cache():
    cache = store("pipeline")
    cache.flush()
    return cache


@pytest.fixture
def trust(cache, monkeypatch):
    """Trust that looks when it is told to, and has seen the horizon move."""
    monkeypatch.setattr(Trust, "_keep_looking", lambda self: None)
    trust = Trust()
    run = cache.horizon().run
    for _ in range(2):
        trust.look()
        cache.horizon(run, not_after=2**60)
    trust.look()
    return trust


@pytest.fixture
def near(trust):
    return Near(1_000_000, trust)


@pytest.fixture
def tracking(near):
    tracking = Tracking(near)
    tracking.open()
    eventually(lambda: pumped(tracking) and near.is_on)
    yield tracking
    tracking.close()


def pumped(tracking: Tracking) -> bool:
    """Everything that the server had said by now is heeded."""
    tracking._ask("PING")
    while tracking._asked_at:
        tracking.pump()
    return True


def fill(entry: Entry, body: bytes = b"x", life_seconds: float = 60) -> None:
    cache = store("pipeline")
    lease = cache.lease(entry)
    assert isinstance(lease, Lease)
    end = lease.granted_at + int(life_seconds * 1e6)
    assert cache.fill(entry, lease, Header(lease.granted_at, end), body)


def invalidate(*entries: Entry) -> None:
    for entry in entries:
        store("pipeline").invalidate({entry.partition: [entry.digest]}, entry.layer)


def get(entry: Entry):
    found = store("pipeline").lease(entry)
    return None if isinstance(found, Lease) else found


def keep(near: Near, ticket, found, address: object = "/") -> bool:
    kept = Kept(address, ("page", ""), found.body, len(found.body))
    return near.keep(ticket, kept, found.header.expires_at)


def kept(near: Near, entry: Entry = PAGE, address: object = "/") -> bool:
    ticket = near.ticket(entry)
    return ticket is not None and keep(near, ticket, get(entry), address)


def test_page_is_near_until_its_value_is_invalidated(near, tracking):
    fill(PAGE, b"old")
    pumped(tracking)
    assert kept(near)
    assert near.find("/", time.monotonic()).response == b"old"
    invalidate(PAGE)
    pumped(tracking)
    assert near.find("/", time.monotonic()) is None
    assert near.size == (0, 0)


ORDERS = [
    order
    for order in sorted(set(itertools.permutations("tgkipi")))
    if order.index("t") < order.index("g") < order.index("k")  # as a reader does it
]


@pytest.mark.parametrize("order", ORDERS, ids="".join)
def test_no_order_of_steps_keeps_an_old_page(near, tracking, order):
    """t: take a ticket, g: get, k: keep; i: invalidate and fill anew, p: the pushes come."""
    versions = itertools.count()
    fill(PAGE, b"%d" % next(versions))
    pumped(tracking)
    ticket = found = None
    applied = b"0"
    for step in order:
        match step:
            case "t":
                ticket = near.ticket(PAGE)
            case "g":
                found = get(PAGE)
            case "k":
                keep(near, ticket, found)
            case "i":
                invalidate(PAGE)
                applied = b"%d" % next(versions)
                fill(PAGE, applied)
            case "p":
                pumped(tracking)
    pumped(tracking)
    hit = near.find("/", time.monotonic())
    assert hit is None or hit.response == applied


def test_flush_empties_it(near, tracking, cache):
    fill(PAGE)
    pumped(tracking)
    ticket, found = near.ticket(OTHER), get(PAGE)
    assert kept(near)
    cache.flush()
    pumped(tracking)
    assert near.find("/", time.monotonic()) is None
    assert not keep(near, ticket, found)


def test_lost_connection_switches_it_off_and_the_next_one_starts_it_empty(near, tracking, cache):
    fill(PAGE)
    pumped(tracking)
    ticket, found = near.ticket(PAGE), get(PAGE)
    assert kept(near)
    cache.client.client_kill_filter(_id=own_connection(cache))
    with pytest.raises((OSError, redis.RedisError)):
        pumped(tracking)
    tracking.close()
    assert near.find("/", time.monotonic()) is None
    assert near.ticket(PAGE) is None
    invalidate(PAGE)  # nobody tells
    keep(near, ticket, found)
    assert near.find("/", time.monotonic()) is None
    again = Tracking(near)
    again.open()
    eventually(lambda: pumped(again) and near.is_on)
    assert near.find("/", time.monotonic()) is None
    assert not keep(near, ticket, found)
    again.close()


def own_connection(cache) -> str:
    found = [one["id"] for one in cache.client.client_list() if one["name"] == "near"]
    assert len(found) == 1
    return found[0]


def test_thread_that_is_stuck_switches_it_off(near, tracking, monkeypatch):
    monkeypatch.setattr(tracking_module, "DEADLINE_SECONDS", 0.2)
    fill(PAGE)
    pumped(tracking)
    assert kept(near)
    asked_at = time.monotonic()
    assert near.find("/", time.monotonic())
    eventually(lambda: near.find("/", time.monotonic()) is None)
    assert time.monotonic() >= asked_at + 0.1
    pumped(tracking)
    assert near.find("/", time.monotonic())


def test_answer_counts_from_when_it_was_asked_for(near, tracking, monkeypatch):
    monkeypatch.setattr(tracking_module, "DEADLINE_SECONDS", 0.1)
    tracking._ask("PING")
    asked_at = time.monotonic()
    eventually(lambda: time.monotonic() > asked_at + 0.15)
    tracking.pump()  # as after a freeze: the answer has been there for long
    assert not near.is_on


def test_what_expires_is_not_given(near, tracking):
    fill(PAGE, life_seconds=0.3)
    pumped(tracking)
    assert kept(near)
    near.extend(time.monotonic() + 60)
    eventually(lambda: near.find("/", time.monotonic()) is None, seconds=2)


def test_it_is_off_while_the_horizon_is_not_trusted(near, tracking, trust):
    fill(PAGE)
    pumped(tracking)
    assert kept(near)
    trust._distrust()
    assert near.find("/", time.monotonic()) is None
    assert near.ticket(PAGE) is None


@pytest.mark.parametrize("switch", Switch)
def test_switch_turns_it_off_and_on_and_outlives_a_flush(near, tracking, trust, cache, switch):
    fill(PAGE)
    pumped(tracking)
    assert kept(near)
    cache.switch(switch, on=False)
    trust.look()
    assert near.find("/", time.monotonic()) is None
    cache.flush()
    trust.look()
    assert not near.is_on
    assert trust.is_off == (switch is Switch.ALL)
    cache.switch(switch, on=True)
    for _ in range(2):
        cache.horizon(cache.horizon().run, not_after=2**60)
        trust.look()
    assert near.is_on
    assert not trust.is_off


def test_least_used_pages_make_room(trust):
    near = Near(3 * OVERHEAD_BYTES + 10, trust)
    near.begin(time.monotonic() + 60)
    for entry, address in ((PAGE, "/a"), (OTHER, "/b")):
        fill(entry)
        assert kept(near, entry, address)
    assert kept(near, PAGE, "/c")
    assert near.find("/a", time.monotonic())
    assert kept(near, PAGE, "/d")
    assert [bool(near.find(address, time.monotonic())) for address in ("/a", "/b", "/c", "/d")] == [
        *(True, False, True, True)
    ]
    assert near.size == (3, 3 * (OVERHEAD_BYTES + 1))


def test_page_is_near_under_eight_addresses_at_the_most(near, tracking):
    fill(PAGE)
    pumped(tracking)
    for number in range(9):
        assert kept(near, PAGE, f"/?{number}")
    assert near.size[0] == near_module.MOST_ADDRESSES
    assert near.find("/?0", time.monotonic()) is None
    invalidate(PAGE)
    pumped(tracking)
    assert near.size == (0, 0)


def test_reads_are_harvested_once_also_of_pages_that_are_gone(near, tracking):
    fill(PAGE)
    pumped(tracking)
    assert kept(near)
    near.find("/", time.monotonic())
    near.find("/", time.monotonic())
    assert near.harvest() == [(("page", ""), 2)]
    assert near.harvest() == []
    near.find("/", time.monotonic())
    invalidate(PAGE)
    pumped(tracking)
    assert near.harvest() == [(("page", ""), 1)]
    assert near.hits == 3


def test_key_that_is_no_text_is_heeded_like_any_other(near, tracking, cache):
    cache.client.set(b"v:\xff", "x", px=60_000)
    assert pumped(tracking)
    assert near.is_on


def test_surprise_does_not_end_the_thread_that_hears_of_changes(near, cache, monkeypatch):
    monkeypatch.setattr(tracking_module, "AGAIN_SECONDS", 0.01)
    opened = Tracking.open
    surprises = iter([hiredis.ProtocolError("what is this?")])

    def open_after_a_surprise(tracking: Tracking) -> None:
        for surprise in surprises:
            raise surprise
        opened(tracking)

    monkeypatch.setattr(Tracking, "open", open_after_a_surprise)
    keeping = threading.Thread(target=left_at_last, args=(near,), daemon=True)
    keeping.start()
    eventually(lambda: near.is_on, seconds=4)

    def leave(tracking: Tracking) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Tracking, "pump", leave)
    keeping.join(10)
    assert not keeping.is_alive()


def left_at_last(near: Near) -> None:
    with suppress(KeyboardInterrupt):
        tracking_module._keep_tracking(near)
