"""How much visitors want a page: what counts, how it fades, and what is kept."""

from __future__ import annotations

import math
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import Error, connection, transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone

from invalidation_worker.models import ChangeEvent
from listings import popularity, views
from listings.models import PagePopularity, Property
from tests.conftest import apply_all

pytestmark = pytest.mark.usefixtures("platform")

HOUR = timedelta(hours=1)
ABOUT = timedelta(minutes=2)  # longer than any of these tests takes, far less than an hour
HOME, LIST, DETAIL = ("home", ""), ("property_list", "city=kent"), ("property_detail", "A-1")
PATHS = {HOME: "/", LIST: "/listings/?city=Kent", DETAIL: "/listings/A-1/"}


@pytest.fixture(autouse=True)
def _nothing_noted():
    popularity._noted.clear()
    popularity._reads.clear()


@pytest.fixture
def inventory(platform):
    Property.objects.create(listing_key="A-1", list_price=1, city="Kent")
    Property.objects.create(listing_key="gone", list_price=1, standard_status="Withdrawn")
    apply_all()


def note(*pages: popularity.PageKey, reads: int = 1) -> None:
    for page in pages:
        for _ in range(reads):
            popularity.note(*page)


def noted() -> dict[popularity.PageKey, int]:
    """The reads that wait for the next flush."""
    popularity._count()
    return popularity._reads


def read(*pages: popularity.PageKey, reads: int = 1) -> None:
    note(*pages, reads=reads)
    popularity.flush()


def pass_by(time: timedelta) -> None:
    """As if so much time went by: every moment that is kept is earlier now."""
    PagePopularity.objects.update(wanted_until=F("wanted_until") - time)


def wanted_for(page: popularity.PageKey) -> timedelta:
    return PagePopularity.objects.get(pk=page).wanted_until - timezone.now()


def rows() -> set[tuple[str, str]]:
    return set(PagePopularity.objects.values_list("name", "arguments"))


# ---- what counts ----


def test_each_read_of_a_visitor_counts_hit_or_miss(client, inventory):
    for path in PATHS.values():
        for _ in range(3):
            assert client.get(path).status_code == 200
    assert noted() == dict.fromkeys(PATHS, 3)


def test_equal_searches_count_as_one_page(client, inventory):
    client.get("/listings/?city=Kent")
    client.get("/listings/?page=1&city=KENT&unknown=1")
    assert noted() == {LIST: 2}


@pytest.mark.parametrize(
    "path", ["/listings/unknown/", "/listings/gone/", "/listings/?page=0", "/nowhere/"]
)
def test_page_that_is_not_there_does_not_count(client, inventory, path):
    assert client.get(path).status_code >= 400
    assert noted() == {}


@pytest.mark.parametrize("query", ["", "?as=visitor"])
def test_staff_do_not_count(inventory, query):
    staff = Client()
    staff.force_login(User.objects.create(username="editor", is_staff=True))
    assert staff.get(f"/{query}").status_code == 200
    assert noted() == {}


def test_warming_does_not_count(inventory):
    views.property_list.warm("city=kent")
    views.property_list.warm("city=kent")
    assert noted() == {}


def test_simultaneous_reads_all_count():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for _ in range(8):
                pool.submit(note, HOME, reads=10_000)
    finally:
        sys.setswitchinterval(interval)
    assert noted() == {HOME: 80_000}


def test_memory_is_bounded_and_known_pages_go_on_counting(monkeypatch):
    monkeypatch.setattr(popularity, "MOST_COUNTED", 2)
    note(HOME, LIST, DETAIL, HOME)
    assert noted() == {HOME: 2, LIST: 1}


def test_search_that_is_too_long_for_an_index_does_not_count():
    note(("property_list", "q=" + "%F0%9F%8F%A1" * 200))
    assert noted() == {}


# ---- flushing ----


def test_any_number_of_pages_is_one_statement(django_assert_num_queries):
    note(*(("property_detail", f"A-{number}") for number in range(500)))
    with django_assert_num_queries(1):
        popularity.flush()
    note(HOME, *(("property_detail", f"A-{number}") for number in range(500)))
    with django_assert_num_queries(1):
        popularity.flush()
    assert len(rows()) == 501
    assert noted() == {}


def test_nothing_noted_is_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        popularity.flush()


def test_reads_wait_for_a_database_that_is_away(database_server):
    note(HOME, reads=2)
    connection.close()
    database_server.stop()
    with pytest.raises(Error):
        popularity.flush()
    note(HOME, LIST)
    database_server.start()
    connection.close()
    popularity.flush()
    assert noted() == {}
    assert wanted_for(HOME) - wanted_for(LIST) == pytest.approx(HOUR * math.log2(3), abs=ABOUT)


