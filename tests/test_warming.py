"""Warming: what is filled again, in which order, how often, and for whom it makes way."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from invalidation_worker import pace, tasks, wishes
from invalidation_worker.apply import apply_batch
from invalidation_worker.pace import Pace
from invalidation_worker.warmer import Warmer
from invalidation_worker.wishes import Wish, Wishes
from listings import popularity
from listings.cache import trust as trust_module
from listings.cache.breaker import breaker
from listings.cache.entries import Descriptor, Entry, Layer, release
from listings.cache.store import Lease, store
from listings.models import PagePopularity, Property
from listings.pages import PAGES
from tests.conftest import apply_all, page_entry, stored_page
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("platform")

KENT, RENTON = ("property_list", "city=kent"), ("property_list", "city=renton")
A_1, A_2 = ("property_detail", "A-1"), ("property_detail", "A-2")


@pytest.fixture(autouse=True)
def inventory(platform, monkeypatch):
    # No relay runs, and on a busy machine a test may take longer than distrusted entries live.
    monkeypatch.setattr(trust_module, "OLDEST_SECONDS", 3600.0)
    popularity._noted.clear()
    popularity._reads.clear()
    for key, city in (("A-1", "Kent"), ("A-2", "Renton")):
        Property.objects.create(listing_key=key, list_price=1, city=city)
    apply_all()


@pytest.fixture
def warmer():
    warmer = Warmer()
    yield warmer
    warmer.stop()


def want(*pages: popularity.PageKey) -> None:
    """Visitors want these, each one half as much as the one before."""
    for rank, (name, arguments) in enumerate(pages):
        until = timezone.now() + timedelta(hours=20 - rank)
        PagePopularity.objects.update_or_create(
            name=name, arguments=arguments, defaults={"wanted_until": until}
        )


def dropped(*pages: popularity.PageKey) -> list[Descriptor]:
    return [Descriptor(release(), *page) for page in pages]


def drop(page: popularity.PageKey) -> None:
    one = page_entry(page)
    store("pipeline").invalidate({one.partition: [one.digest]}, Layer.PAGE)


def filled_at(page: popularity.PageKey) -> int:
    """When, or when the oldest of its rows were read, in µs of the cache server's clock."""
    found = eventually(lambda: stored_page(page))
    assert found
    return found.header.as_of


# ---- what is warmed, in which order ----


def test_dropped_pages_are_filled_the_most_wanted_first(warmer):
    pages = [KENT, A_1, RENTON, A_2, ("property_list", "postal_code=98032")]
    want(*reversed(pages))
    warmer.add(dropped(*pages))
    for page in pages:
        filled_at(page)
    assert sorted(pages, key=filled_at) == list(reversed(pages))


def test_only_what_visitors_want_is_filled(warmer):
    want(KENT, A_1)
    PagePopularity.objects.filter(name=A_1[0]).update(
        wanted_until=timezone.now() - timedelta(seconds=1)
    )
    warmer.add(dropped(A_1, A_2, RENTON))
    warmer.add(dropped(KENT))
    filled_at(KENT)
    assert [page for page in (A_1, A_2, RENTON) if stored_page(page)] == []


def test_page_that_was_read_once_is_left_to_its_next_visitor(warmer):
    for page in (RENTON, KENT, KENT):
        popularity.note(*page)
    popularity.flush()
    warmer.add(dropped(RENTON, KENT))
    filled_at(KENT)
    assert stored_page(RENTON) is None


def test_pages_of_another_release_are_left_alone(warmer):
    want(RENTON, KENT)
    warmer.add([Descriptor("another", *RENTON), *dropped(KENT)])
    filled_at(KENT)
    assert stored_page(RENTON) is None


def test_popularity_of_a_message_is_one_query_and_of_an_empty_one_none(
    warmer, django_assert_num_queries
):
    with django_assert_num_queries(1):
        warmer.add(dropped(KENT, RENTON, A_1, A_2))
    with django_assert_num_queries(0):
        warmer.add([])


