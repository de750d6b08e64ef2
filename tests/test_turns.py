"""Those who make pages take turns: one computes, and who waits for a server lets the others."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest
from django.db import connection

from listings.cache import reading, turns, waiters
from listings.cache.counters import Outcome
from listings.cache.entries import Entry, Layer
from listings.cache.filling import Answer, Content
from listings.cache.reading import read
from listings.cache.turns import taking_turns, waiting
from listings.models import Property
from listings.pages import PAGES
from tests.conftest import apply_all, stored_page
from tests.waiting import eventually


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def patient(monkeypatch):
    """Nobody goes on without a turn."""
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 60.0)


class Turn:
    """A turn that another thread has until it is told to end."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._begun, self._end = Event(), Event()
        self.done: Future[None] = pool.submit(self._take)
        assert self._begun.wait(10)

    def _take(self) -> None:
        with taking_turns():
            self._begun.set()
            assert self._end.wait(30)

    def end(self) -> None:
        self._end.set()
        self.done.result()


@contextmanager
def somebodys_turn(pool: ThreadPoolExecutor):
    turn = Turn(pool)
    try:
        yield turn
    finally:
        turn.end()


def compute() -> str:
    with taking_turns():
        return "computed"


def test_one_computes_at_a_time(pool, patient):
    with somebodys_turn(pool) as turn:
        other = pool.submit(compute)
        assert not turn.done.done()
        with pytest.raises(TimeoutError):
            other.result(0.2)
        turn.end()
        assert other.result(10) == "computed"


def test_who_waits_for_a_server_lets_others_compute(pool, patient):
    with taking_turns():
        with waiting:
            assert pool.submit(compute).result(10) == "computed"
        other = pool.submit(compute)
        with pytest.raises(TimeoutError):
            other.result(0.2)
    assert other.result(10) == "computed"


def test_who_has_waited_for_long_goes_on_without(pool):
    with somebodys_turn(pool):
        assert pool.submit(compute).result(10) == "computed"
        with taking_turns(), waiting:
            pass
    assert pool.submit(compute).result(10) == "computed"


def test_turn_ends_with_an_error_and_one_inside_another_is_the_same(pool, patient):
    with pytest.raises(ZeroDivisionError), taking_turns(), taking_turns(), waiting:
        raise ZeroDivisionError
    assert pool.submit(compute).result(10) == "computed"


def test_who_takes_no_turns_never_waits_for_one(pool, patient):
    with somebodys_turn(pool), waiting:
        pass


def test_who_waits_for_somebody_elses_fill_lets_others_compute(
    platform, pool, patient, monkeypatch
):
    monkeypatch.setattr(reading, "WAIT_SECONDS", 60.0)
    monkeypatch.setattr(reading, "LOOK_AGAIN_SECONDS", (60.0,))
    entry = Entry(Layer.QUERYSET, "*", "rows")
    filling, end = Event(), Event()

    def fill() -> Content:
        filling.set()
        assert end.wait(30)
        return Content(b"rows")

    def wait() -> Answer:
        with taking_turns():
            return read(entry, lambda: Content(b"not asked"))

    filler = pool.submit(read, entry, fill)
    assert filling.wait(10)
    waiter = pool.submit(wait)
    eventually(lambda: waiters._waiters)
    assert pool.submit(compute).result(10) == "computed"
    assert not waiter.done()
    end.set()
    assert filler.result(10).outcome is Outcome.STORED
    assert waiter.result(10).content.body == b"rows"


def test_page_is_made_while_another_waits_for_the_database(platform, pool, patient):
    for key in ("A-1", "A-2"):
        Property.objects.create(listing_key=key, list_price=1, city="Kent")
    apply_all()
    detail = PAGES["property_detail"]
    cities = PAGES["city_list"]
    cities.warm("")  # its rows are kept, so that making it again asks no database

    def make(page, arguments: str) -> str:
        try:
            return page.content(arguments).content_type
        finally:
            connection.close()

    with connection.cursor() as cursor:
        connection.set_autocommit(False)
        try:
            cursor.execute("LOCK listings_property IN ACCESS EXCLUSIVE MODE")
            stuck = pool.submit(make, detail, "A-1")
            eventually(lambda: somebody_waits_for_a_lock(cursor))
            assert pool.submit(make, cities, "").result(10).startswith("text/html")
            assert not stuck.done()
        finally:
            connection.rollback()
            connection.set_autocommit(True)
    assert stuck.result(10).startswith("text/html")
    assert stored_page(("property_detail", "A-1")) is None  # `content` keeps no page


def somebody_waits_for_a_lock(cursor) -> bool:
    cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return cursor.fetchone()[0] > 0
