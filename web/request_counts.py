"""Requests that this process has answered, counted as plain numbers.

Near hits take some microseconds, so each keeps with its page what it adds one to, and one in 64 of
them is timed, for all that came since the one before. All others are counted and timed, those that
Django answers by a middleware.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Final, NamedTuple

from django.http import HttpRequest, HttpResponse

from listings.cache.counters import Outcome
from listings.cache.plain_numbers import Count, Histogram, Observed
from web import view_names

# Seconds. A near hit takes tens of microseconds, a page that is filled up to tens of milliseconds;
# 100 ms are the objective, and nobody waits for a place for more than 2 s.
BOUNDS = (
    0.0001,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    5,
)
TIMED = 64  # near hits for one that is timed: a power of two

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
OTHER = "other"  # whatever else a client may think of
# What the cache did: `near` and the outcomes that a Cache-Status can tell.
NEAR, HIT, STALE, MISS, BYPASS, ERROR = "near", "hit", "stale", "miss", "bypass", "error"
NONE = "none"  # it was not asked
TOLD = {  # of a page that was not near
    Outcome.HIT: HIT,
    Outcome.STALE: STALE,
    Outcome.STORED: MISS,
    Outcome.UNSTORED: MISS,
    Outcome.BYPASS: BYPASS,
    Outcome.ERROR: ERROR,
}
# How long these take is told with others: a scrape says 16 lines of each view and kind.
TIMED_AS = {STALE: HIT, BYPASS: MISS, ERROR: MISS}
# The key of a request's environ under which is when it came, if not just now (`perf_counter`).
STARTED: Final = "listings.started"


class Asked(NamedTuple):
    """The labels of a request."""

    view: str
    method: str
    code: str
    cache: str


class NearHits(Count):
    """Near hits of pages that are alike in all that is told of them."""

    __slots__ = ("asked", "queries")

    def __init__(self, asked: Asked, queries: int) -> None:
        super().__init__()
        self.asked: Final = asked
        self.queries: Final = queries  # that each of them spares the database


class RequestCounts:
    """All requests of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._others: Counter[Asked] = Counter()
        self._near: dict[tuple[Asked, int], NearHits] = {}
        self._seconds: dict[tuple[str, str], Histogram] = {}
        self._timed = 0  # near hits for which others have been timed

    def begin(self, views: Iterable[view_names.View]) -> None:
        """Every view is told from now on, at 0 where nothing has come yet."""
        for view in views:
            outcomes = (NEAR, HIT, STALE, MISS, BYPASS, ERROR) if view.is_cached else ()
            for cache in (*outcomes, NONE):
                self._histogram(view.name, TIMED_AS.get(cache, cache))
            with self._lock:
                for cache in outcomes or (NONE,):
                    self._others[Asked(view.name, "GET", "200", cache)] += 0
                for code in ("500", "503"):
                    self._others[Asked(view.name, "GET", code, NONE)] += 0

    def count(self, asked: Asked, seconds: float) -> None:
        """Note a request that was no near hit."""
        with self._lock:
            self._others[asked] += 1
        self._histogram(asked.view, TIMED_AS.get(asked.cache, asked.cache)).observe(seconds)

    def near_hits(self, view: str, code: int, queries: int) -> tuple[NearHits, ...]:
        """Where near hits of a page are to be counted: GET, HEAD, and those that got 304."""
        return tuple(
            self._near_hits(Asked(view, method, str(status), NEAR), queries)
            for status in (code, 304)
            for method in ("GET", "HEAD")
        )

    def time_near(self, hits: NearHits, seconds: float, so_far: int) -> None:
        """Note how long one near hit took, for all of them since the last that was timed.

        `so_far` is how many near hits there were, of all pages.
        """
        with self._lock:
            weight, self._timed = so_far - self._timed, so_far
        if weight > 0:
            self._histogram(hits.asked.view, NEAR).observe(seconds, weight)

    def requests(self) -> dict[Asked, int]:
        """How often each was asked until now."""
        with self._lock:
            found, near = self._others.copy(), tuple(self._near.values())
        for hits in near:
            found[hits.asked] += hits.number
        return found

    def seconds(self) -> dict[tuple[str, str], Observed]:
        """How long answers took, by view and what the cache did."""
        with self._lock:
            histograms = dict(self._seconds)
        return {labels: histogram.observed() for labels, histogram in histograms.items()}

    def spared(self) -> int:
        """Database queries that near hits have spared."""
        with self._lock:
            return sum(hits.number * hits.queries for hits in self._near.values())

    def _near_hits(self, asked: Asked, queries: int) -> NearHits:
        with self._lock:
            return self._near.setdefault((asked, queries), NearHits(asked, queries))

    def _histogram(self, view: str, cache: str) -> Histogram:
        with self._lock:
            return self._seconds.setdefault((view, cache), Histogram(BOUNDS))


counts = RequestCounts()


def count_requests(get_response: Callable[[HttpRequest], HttpResponse]) -> object:
    """The outermost middleware: counts what Django answers."""

    def counted(request: HttpRequest) -> HttpResponse:
        started = request.META.get(STARTED) or perf_counter()
        response = get_response(request)
        method = request.method if request.method in METHODS else OTHER
        cache = told_by(response.get("Cache-Status", ""))
        view = view_names.name_of(request)
        asked = Asked(view, method or OTHER, str(response.status_code), cache)
        counts.count(asked, perf_counter() - started)
        return response

    return counted


def told_by(cache_status: str) -> str:
    """What the cache did, as this Cache-Status says it (RFC 9211)."""
    if not cache_status.startswith("listings;"):
        return NONE
    if "; hit" in cache_status:
        return STALE if "detail=stale-if-error" in cache_status else HIT
    if "fwd=bypass" in cache_status:
        return BYPASS
    return ERROR if "detail=cache-unreachable" in cache_status else MISS
