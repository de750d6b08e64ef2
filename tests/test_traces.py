"""Traces: what each applied event has dropped, and why, can be read afterwards."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection

from invalidation_worker import apply as apply_module
from invalidation_worker import traces
from invalidation_worker.apply import apply_batch
from invalidation_worker.models import ChangeEvent
from listings.cache.dependencies import Count, Facets, Rows, Search, Window
from listings.cache.entries import Entry, Layer
from listings.cache.filling import Content
from listings.cache.reading import read
from listings.cache.store import store
from listings.cache.words import in_words
from listings.models import Agent, Property
from listings.pages import PAGES
from tests.conftest import apply_all, warm

pytestmark = pytest.mark.usefixtures("platform")

SEATTLE, DETAIL = ("property_list", "city=seattle"), ("property_detail", "A-1")


@pytest.fixture
def cache():
    return store("pipeline")


@pytest.fixture
def home():
    Agent.objects.create(member_key="G-1", member_full_name="Agent")
    homes = [
        Property.objects.create(
            listing_key=key, city="Seattle", list_price=Decimal(500_000), list_agent_id="G-1"
        )
        for key in ("A-1", "A-2")
    ]
    apply_all()
    store("pipeline").flush()  # the traces of what only prepares
    return homes[0]


def fill(*pages: tuple[str, str]) -> None:
    for name, arguments in pages:
        PAGES[name].warm(arguments)


def change_price(price: int = 1, key: str = "A-1") -> None:
    Property.objects.filter(pk=key).update(list_price=price)


def the_trace(cache) -> traces.Trace:
    (trace,) = traces.newest_first(cache)
    return trace


def test_event_is_traced_with_each_entry_and_the_dependency_that_it_affected(cache, home):
    fill(SEATTLE, DETAIL)
    change_price()
    event = ChangeEvent.objects.get()
    apply_batch()
    trace = the_trace(cache)
    assert (trace.event, trace.table, trace.operation, trace.transaction_id, trace.logged_at) == (
        event.id,
        "listings_property",
        "UPDATE",
        event.transaction_id,
        event.logged_at,
    )
    assert trace.listings == ("A-1",)
    assert {
        (one.layer, one.partition, one.name, one.arguments, type(one.dependency))
        for one in trace.entries
    } == {
        (Layer.PAGE, "cseattle", *SEATTLE, Window),
        (Layer.PAGE, "pA-1", *DETAIL, Rows),
        (Layer.QUERYSET, "cseattle", "window", "city=seattle", Window),
        (Layer.QUERYSET, "pA-1", "detail", "A-1", Rows),
    }
    assert trace.total == 4
    assert trace.milliseconds > 0
    assert (trace.lag_milliseconds or 0) > 0


def test_each_event_of_a_batch_names_its_own_entries(cache, home):
    fill(DETAIL, ("property_detail", "A-2"))
    change_price(1, "A-1")
    change_price(2, "A-2")
    assert apply_batch().events == 2
    assert [{one.arguments for one in trace.entries} for trace in traces.newest_first(cache)] == [
        {"A-2"},
        {"A-1"},
    ]


def test_event_that_drops_nothing_is_traced_too(cache, home):
    change_price()
    apply_batch()
    assert (the_trace(cache).total, the_trace(cache).entries) == (0, ())


def test_entry_of_unknown_dependencies_is_named_as_affected_by_anything(cache, home):
    read(Entry(Layer.PAGE, "*", "some", "thing"), lambda: Content(b"x"))
    change_price()
    apply_batch()
    (one,) = the_trace(cache).entries
    assert (one.name, one.arguments, one.dependency) == ("some", "thing", None)


def test_renamed_agent_is_traced_at_every_listing_that_names_it(cache, home):
    Agent.objects.update(member_full_name="Renamed")
    apply_batch()
    assert sorted(the_trace(cache).listings) == ["A-1", "A-2"]
    for key in ("A-1", "A-2"):
        assert list(traces.of_listing(cache, key)) == [the_trace(cache)]
    assert list(traces.of_listing(cache, "A-3")) == []
    assert list(traces.of_listing(cache, "A")) == []


@pytest.mark.parametrize("table", ["listings_property", "listings_media"])
def test_flush_takes_older_traces_away_and_leaves_its_own(cache, home, table):
    change_price()
    apply_batch()
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {table} CASCADE")
    apply_all()
    assert {(trace.operation, trace.total) for trace in traces.newest_first(cache)} == {
        ("TRUNCATE", None)
    }


def test_backlog_that_is_flushed_leaves_one_trace(cache, home, monkeypatch):
    monkeypatch.setattr(apply_module, "BATCH", 1)
    monkeypatch.setattr(apply_module, "FLUSH_ABOVE", 0)
    change_price(1)
    change_price(2)
    apply_batch()
    trace = the_trace(cache)
    assert (trace.event, trace.operation, trace.total) == (None, "flush for 2 events", None)


def test_trace_counts_every_entry_and_names_fifty_pages_first(cache, home):
    for number in range(traces.MOST_ENTRIES + 9):
        for layer in Layer:
            read(Entry(layer, "*", "some", str(number)), lambda: Content(b"x"))
    change_price()
    apply_batch()
    trace = the_trace(cache)
    assert trace.total == 2 * (traces.MOST_ENTRIES + 9)
    assert len(trace.entries) == traces.MOST_ENTRIES
    assert {one.layer for one in trace.entries} == {Layer.PAGE}


def test_large_batch_names_of_each_event_what_is_its_own(cache, home, monkeypatch):
    monkeypatch.setattr(traces, "MOST_IN_BATCH", 3)
    fill(SEATTLE, DETAIL, ("property_detail", "A-2"))
    change_price(1, "A-1")
    change_price(2, "A-2")
    apply_batch()
    of_second, of_first = traces.newest_first(cache)
    assert [one.arguments for one in of_first.entries] == ["A-1"]
    assert [one.arguments for one in of_second.entries] == ["A-2"]
    assert (of_first.total, of_second.total) == (4, 2)


def test_listings_named_in_a_trace_are_bounded(cache, home):
    Property.objects.bulk_create(
        Property(listing_key=f"B-{n}", list_price=1, list_agent_id="G-1")
        for n in range(traces.MOST_LISTINGS)
    )
    apply_all()
    cache.flush()
    Agent.objects.update(member_full_name="Renamed")
    apply_batch()
    assert len(the_trace(cache).listings) == traces.MOST_LISTINGS


def test_stream_is_capped(cache, monkeypatch):
    monkeypatch.setattr(traces, "MOST_TRACES", 100)
    for number in range(10):
        traces.write(cache, [traces.of_order(f"{number} {n}", None, 1.0) for n in range(100)])
    # Trimmed by whole nodes of at most 100 records.
    assert 100 <= cache.client.xlen(traces.TRACES) <= 200
    assert next(traces.newest_first(cache)).operation == "9 99"


def test_traces_are_read_newest_first_over_many_steps(cache, monkeypatch):
    monkeypatch.setattr(traces, "STEP", 3)
    traces.write(cache, [traces.of_order(str(n), None, 1.0) for n in range(10)])
    found = [trace.operation for trace in traces.newest_first(cache)]
    assert found == [str(n) for n in reversed(range(10))]


def test_trace_that_cannot_be_read_is_skipped(cache, home):
    cache.client.xadd(traces.TRACES, {b"": b"of another release"})
    change_price()
    apply_batch()
    assert the_trace(cache).listings == ("A-1",)


def test_trace_that_is_refused_is_lost_and_the_event_is_applied(cache, home, caplog):
    caplog.set_level("DEBUG", "invalidation_worker.traces")
    fill(DETAIL)
    cache.client.set(traces.TRACES, "no stream")
    change_price()
    assert len(apply_batch().pages) == 1
    assert not ChangeEvent.objects.exists()
    assert "not added to s:traces" in caplog.text


def test_cache_away_loses_a_trace_without_an_error(cache, cache_server):
    cache_server.stop()
    traces.write(cache, [traces.of_order("lost", None, 1.0)])


def test_writing_traces_leaves_the_servers_hit_ratio_alone(cache, home):
    (page,) = dropped_pages(DETAIL)
    trace = the_trace(cache)
    before = look_ups(cache)
    for _ in range(3):
        traces.write(cache, [trace] * 5)
        traces.write_warm(cache, (page.name, page.arguments))
    assert look_ups(cache) == before


def look_ups(cache) -> tuple[int, int]:
    stats = cache.client.info("stats")
    return stats["keyspace_hits"], stats["keyspace_misses"]


def dropped_pages(*pages: tuple[str, str]):
    fill(*pages)
    change_price()
    return apply_batch().pages


def test_warmed_page_tells_how_long_after_the_trace(cache, home):
    pages = dropped_pages(SEATTLE, DETAIL)
    trace = the_trace(cache)
    cold = traces.Warmth(cache, trace.applied_at)
    assert [cold.after(trace, *page) for page in (SEATTLE, DETAIL)] == [None, None]
    warm(page for page in pages if page.name == "property_detail")
    warmth = traces.Warmth(cache, trace.applied_at)
    assert warmth.after(trace, *SEATTLE) is None
    assert (warmth.after(trace, *DETAIL) or 0) > 0


def test_first_warming_after_the_trace_counts_and_none_before_it(cache, home):
    warm(dropped_pages(DETAIL))
    first = the_trace(cache)
    change_price(2)
    pages = apply_batch().pages
    second = next(traces.newest_first(cache))
    warmth = traces.Warmth(cache, first.applied_at)
    after_first = warmth.after(first, *DETAIL)
    assert warmth.after(second, *DETAIL) is None
    warm(pages)
    warmth = traces.Warmth(cache, first.applied_at)
    assert warmth.after(first, *DETAIL) == after_first
    assert (warmth.after(second, *DETAIL) or 0) > 0
    assert traces.Warmth(cache, second.applied_at).after(second, *DETAIL) is not None


@pytest.mark.parametrize(
    ("dependency", "words"),
    [
        (None, "anything"),
        (Rows(("A-1", "A-2"), "detail"), "the 'detail' columns of A-1, A-2"),
        (Search("city=kent"), "anything in the listings with city=kent"),
        (Count("", capped=False), "the number of all listings"),
        (Facets("", "cities"), "the number of all listings by their 'cities' columns"),
        (
            Count("city=kent", capped=True),
            "the number of the listings with city=kent, which is more than can be counted",
        ),
        (
            Window("", "price", (1, "A-1"), (9, "A-7"), 24, full=True),
            "the rows of all listings by price, behind the first 24: from A-1 to A-7",
        ),
        (
            Window("", "price", (1, "A-1"), (9, "A-7"), 0, full=False),
            "the rows of all listings by price: from A-1 to A-7, the last",
        ),
        (
            Window("", "key", None, None, 0, full=False, after=("A-3",)),
            "the rows of all listings by key, after A-3: none so far",
        ),
    ],
)
def test_dependencies_are_told_in_words(dependency, words):
    assert in_words(dependency) == words
