"""The truth probe: is what the cache holds what the database says?

It draws a live entry, computes it again from the database and compares. A difference may only be a
change on its way, so it is not yet a fault: the entry is looked at again 1, 10 and 60 s after the
difference was first seen. It is *stale* at that age if the cache still holds the very same value,
would serve it, and it still differs from what the database says then. Every entry that is drawn
counts as checked once for each age, most of them at once, because they are true.

The same value is one of the same fill, whose jittered end is its own. Its `as_of` is not enough: a
page that was filled again may have rows in it that are as old as those in the one before.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import prometheus_client as prometheus
import redis
from django.db import DatabaseError, close_old_connections

from listings.cache import totals
from listings.cache.entries import Layer
from listings.cache.sampling import Sample, sample, stored_now
from listings.cache.store import Store
from listings.cache.trust import trust
from listings.recomputation import fresh
from listings.site import PAGES

logger = logging.getLogger(__name__)

AGES = (1, 10, 60)  # seconds
AFTER_FAILURE_SECONDS = 1.0


class Counts:
    """What the probe has found."""

    def __init__(self) -> None:
        self.checks = prometheus.Counter(
            "listings_truth_checks_total",
            "Entries that were compared with the database, for each age.",
            ("age",),
            registry=None,
        )
        self.stale = prometheus.Counter(
            "listings_truth_stale_total",
            "Entries that still differed so many seconds after that was first seen.",
            ("age",),
            registry=None,
        )
        self.failures = prometheus.Counter(
            "listings_truth_failures_total",
            "Comparisons that could not be made.",
            registry=None,
        )
        self.last_success = prometheus.Gauge(
            "listings_truth_last_success_timestamp_seconds",
            "When a comparison was last made, or there was nothing to compare.",
            registry=None,
        )
        for age in AGES:
            self.checks.labels(str(age))
            self.stale.labels(str(age))


@dataclass(frozen=True, slots=True)
class Difference:
    """An entry that differed from the database, and when that was first seen."""

    drawn: Sample
    seen_at: float


class TruthProbe:
    """Draws entries at a steady rate, and looks again at those that differed. Not for threads."""

    def __init__(
        self,
        cache: Store,
        counts: Counts,
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._cache = cache
        self._counts = counts
        self._pause_seconds = 1 / per_second
        self._next = clock()
        # (when to look again, so that equal ones are not compared, which, at which of the ages)
        self._waiting: list[tuple[float, int, Difference, int]] = []
        self._number = itertools.count()

    def run(self, stopping: threading.Event) -> None:
        """Until `stopping` is set. Whoever is away is asked again every second."""
        while not stopping.wait(max(0.0, self.due_at() - self._clock())):
            try:
                compared = self.step()
            except (redis.RedisError, DatabaseError) as error:
                logger.warning("cannot compare, trying again in 1 s: %r", error)
            except Exception:  # whatever it is, other entries are to be compared all the same
                logger.exception("cannot compare")
            else:
                if compared:
                    self._counts.last_success.set_to_current_time()
                continue
            self._counts.failures.inc()
            close_old_connections()
            stopping.wait(AFTER_FAILURE_SECONDS)

    def due_at(self) -> float:
        """When there is something to do, by its clock."""
        return min(self._next, self._waiting[0][0]) if self._waiting else self._next

    def step(self) -> bool:
        """Look again at one entry whose time has come, or else draw one.

        False: none was found, although there are some. A probe of another release than the web
        processes finds none for ever.

        Raises:
            redis.RedisError, DatabaseError: the cache or the database does not answer.
        """
        now = self._clock()
        if self._waiting and self._waiting[0][0] <= now:
            waiting = heapq.heappop(self._waiting)
            _, _, difference, place = waiting
            try:
                still = self._still_differs(difference.drawn)
            except (redis.RedisError, DatabaseError):
                heapq.heappush(self._waiting, waiting)  # what cannot be compared now is later
                raise
            self._judge(difference, place, still)
        elif self._next <= now:
            self._next = now + self._pause_seconds
            return self._draw()
        return True

    def _draw(self) -> bool:
        drawn = sample(self._cache)
        if drawn is None:
            return not any(total.entries for total in totals.read(self._cache).values())
        if _is_true(drawn):
            self._count_true(0)
        else:
            self._look_again(Difference(drawn, self._clock()), 0)
        return True

    def _judge(self, difference: Difference, place: int, still: bool) -> None:
        if not still:
            self._count_true(place)
            return
        drawn, age = difference.drawn, AGES[place]
        self._counts.checks.labels(str(age)).inc()
        self._counts.stale.labels(str(age)).inc()
        logger.error(
            "stale for %d s: %s (%s %r of the %s layer in %s, as of %d µs)",
            age,
            _address(drawn),
            drawn.name,
            drawn.arguments,
            drawn.layer.value,
            drawn.partition,
            drawn.stored.header.as_of,
        )
        if place + 1 < len(AGES):
            self._look_again(difference, place + 1)

    def _look_again(self, difference: Difference, place: int) -> None:
        due_at = difference.seen_at + AGES[place]
        heapq.heappush(self._waiting, (due_at, next(self._number), difference, place))

    def _still_differs(self, drawn: Sample) -> bool:
        # What was filled since was read from the database since, however it differs now. What is
        # distrusted nobody is given.
        if stored_now(self._cache, drawn) != drawn.stored or not _is_served(drawn):
            return False
        return not _is_true(drawn)

    def _count_true(self, place: int) -> None:
        """For this age and all later ones: what is true now has nothing left to be found."""
        for age in AGES[place:]:
            self._counts.checks.labels(str(age)).inc()


def _is_served(drawn: Sample) -> bool:
    return drawn.stored.header.as_of >= trust.not_before()


def _address(drawn: Sample) -> str:
    return PAGES[drawn.name].url(drawn.arguments) if drawn.layer is Layer.PAGE else "rows"


def _is_true(drawn: Sample) -> bool:
    content, stored = fresh(drawn.layer, drawn.name, drawn.arguments), drawn.stored
    return (stored.header.status, stored.body) == (content.status, content.body)
