"""What the pipeline counts of its own work, in each process by itself; Prometheus adds up.

The relay applies events too when nobody else does, so it counts what the worker counts, under the
same names. Whatever can be counted is there at 0 from the start.
"""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Collection, Iterable
from datetime import datetime

import prometheus_client as prometheus
from prometheus_client.metrics import MetricWrapperBase

from invalidation_worker.change_log import Row
from invalidation_worker.invalidate import Affected
from listings.cache.dependencies import Count, Facets, Rows, Window
from listings.cache.entries import Layer
from listings.shown import SHOWN

# Seconds. Half of the promised 50 and 150 ms, these themselves, and what an outage may take.
LAGS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60)
APPLIES = (0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 5)  # seconds

TABLES = tuple(shown.table for shown in SHOWN)
OTHER = "other"  # a table or operation that no trigger writes
OPERATIONS = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
KINDS: dict[type, str] = {Rows: "rows", Window: "window", Count: "count", Facets: "facets"}
ANYTHING = "anything"  # nothing more is known of an entry than where it is, or its search
WARMED, SKIPPED, FAILED = "warmed", "skipped", "failed"

_events = prometheus.Counter(
    "listings_events_applied_total",
    "Events of the change log that were applied.",
    ("table", "operation"),
    registry=None,
)
_apply_seconds = prometheus.Histogram(
    "listings_apply_duration_seconds",
    "Time to apply a batch of events, its transaction included.",
    buckets=APPLIES,
    registry=None,
)
_lag = prometheus.Histogram(
    "listings_change_lag_seconds",
    "Time from the write of a change to a stage of it; those of a flush are left out.",
    ("stage",),
    buckets=LAGS,
    registry=None,
)
_entries = prometheus.Counter(
    "listings_entries_invalidated_total",
    "Entries that changes took out of the cache, by the dependency that was affected.",
    ("layer", "dependency"),
    registry=None,
)
retries = prometheus.Counter(
    "listings_apply_retries_total",
    "Batches that were not applied because the cache or the database was away.",
    registry=None,
)
buried = prometheus.Counter(
    "listings_dead_letters_buried_total",
    "Events that could not be decided.",
    registry=None,
)
_pages = prometheus.Counter(
    "listings_pages_warmed_total",
    "Dropped pages that visitors want, by what became of filling them again.",
    ("outcome",),
    registry=None,
)
looks = prometheus.Counter(
    "listings_relay_looks_total", "Looks of the relay at the change log.", registry=None
)
rings = prometheus.Counter(
    "listings_relay_rings_total", "Rings that the broker took from the relay.", registry=None
)
applied_by_relay = prometheus.Counter(
    "listings_relay_applied_events_total",
    "Events that the relay applied because nobody else did.",
    registry=None,
)

_OF_APPLY = (_events, _apply_seconds, _lag, _entries, retries, buried)
_OF: dict[str, tuple[MetricWrapperBase, ...]] = {
    "invalidation-worker": _OF_APPLY,
    "relay": (*_OF_APPLY, looks, rings, applied_by_relay),
    "warming-worker": (_pages, _lag),
}


def of_service(service: str) -> tuple[MetricWrapperBase, ...]:
    """What a process of the pipeline counts, all that is known of it at 0; others count nothing."""
    metrics = _OF.get(service, ())
    if _events in metrics:
        _start(_events, ((table, one) for table in TABLES for one in OPERATIONS))
        _start(_entries, ((one.value, kind) for one in Layer for kind in _kinds()))
        _start(_lag, (("claimed",), ("invalidated",)))
    if _pages in metrics:
        _start(_pages, ((WARMED,), (SKIPPED,), (FAILED,)))
        _start(_lag, (("warmed",),))
    return metrics


def count_batch(
    rows: Collection[Row], affected: Iterable[Affected], claimed_at: float, seconds: float
) -> None:
    """Note a batch that has just been applied. Times are Unix times, by this process' clock."""
    if not rows:
        return
    now = time.time()
    count_events(Tally((row.table, row.operation) for row in rows))
    claimed, invalidated = _lag.labels("claimed"), _lag.labels("invalidated")
    for row in rows:
        logged_at = row.logged_at.timestamp()
        claimed.observe(max(0.0, claimed_at - logged_at))
        invalidated.observe(max(0.0, now - logged_at))
    found = Tally((one.layer, type(one.cause.dependency)) for one in affected)
    for (layer, kind), number in found.items():
        _entries.labels(layer.value, KINDS.get(kind, ANYTHING)).inc(number)
    _apply_seconds.observe(seconds)


def count_events(numbers: Tally[tuple[str, str]]) -> None:
    """Note so many applied events of each table and operation."""
    for (table, operation), number in numbers.items():
        known = table in TABLES and operation in OPERATIONS
        _events.labels(*((table, operation) if known else (OTHER, OTHER))).inc(number)


def count_page(ending: str, number: int = 1) -> None:
    """Note what became of pages that were to be filled again."""
    _pages.labels(ending).inc(number)


def count_warm(logged_at: datetime) -> None:
    """Note that a page has just been filled again, after a change that was logged then."""
    _lag.labels("warmed").observe(max(0.0, time.time() - logged_at.timestamp()))


def _kinds() -> tuple[str, ...]:
    return (*KINDS.values(), ANYTHING)


def _start(metric: MetricWrapperBase, labels: Iterable[tuple[str, ...]]) -> None:
    for values in labels:
        metric.labels(*values)
