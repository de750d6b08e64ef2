"""Filling again what was invalidated and is wanted, by the same way as any reader.

The lease does the rest: an invalidation that comes during a fill takes the lease away, so what a
warmer stores is never older than an invalidation has seen.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from celery.signals import worker_shutdown
from django.db import InterfaceError, OperationalError, close_old_connections, connection
from django.utils import timezone

from invalidation_worker import metrics, traces
from invalidation_worker.pace import Pace, yield_to_others
from invalidation_worker.wishes import Wish, Wishes
from listings import popularity
from listings.cache.breaker import breaker
from listings.cache.counters import Outcome
from listings.cache.entries import Descriptor, release
from listings.cache.reading import Taken
from listings.cache.store import store
from listings.site import PAGES

logger = logging.getLogger(__name__)

BATCH = 500  # pages in one message, whose popularity is one query
EXPIRES_SECONDS = 15.0  # a page that is still cold then waits for its next visitor
# A fill that was refused, or a cache that is away, is a failure.
_ENDINGS = {Outcome.STORED: metrics.WARMED, Outcome.HIT: metrics.SKIPPED}
STOP_SECONDS = 5.0  # as long as a lease: then the fill would be refused anyway


class Warmer:
    """Fills dropped pages one at a time, the most wanted first, in a thread of its own.

    So a page that is dropped ten times before its turn is filled once, and one that is wanted
    more overtakes whatever waits. What waits is lost with the process: visitors fill it.
    """

    def __init__(self) -> None:
        self._wishes = Wishes()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def add(self, dropped: Iterable[Descriptor], logged_at: datetime | None = None) -> None:
        """Fill those of these pages that visitors have wanted twice lately, soon. One query.

        `logged_at`: when the change was written for which they were dropped; none: not known.

        Raises:
            django.db.Error: it is not known which are wanted; none will be filled.
        """
        pages = {(d.name, d.arguments) for d in dropped if d.release == release()}
        wanted = popularity.wanted(pages)
        least = timezone.now() + popularity.WORTH_FILLING
        expires = time.monotonic() + EXPIRES_SECONDS
        with self._changed:
            self._wishes.add(
                Wish(page, until, expires, logged_at)
                for page, until in wanted.items()
                if until >= least
            )
            self._changed.notify()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="warmer", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the thread after the page that it fills, so that no lease is left behind."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        yield_to_others()
        try:
            while wish := self._next():
                pace = Pace()
                self._fill(wish)
                time.sleep(pace.rest_seconds())
        finally:
            connection.close()

    def _next(self) -> Wish | None:
        """The next page, once there is one; None: stop."""
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                if wish := self._wishes.take(now):
                    return wish
                self._changed.wait(self._wishes.due_in(now))
        return None

    def _fill(self, wish: Wish) -> None:
        close_old_connections()
        outcome = _warmed(wish)
        logger.debug("warmed %s: %s", wish.page, outcome)
        if outcome is Outcome.STORED and wish.logged_at is not None:
            metrics.count_warm(wish.logged_at)
        if outcome in (Outcome.STORED, Outcome.HIT):
            traces.write_warm(store("pipeline"), wish.page)
        with self._changed:
            if breaker.is_open:
                self._wishes.clear()  # the cache is away: nothing could be kept
            elif outcome in (Outcome.UNSTORED, Outcome.ERROR) and not wish.is_second:
                # Nobody will ask for it: the invalidation that overtook the fill found no value.
                self._wishes.add([replace(wish, is_second=True)])


def _warmed(wish: Wish) -> Outcome | None:
    """How that ended; None: it did not."""
    name, arguments = wish.page
    try:
        outcome = PAGES[name].warm(arguments)
    except Taken:
        metrics.count_page(metrics.SKIPPED)
        return None
    except (OperationalError, InterfaceError) as error:
        logger.warning("cannot warm %s %s: %r", name, arguments, error)
    except Exception:  # whatever it is, the other pages are wanted all the same
        logger.exception("cannot warm %s %s", name, arguments)
    else:
        metrics.count_page(_ENDINGS.get(outcome, metrics.FAILED))
        return outcome
    metrics.count_page(metrics.FAILED)
    return None


warmer = Warmer()


@worker_shutdown.connect
def _stop(**_: object) -> None:
    warmer.stop()