def test_page_that_cannot_be_filled_does_not_stop_the_others(warmer, caplog):
    broken = ("property_list", "page=none")
    want(broken, KENT)
    warmer.add(dropped(broken, KENT))
    filled_at(KENT)
    assert "cannot warm property_list page=none" in caplog.text


def test_change_is_applied_and_its_wanted_pages_are_filled_with_it(monkeypatch, warmer):
    monkeypatch.setattr(tasks, "warmer", warmer)
    for page in (KENT, A_1, RENTON):
        PAGES[page[0]].warm(page[1])
    want(A_1, RENTON)
    before = stored_page(RENTON)
    Property.objects.filter(pk="A-1").update(list_price=654_321)
    tasks.warm([(d.release, d.name, d.arguments) for d in apply_batch().pages])
    filled_at(A_1)
    assert stored_page(KENT) is None  # dropped, and not wanted
    assert stored_page(RENTON) == before


# ---- making way ----


def test_page_that_somebody_else_is_filling_is_skipped(warmer):
    want(KENT, A_1)
    lease = store().lease(page_entry(KENT))
    assert isinstance(lease, Lease)
    warmer.add(dropped(KENT, A_1))
    filled_at(A_1)
    assert stored_page(KENT) is None
    assert store().client.llen(f"l:{{ckent}}:{page_entry(KENT).digest}") == 1  # still the other's


def test_nothing_waits_for_a_cache_that_is_away(warmer, cache_server):
    want(KENT, RENTON, A_1, A_2)
    cache_server.stop()
    warmer.add(dropped(KENT, RENTON, A_1, A_2))
    eventually(lambda: breaker.is_open and warmer._wishes.due_in(0) is None)


def test_page_whose_rows_somebody_else_is_reading_is_skipped_and_its_lease_given_back(warmer):
    want(A_1, A_2)
    rows = Entry(Layer.QUERYSET, "pA-1", "detail", "A-1")
    assert isinstance(store().lease(rows), Lease)
    warmer.add(dropped(A_1, A_2))
    filled_at(A_2)
    assert stored_page(A_1) is None
    assert isinstance(store().lease(page_entry(A_1)), Lease)


def test_page_that_a_visitor_has_filled_is_left_as_it_is(warmer, client):
    want(KENT, A_1)
    client.get("/listings/?city=Kent")
    before = stored_page(KENT)
    warmer.add(dropped(KENT, A_1))
    filled_at(A_1)
    assert stored_page(KENT) == before


def test_stopping_ends_the_fill_under_way_first(warmer):
    want(KENT)
    with table_locked():
        warmer.add(dropped(KENT))
        eventually(somebody_waits_for_a_lock)
        with ThreadPoolExecutor(1) as pool:
            stopped = pool.submit(warmer.stop)
            eventually(lambda: warmer._stopping)
            connection.rollback()
            stopped.result()
    assert stored_page(KENT)


def test_only_its_own_thread_gets_a_lower_priority(warmer):
    want(KENT)
    before = os.getpriority(os.PRIO_PROCESS, 0)
    warmer.add(dropped(KENT))
    filled_at(KENT)
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
    assert os.getpriority(os.PRIO_PROCESS, warmer._thread.native_id) == before + pace.NICENESS


# ---- how often ----


def test_page_is_filled_at_most_once_in_250_ms_across_messages(warmer):
    want(KENT)
    started = time.monotonic()
    for _ in range(3):
        warmer.add(dropped(KENT))
        filled_at(KENT)
        drop(KENT)
    assert time.monotonic() - started >= 2 * 0.25


def test_page_whose_fill_was_overtaken_by_an_invalidation_is_filled_once_more(warmer):
    want(KENT)
    with table_locked():
        warmer.add(dropped(KENT))
        eventually(somebody_waits_for_a_lock)
        drop(KENT)
    assert filled_at(KENT)


UNTIL = datetime(2026, 1, 1, tzinfo=UTC)


def wish(page: popularity.PageKey, hours: float = 0, expires: float = 15.0) -> Wish:
    return Wish(page, UNTIL + timedelta(hours=hours), expires)


def taken(waiting: Wishes, now: float) -> popularity.PageKey | None:
    one = waiting.take(now)
    return one.page if one else None


