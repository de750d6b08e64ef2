"""Whether a search still finds more than can be counted: remembered, and never wrongly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from django.db import connection, transaction

from invalidation_worker import apply as apply_module
from invalidation_worker import capped, change_log
from invalidation_worker import judge as judge_module
from invalidation_worker.capped import CappedCounts
from invalidation_worker.change_log import Mark
from invalidation_worker.decide import decide
from listings import counting
from listings.cache.dependencies import Count
from listings.models import Property
from listings.search import PropertySearch
from tests.conftest import apply_all

SEARCH = "city=kent"
COUNT = Count(SEARCH, capped=True)


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


def holds(counts: CappedCounts, *asked: Count) -> bool:
    """As a batch asks, in a transaction of its own; of the one search, if no others are given."""
    with transaction.atomic():
        counts.begin(seen())
        return all(counts.holding(asked or [COUNT]).values())


def seen() -> Mark:
    """What a batch sees that claims something now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_current_xact_id()::text::bigint, last_value - (NOT is_called)::int "
            "FROM invalidation_worker_changeevent_id_seq"
        )
        return Mark(*cursor.fetchone())


def apply_as_a_batch(counts: CappedCounts) -> None:
    """Let it see all changes that are in the log, and take them out."""
    with transaction.atomic():
        rows, mark = change_log.claim(1_000)
        counts.begin(mark or seen())
        counts.note(decide([change_log.decoded(row) for row in rows]) or [])


def filled() -> Count:
    """What an entry depends on that was filled just now."""
    number, finished = counting.count_now(PropertySearch.from_canonical(SEARCH))
    return Count(SEARCH, True, number, finished)


@contextmanager
def being_taken(*numbers: int) -> Iterator[None]:
    """Have another transaction take these, which commits at the end."""
    taken, may_commit = threading.Event(), threading.Event()

    def take_slowly() -> None:
        with transaction.atomic():
            take(*numbers)
            taken.set()
            assert may_commit.wait(20)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(take_slowly)
        assert taken.wait(20)
        yield
        may_commit.set()
        taking.result()


def forget_what_was_asked(counts: CappedCounts) -> None:
    counts._bounds.clear()
    counts._narrow.clear()


@pytest.fixture
def asked(monkeypatch) -> list[list[str]]:
    """The searches that the database is asked to count, in the order of the questions."""
    found: list[list[str]] = []
    counts_now = counting.counts_now

    def noted(searches):
        found.append([search.canonical() for search in searches])
        return counts_now(searches)

    monkeypatch.setattr(counting, "counts_now", noted)
    return found


def test_count_is_not_asked_again_before_enough_could_have_gone(counts, asked):
    add(*range(12))
    holds(counts)
    holds(counts)  # what is settled is known from the second batch on
    assert holds(counts)
    asked.clear()
    for number in range(6):
        assert holds(counts)
        take(number)
    assert holds(counts)  # 6 are left
    assert not asked
    take(6)
    assert not holds(counts)
    assert len(asked) == 1


def test_count_of_a_narrower_search_answers_for_a_wider_one(counts, asked):
    add(*range(12))
    for _ in range(3):
        assert holds(counts)
    asked.clear()
    assert holds(counts, Count("", capped=True))
    assert not asked


def test_narrowest_searches_are_asked_first_and_together(counts, asked):
    add(*range(12))
    for _ in range(2):
        assert holds(counts)
    asked.clear()
    counts._bounds.clear()
    texts = ["", "list_price_max=5", "city=kent&list_price_max=5", SEARCH, "list_price_min=1"]
    assert holds(counts, *(Count(text, capped=True) for text in texts))
    assert list(map(sorted, asked)) == [["city=kent&list_price_max=5", "list_price_min=1"]]


def test_count_of_the_fill_is_as_good_as_one_that_was_asked(counts, asked):
    add(*range(12))
    holds(counts, COUNT)
    holds(counts, COUNT)
    count = filled()
    forget_what_was_asked(counts)
    asked.clear()
    take(*range(6))
    assert holds(counts, count)
    assert not asked
    take(6)
    assert not holds(counts, count)
    assert len(asked) == 1