def test_reads_that_come_during_a_flush_are_added_by_the_next():
    note(HOME, reads=2)
    connection.ensure_connection()
    with connection.execute_wrapper(reading_meanwhile):
        popularity.flush()
    assert noted() == {HOME: 1, LIST: 1}


def reading_meanwhile(execute, *statement):
    note(HOME, LIST)
    return execute(*statement)


def test_flush_logs_no_change():
    read(HOME, LIST)
    assert not ChangeEvent.objects.exists()


# ---- fading ----


def test_page_read_once_is_wanted_for_an_hour_and_each_doubling_adds_one():
    for reads in (1, 2, 4, 1024):
        page = ("property_detail", str(reads))
        read(page, reads=reads)
        assert wanted_for(page) == pytest.approx(HOUR * (1 + math.log2(reads)), abs=ABOUT)


def test_reads_of_an_hour_ago_count_half():
    read(HOME, reads=4)
    pass_by(HOUR)
    read(HOME, reads=2)
    read(LIST, reads=4)
    assert wanted_for(HOME) == pytest.approx(wanted_for(LIST), abs=ABOUT)


def test_any_history_adds_up_to_the_sum_of_its_faded_reads():
    dice = random.Random(1)
    pages = [("property_detail", str(number)) for number in range(8)]
    scores = dict.fromkeys(pages, 0.0)
    for _ in range(20):
        hours = dice.choice([0, 0.1, 1, 3])
        pass_by(hours * HOUR)
        scores = {page: score / 2**hours for page, score in scores.items()}
        for page in dice.sample(pages, 4):
            reads = dice.randint(1, 40)
            note(page, reads=reads)
            scores[page] += reads
        popularity.flush()
    for page, score in scores.items():
        assert wanted_for(page) == pytest.approx(HOUR * (1 + math.log2(score)), abs=ABOUT)


@pytest.mark.parametrize("years", [-20, 20])
def test_moment_of_a_clock_that_was_wrong_stops_no_flush(years):
    PagePopularity.objects.create(
        name="home", arguments="", wanted_until=timezone.now() + years * timedelta(365)
    )
    read(HOME)
    assert HOUR - ABOUT < wanted_for(HOME) < 62 * HOUR


# ---- who is wanted ----


def test_wanted_pages_are_those_that_visitors_asked_for_in_the_last_hours():
    read(HOME, LIST, ("property_detail", "left out"))
    pass_by(HOUR + ABOUT)
    read(HOME)
    found = popularity.wanted([HOME, LIST, DETAIL])
    assert set(found) == {HOME}


def test_scores_of_a_batch_are_one_query_and_those_of_none_are_none(django_assert_num_queries):
    read(HOME, LIST, DETAIL)
    with django_assert_num_queries(1):
        assert len(popularity.wanted([HOME, LIST, DETAIL] * 100)) == 3
    with django_assert_num_queries(0):
        assert popularity.wanted([]) == {}


def test_most_wanted_comes_first():
    read(LIST, reads=8)
    pass_by(2 * HOUR)
    read(HOME, reads=3)
    read(DETAIL)
    assert popularity.most_wanted(10) == [HOME, LIST, DETAIL]
    assert popularity.most_wanted(2) == [HOME, LIST]
    pass_by(HOUR + ABOUT)
    assert popularity.most_wanted(10) == [HOME, LIST]


# ---- what is kept ----


def test_pages_that_nobody_wants_any_more_are_forgotten():
    read(HOME, LIST)
    read(DETAIL, reads=2)
    pass_by(HOUR + ABOUT)
    assert popularity.forget() == 2
    assert rows() == {DETAIL}


def test_the_least_wanted_go_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(popularity, "MOST_KEPT", 3)
    for number in range(1, 7):
        read(("property_detail", str(number)), reads=number)
    assert popularity.forget() == 3
    assert rows() == {("property_detail", number) for number in "456"}


def test_forgetting_does_not_wait_for_a_page_that_is_being_added_to():
    read(HOME, LIST)
    pass_by(2 * HOUR)
    locked, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            PagePopularity.objects.select_for_update().get(pk=HOME)
            locked.set()
            may_end.wait(30)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        holder = pool.submit(hold)
        locked.wait(30)
        try:
            assert popularity.forget() == 1
        finally:
            may_end.set()
        holder.result()
    assert rows() == {HOME}