def test_wish_is_taken_once_however_often_it_came():
    waiting = Wishes()
    for hours in range(3):
        waiting.add([wish(KENT, hours)])
    assert waiting.take(0.0) == wish(KENT, 2)
    assert waiting.take(0.0) is None
    assert waiting.due_in(0.0) is None


def test_page_taken_a_moment_ago_waits_while_others_are_taken():
    waiting = Wishes()
    waiting.add([wish(KENT, 9)])
    waiting.take(10.0)
    waiting.add([wish(KENT, 9, expires=25), wish(A_1, expires=25)])
    assert waiting.due_in(10.1) == 0.0
    assert taken(waiting, 10.1) == A_1
    assert waiting.take(10.1) is None
    assert waiting.due_in(10.1) == pytest.approx(0.15)
    assert waiting.take(10.24) is None
    assert taken(waiting, 10.25) == KENT


def test_page_that_nobody_has_read_since_it_was_filled_is_left_to_its_next_visitor():
    waiting = Wishes()

    def is_filled(now: float, hours: float) -> bool:
        waiting.add([wish(KENT, hours, expires=now + 15)])
        return taken(waiting, now) == KENT

    assert is_filled(0, 5)
    assert is_filled(4.0, 5)  # the reads of the last seconds may not have been told yet
    assert not is_filled(4.3, 5)
    assert waiting.due_in(4.3) is None
    assert not is_filled(600, 5)
    assert is_filled(601, 5.01)  # somebody has
    assert is_filled(605, 5.01)
    assert not is_filled(605.5, 5.01)


def test_wish_that_has_waited_too_long_is_left_to_visitors():
    waiting = Wishes()
    waiting.add([wish(KENT, 9), wish(A_1, expires=20)])
    assert taken(waiting, 15.0) == A_1
    assert waiting.take(15.0) is None


def test_of_too_many_wishes_the_most_wanted_stay(monkeypatch):
    monkeypatch.setattr(wishes, "MOST_WAITING", 3)
    waiting = Wishes()
    waiting.add(wish(("property_detail", str(hours)), hours) for hours in (1, 5, 3))
    waiting.add(wish(("property_detail", str(hours)), hours) for hours in (4, 2))
    hours = [page[1] for page in iter(lambda: taken(waiting, 0.0), None)]
    assert hours == ["5", "4", "3"]


# ---- how much of the machine ----


def test_work_that_had_to_wait_for_a_processor_is_followed_by_a_rest_as_long():
    hog = [sys.executable, "-c", "while True: pass"]
    hogs = [subprocess.Popen(hog) for _ in range(3 * (os.cpu_count() or 1))]
    try:
        eventually(lambda: rest_after(burn) > 0)
    finally:
        for process in hogs:
            process.kill()
            process.wait()


def test_work_that_wants_no_processor_is_followed_by_none():
    eventually(lambda: rest_after(lambda: time.sleep(0.2)) == 0)


def test_where_the_kernel_does_not_tell_every_work_is_followed_by_a_rest(monkeypatch, tmp_path):
    monkeypatch.setattr(pace, "_SCHEDSTAT", tmp_path / "absent")
    assert rest_after(lambda: time.sleep(0.01)) >= 0.01
    (tmp_path / "off").write_text("0 0 0\n")
    monkeypatch.setattr(pace, "_SCHEDSTAT", tmp_path / "off")
    assert rest_after(lambda: time.sleep(0.01)) >= 0.01


def burn() -> None:
    end = time.thread_time() + 0.05
    while time.thread_time() < end:
        math.sqrt(2)


def rest_after(work) -> float:
    measured = Pace()
    started = time.monotonic()
    work()
    took = time.monotonic() - started
    rest = measured.rest_seconds()
    assert rest == 0 or rest >= min(took, 1.0)
    return rest


# ---- helpers ----


@contextmanager
def table_locked():
    """Nobody can read listings inside, nor until the transaction has ended."""
    connection.set_autocommit(False)
    try:
        connection.cursor().execute("LOCK listings_property IN ACCESS EXCLUSIVE MODE")
        yield
    finally:
        connection.rollback()
        connection.set_autocommit(True)


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0