def test_count_of_a_fill_before_the_first_batch_is_asked_again(counts, asked):
    add(*range(12))
    count = filled()
    asked.clear()
    take(*range(6))
    assert holds(counts, count)
    assert asked


def test_fill_does_not_vouch_for_changes_that_were_under_way(counts):
    add(*range(8))
    for _ in range(3):
        holds(counts)
    forget_what_was_asked(counts)
    with being_taken(0, 1, 2):
        for _ in range(3):
            holds(counts, Count("city=renton", capped=True))
        count = filled()
    assert not holds(counts, count)


def test_fill_does_not_vouch_for_changes_that_began_during_a_batch(counts):
    add(*range(8))
    holds(counts)
    with ExitStack() as stack:
        with transaction.atomic():
            connection.cursor().execute("SELECT pg_current_xact_id()")
            stack.enter_context(being_taken(0, 1, 2))
            counts.begin(seen())
        count = filled()
    forget_what_was_asked(counts)
    assert not holds(counts, count)


def test_changes_that_took_nothing_out_cost_no_question(counts, asked):
    add(*range(12))
    for _ in range(2):
        apply_as_a_batch(counts)
    count = filled()
    asked.clear()
    for price in range(2, 8):  # 72 changes
        Property.objects.update(list_price=price)
        apply_as_a_batch(counts)
    take(*range(6))
    apply_as_a_batch(counts)
    assert holds(counts, count)  # 6 are left
    assert not asked
    Property.objects.filter(pk="A-6").update(city="Renton")
    apply_as_a_batch(counts)
    assert not holds(counts, count)
    assert len(asked) == 1


def test_changes_that_others_have_applied_may_have_taken_something_out(counts, asked):
    add(*range(12))
    for _ in range(2):
        apply_as_a_batch(counts)
    count = filled()
    asked.clear()
    Property.objects.update(list_price=2)
    change_log.discard_all()
    assert holds(counts, count)
    assert len(asked) == 1


@pytest.mark.parametrize("batches", [0, 1, 2, 3])
def test_changes_that_were_under_way_while_it_was_counted_are_not_forgotten(counts, batches):
    add(*range(8))
    for _ in range(batches):
        holds(counts)
    with being_taken(0, 1, 2):
        for _ in range(3):
            assert holds(counts)
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
    begin_ids_anew()
    assert not holds(counts)


def test_sequence_that_begins_anew_is_noticed_by_batches_that_ask_nothing(counts, monkeypatch):
    for module in (apply_module, judge_module):
        monkeypatch.setattr(module, "capped_counts", counts)
    begin_ids_anew()
    add(*range(12))
    apply_all()
    assert holds(counts)
    reprice(2)
    apply_all()
    begin_ids_anew()
    reprice(3)  # with the ids of those that came, and what follows with those of the first prices
    apply_all()
    assert holds(counts)
    count = filled()
    forget_what_was_asked(counts)
    take(*range(8))
    apply_all()
    assert not holds(counts, count)


def begin_ids_anew() -> None:
    connection.cursor().execute(
        "ALTER SEQUENCE invalidation_worker_changeevent_id_seq RESTART WITH 1"
    )


def reprice(price: int) -> None:
    Property.objects.update(list_price=price)


def test_first_event_of_a_log_that_never_had_one_is_counted(counts):
    """Listings came with a dump, or before the triggers."""
    add(*range(6))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM invalidation_worker_changeevent")
    begin_ids_anew()
    for _ in range(2):
        apply_as_a_batch(counts)  # rung by a save that has changed nothing that is shown
    count = filled()
    assert count.found == 6
    take(0)
    with transaction.atomic():
        rows, mark = change_log.claim(10)
        counts.begin(mark)
        counts.note(decide([change_log.decoded(row) for row in rows]))
        assert counts.holding([count]) == {SEARCH: False}
