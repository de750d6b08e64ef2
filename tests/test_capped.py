"""Whether a search still finds more than can be counted: remembered, and never wrongly."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from invalidation_worker import capped
from invalidation_worker.capped import CappedCounts
from listings.models import Property
from tests.conftest import apply_all

SEARCH = "city=kent"


@pytest.fixture
def counts(platform, monkeypatch):
    """Knows nothing yet; five are as many as can be counted, and counts go up to 15."""
    monkeypatch.setattr(capped, "COUNT_CAP", 5)
    monkeypatch.setattr(capped, "COUNT_TO", 15)
    return CappedCounts()


def add(*numbers: int) -> None:
    Property.objects.bulk_create(
        Property(listing_key=f"A-{number}", city="Kent", list_price=1) for number in numbers
    )


def take(*numbers: int) -> None:
    Property.objects.filter(pk__in=[f"A-{number}" for number in numbers]).delete()


def holds(counts: CappedCounts) -> bool:
    """As a batch asks, in a transaction of its own."""
    with transaction.atomic():
        # A batch has taken events out of the log, and so has a transaction id.
        connection.cursor().execute("SELECT pg_current_xact_id()")
        return counts.holds(SEARCH, counts.issued())


def test_count_is_not_asked_again_before_enough_could_have_gone(counts, monkeypatch):
    add(*range(12))
    holds(counts)
    holds(counts)  # what is settled is known from the third batch on
    assert holds(counts)
    asked = []
    count_now = capped.queries.count_now

    def noted(*arguments):
        asked.append(arguments)
        return count_now(*arguments)

    monkeypatch.setattr(capped.queries, "count_now", noted)
    for number in range(6):
        assert holds(counts)
        take(number)
    assert holds(counts)  # 6 are left
    assert not asked
    take(6)
    assert not holds(counts)
    assert len(asked) == 1


def test_count_of_a_narrower_search_answers_for_a_wider_one(counts, monkeypatch):
    add(*range(12))
    for _ in range(3):
        assert holds(counts)
    monkeypatch.setattr(capped.queries, "count_now", None)  # is not asked
    assert counts.holds("", counts.issued())


@pytest.mark.parametrize("batches", [0, 1, 2, 3])
def test_changes_that_were_under_way_while_it_was_counted_are_not_forgotten(counts, batches):
    add(*range(8))
    for _ in range(batches):
        holds(counts)
    taken, may_commit = threading.Event(), threading.Event()

    def take_slowly() -> None:
        with transaction.atomic():
            take(0, 1, 2)
            taken.set()
            assert may_commit.wait(20)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(take_slowly)
        taken.wait(20)
        for _ in range(3):
            assert holds(counts)
        may_commit.set()
        taking.result()
    assert not holds(counts)


def test_change_of_a_whole_table_makes_it_ask(counts):
    add(*range(12))
    for _ in range(3):
        assert holds(counts)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE listings_property CASCADE")
    add(*range(5))
    apply_all()
    assert not holds(counts)


def test_sequence_that_begins_anew_makes_it_ask(counts):
    add(*range(12))
    for _ in range(3):
        assert holds(counts)
    take(*range(8))
    connection.cursor().execute(
        "ALTER SEQUENCE invalidation_worker_changeevent_id_seq RESTART WITH 1"
    )
    assert not holds(counts)
