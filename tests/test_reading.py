"""`read`: who fills, who waits, what is kept and what is not."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from listings.cache import filling, reading, waiters
from listings.cache.breaker import breaker
from listings.cache.counters import Outcome
from listings.cache.entries import Entry, Layer
from listings.cache.filling import Content, ends_at
from listings.cache.reading import Taken, bypass, read, without_waiting
from listings.cache.store import store
from tests.waiting import eventually

PAGE = Entry(Layer.PAGE, "*", "page")
ROWS = Entry(Layer.QUERYSET, "*", "rows")


@pytest.fixture(autouse=True)
def _empty_cache():
    store("pipeline").flush()
    breaker.succeeded()


def drop(entry: Entry) -> None:
    """What apply does to an entry."""
    store("pipeline").invalidate({entry.partition: [entry.digest]}, entry.layer)


class Loader:
    """Loads a body, counting how often; can be held in the middle of it."""

    def __init__(self, body: bytes = b"body", held: bool = False) -> None:
        self.body, self.calls = body, 0
        self.started, self.may_end = threading.Event(), threading.Event()
        if not held:
            self.may_end.set()

    def __call__(self) -> Content:
        self.calls += 1
        self.started.set()
        assert self.may_end.wait(10)
        return Content(self.body)


def never() -> Content:
    raise AssertionError("nothing had to be loaded")


def test_miss_is_loaded_and_stored_and_then_a_hit():
    assert read(PAGE, Loader()).outcome is Outcome.STORED
    answer = read(PAGE, never)
    assert (answer.outcome, answer.content.body) == (Outcome.HIT, b"body")


def test_empty_body_is_a_hit():
    read(ROWS, Loader(b""))
    assert read(ROWS, never).content == Content(b"")


def test_status_type_and_etag_come_back():
    content = Content(b"gone", 410, "text/html", "abc")
    read(PAGE, lambda: content)
    assert read(PAGE, never).content == content


def test_two_hundred_simultaneous_readers_of_a_cold_entry_load_it_once(monkeypatch):
    # With the worker's patience: 200 threads that connect at once are slow on a busy machine, and
    # the breaker would rightly send them to the database.
    for module in (reading, filling):
        monkeypatch.setattr(module, "store", lambda: store("pipeline"))
    load = Loader(held=True)
    with ThreadPoolExecutor(200) as pool:
        answers = [pool.submit(read, PAGE, load) for _ in range(200)]
        load.started.wait(5)
        load.may_end.set()
        outcomes = [answer.result().outcome for answer in answers]
    assert load.calls == 1
    assert outcomes.count(Outcome.STORED) == 1
    assert outcomes.count(Outcome.HIT) == 199


def test_waiter_in_another_process_finds_the_value_soon(monkeypatch):
    """Nobody wakes it, as if the filler ran elsewhere."""
    monkeypatch.setattr(waiters, "wake", lambda entry: None)
    load = Loader(held=True)
    with ThreadPoolExecutor(2) as pool:
        filler = pool.submit(read, PAGE, load)
        load.started.wait(5)
        waiter = pool.submit(read, PAGE, never)
        eventually(lambda: waiters._waiters)
        load.may_end.set()
        assert filler.result().outcome is Outcome.STORED
        assert waiter.result().outcome is Outcome.HIT
    assert not waiters._waiters


def test_waiter_reads_the_database_without_storing_when_a_fill_takes_too_long(monkeypatch):
    monkeypatch.setattr(reading, "WAIT_SECONDS", 0.2)
    load, own = Loader(held=True), Loader(b"own")
    with ThreadPoolExecutor(1) as pool:
        filler = pool.submit(read, PAGE, load)
        load.started.wait(5)
        answer = read(PAGE, own)
        assert (answer.outcome, answer.content.body) == (Outcome.UNSTORED, b"own")
        load.may_end.set()
        assert filler.result().outcome is Outcome.STORED
    assert read(PAGE, never).content.body == b"body"


def test_who_would_not_wait_is_told_that_the_entry_is_taken():
    load = Loader(held=True)
    with ThreadPoolExecutor(1) as pool:
        filler = pool.submit(read, PAGE, load)
        load.started.wait(5)
        with without_waiting(), pytest.raises(Taken):
            read(PAGE, never)
        load.may_end.set()
        assert filler.result().outcome is Outcome.STORED
    with without_waiting():
        assert read(PAGE, never).outcome is Outcome.HIT


def test_fill_that_would_wait_for_a_part_of_it_gives_its_lease_back():
    load = Loader(held=True)
    with ThreadPoolExecutor(1) as pool:
        filler = pool.submit(read, ROWS, load)
        load.started.wait(5)
        with without_waiting(), pytest.raises(Taken):
            read(PAGE, lambda: Content(read(ROWS, never).content.body))
        load.may_end.set()
        filler.result()
    with without_waiting():
        assert read(PAGE, Loader()).outcome is Outcome.STORED


def test_waiter_takes_over_at_once_when_the_filler_fails():
    first = threading.Event()

    def fail() -> Content:
        first.set()
        eventually(lambda: waiters._waiters)
        raise ZeroDivisionError

    with ThreadPoolExecutor(2) as pool:
        filler = pool.submit(read, PAGE, fail)
        first.wait(5)
        waiter = pool.submit(read, PAGE, Loader())
        with pytest.raises(ZeroDivisionError):
            filler.result()
        assert waiter.result(timeout=1).outcome is Outcome.STORED


def test_fill_that_an_invalidation_overtakes_is_returned_but_not_stored():
    load = Loader(b"old", held=True)
    with ThreadPoolExecutor(1) as pool:
        filler = pool.submit(read, PAGE, load)
        load.started.wait(5)
        drop(PAGE)
        load.may_end.set()
        assert filler.result().outcome is Outcome.UNSTORED
    assert read(PAGE, Loader(b"new")).content.body == b"new"
    assert read(PAGE, never).content.body == b"new"


def test_fill_that_a_flush_overtakes_is_not_stored():
    load = Loader(b"old", held=True)
    with ThreadPoolExecutor(1) as pool:
        filler = pool.submit(read, PAGE, load)
        load.started.wait(5)
        store("pipeline").flush()
        load.may_end.set()
        filler.result()
    assert read(PAGE, Loader(b"new")).content.body == b"new"


def test_reader_after_an_invalidation_does_not_wait_for_the_overtaken_fill():
    load = Loader(b"old", held=True)
    with ThreadPoolExecutor(1) as pool:
        filler = pool.submit(read, PAGE, load)
        load.started.wait(5)
        drop(PAGE)
        assert read(PAGE, Loader(b"new")).outcome is Outcome.STORED
        load.may_end.set()
        assert filler.result().outcome is Outcome.UNSTORED
    assert read(PAGE, never).content.body == b"new"


def test_nested_fill_is_as_old_as_its_oldest_part():
    old = read(ROWS, Loader(b"rows")).as_of
    time.sleep(0.001)  # the server's clock must move on, that is all

    def page() -> Content:
        return Content(read(ROWS, never).content.body)

    stored = read(PAGE, page)
    assert stored.outcome is Outcome.STORED
    assert stored.as_of == old
    assert read(PAGE, never).as_of == old


def test_page_ends_when_a_part_of_it_goes_out_of_date():
    boundary = time.time() + 60

    def rows() -> Content:
        ends_at(boundary + 10)
        ends_at(boundary)
        return Content(b"rows")

    read(ROWS, rows)
    read(PAGE, lambda: Content(read(ROWS, never).content.body))
    for entry in (ROWS, PAGE):
        left = store().client.pttl(f"v:{{*}}:{entry.digest}") / 1000
        assert 55 < left <= 60


def test_entry_registers_itself_before_it_loads_and_stays_registered_while_it_lives():
    def load() -> Content:
        assert ROWS.digest in store().registries(["*"], Layer.QUERYSET)["*"]
        return Content(b"rows")

    read(ROWS, load)
    assert ROWS.digest in store().registries(["*"], Layer.QUERYSET)["*"]


def test_bypass_neither_looks_up_nor_stores():
    read(PAGE, Loader(b"cached"))
    with bypass():
        assert read(PAGE, Loader(b"fresh")).content.body == b"fresh"
        assert read(ROWS, Loader()).outcome is Outcome.BYPASS
    assert read(PAGE, never).content.body == b"cached"
    assert read(ROWS, Loader()).outcome is Outcome.STORED


@pytest.mark.django_db(transaction=True)
def test_read_inside_a_transaction_uses_no_cache_and_leaves_nothing():
    read(PAGE, Loader(b"cached"))
    before = set(store().client.keys("[vlr]:*"))
    with transaction.atomic():
        assert read(PAGE, Loader(b"mine")).outcome is Outcome.BYPASS
        assert read(ROWS, Loader(b"mine")).outcome is Outcome.BYPASS
    assert set(store().client.keys("[vlr]:*")) == before
    assert read(PAGE, never).content.body == b"cached"


@pytest.mark.django_db(transaction=True)
def test_entry_made_of_what_was_read_in_a_transaction_is_not_stored():
    def load() -> Content:
        with transaction.atomic():
            return Content(read(ROWS, Loader(b"may roll back")).content.body)

    assert read(PAGE, load).outcome is Outcome.UNSTORED
    assert read(PAGE, Loader(b"committed")).outcome is Outcome.STORED


@pytest.mark.django_db(transaction=True)
def test_read_without_autocommit_uses_no_cache():
    transaction.set_autocommit(False)
    try:
        assert read(PAGE, Loader()).outcome is Outcome.BYPASS
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)


@pytest.mark.django_db(transaction=True)
def test_hit_needs_no_database_connection():
    read(PAGE, Loader())
    connection.close()
    assert read(PAGE, never).outcome is Outcome.HIT
    assert connection.connection is None


def test_cache_away_is_slower_but_no_error(cache_server):
    read(PAGE, Loader())
    cache_server.stop()
    for _ in range(10):
        answer = read(PAGE, Loader(b"database"))
        assert (answer.outcome, answer.content.body) == (Outcome.ERROR, b"database")


def test_silent_cache_costs_three_short_waits_and_then_nothing(cache_server):
    read(PAGE, Loader())
    cache_server.freeze()
    started = time.monotonic()
    for _ in range(200):
        assert read(PAGE, Loader()).outcome is Outcome.ERROR
    # 3 × 250 ms, and once more each second while it lasts; 200 waits would be 50 s.
    assert time.monotonic() - started < 30


def test_cache_that_comes_back_is_used_again(cache_server):
    cache_server.stop()
    for _ in range(3):
        read(PAGE, Loader())
    assert breaker.is_open
    cache_server.start()
    eventually(lambda: read(PAGE, Loader()).outcome is Outcome.HIT)
    assert not breaker.is_open


def test_cache_lost_during_a_fill_costs_the_entry_only(cache_server):
    def load() -> Content:
        cache_server.stop()
        return Content(b"body")

    answer = read(PAGE, load)
    assert (answer.outcome, answer.content.body) == (Outcome.UNSTORED, b"body")


def test_bytes_that_are_no_value_are_read_past():
    store().client.set(f"v:{{*}}:{PAGE.digest}", b"9" * 16 + b"nonsense")
    assert read(PAGE, Loader()).outcome is Outcome.ERROR
