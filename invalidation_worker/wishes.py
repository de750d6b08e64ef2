"""Dropped pages that visitors want: which is to be filled next."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from invalidation_worker import metrics
from listings.popularity import FLUSH_SECONDS, PageKey

PAUSE_SECONDS = 0.25  # between two fills of one page: a storm of writes warms it 4 times a second
MOST_WAITING = 2_000  # more than can be filled before they expire
# A page is filled again for those who may read it. Once that nobody has done so since it was filled
# is sure, it waits for its next visitor, however often it is dropped. A read is told within 2 s.
SURE_SECONDS = 2 * FLUSH_SECONDS
MOST_REMEMBERED = 20_000  # filled pages


@dataclass(frozen=True, slots=True)
class Wish:
    """A page that is to be filled. Times are seconds of our monotonic clock."""

    page: PageKey
    until: datetime  # when visitors will no longer want it: the later, the more wanted
    expires: float  # who still finds it cold then fills it for himself
    logged_at: datetime | None = None  # when the change was written that dropped it
    is_second: bool = False  # the first fill was not kept: an invalidation overtook it


class Wishes:
    """Pages that wait to be filled, each of them once. Not safe to share between threads."""

    def __init__(self) -> None:
        self._waiting: dict[PageKey, Wish] = {}
        self._taken: dict[PageKey, float] = {}  # when, in the last 250 ms
        # How much a page was wanted when it was last taken (each read adds to that), and when that
        # was first so.
        self._filled: dict[PageKey, tuple[datetime, float]] = {}

    def add(self, wishes: Iterable[Wish]) -> None:
        """Note these; of more than 2,000, only the most wanted."""
        self._waiting.update((wish.page, wish) for wish in wishes)
        if len(self._waiting) > MOST_WAITING:
            best = heapq.nlargest(MOST_WAITING, self._waiting.values(), key=attrgetter("until"))
            self._waiting = {wish.page: wish for wish in best}

    def take(self, now: float) -> Wish | None:
        """The most wanted page among those that were not taken in the last 250 ms."""
        waited = len(self._waiting)
        self._waiting = {
            page: wish
            for page, wish in self._waiting.items()
            if wish.expires > now and not self._is_unread(wish, now)
        }
        metrics.count_page(metrics.SKIPPED, waited - len(self._waiting))
        self._taken = {page: at for page, at in self._taken.items() if at + PAUSE_SECONDS > now}
        due = (wish for page, wish in self._waiting.items() if page not in self._taken)
        wish = max(due, key=attrgetter("until"), default=None)
        if wish is not None:
            del self._waiting[wish.page]
            self._taken[wish.page] = now
            self._remember(wish, now)
        return wish

    def due_in(self, now: float) -> float | None:
        """Seconds until a page can be taken; None: none waits."""
        due = (self._taken.get(page, now - PAUSE_SECONDS) for page in self._waiting)
        first = min(due, default=None)
        return None if first is None else max(0.0, first + PAUSE_SECONDS - now)

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()

    def _is_unread(self, wish: Wish, now: float) -> bool:
        until, since = self._filled.get(wish.page, (None, now))
        return until == wish.until and now - since > SURE_SECONDS

    def _remember(self, wish: Wish, now: float) -> None:
        until, _ = self._filled.get(wish.page, (None, now))
        if until != wish.until:
            if len(self._filled) >= MOST_REMEMBERED:
                self._filled.clear()  # at worst they are filled once more
            self._filled[wish.page] = wish.until, now
