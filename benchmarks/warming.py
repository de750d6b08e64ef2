"""The warming worker in logical time: its own rules, without waiting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from invalidation_worker.warmer import EXPIRES_SECONDS
from invalidation_worker.wishes import Wish, Wishes
from listings.pages import PAGES
from listings.popularity import PageKey

PAGES_PER_SECOND = 100  # that one worker fills: 10 ms for a page, twice what it takes when idle
WORTH_FILLING = 2  # reads: see `listings.popularity`
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class Warming:
    """Fills what was dropped, the most wanted first, at the rate of one worker."""

    def __init__(self) -> None:
        self._popularity: Counter[PageKey] = Counter()
        self._wishes = Wishes()
        self._now = 0.0
        self._capacity = 0.0  # pages that may be filled by now

    def copy(self) -> Warming:
        """Another one that knows the same popularity and has nothing to do."""
        other = Warming()
        other._popularity = self._popularity.copy()
        return other

    def wanted(self, page: PageKey) -> None:
        self._popularity[page] += 1

    def dropped(self, pages: Iterable[PageKey]) -> None:
        expires = self._now + EXPIRES_SECONDS
        self._wishes.add(
            # Only the order of these moments counts, and whether one has changed.
            Wish(page, BEGINNING + timedelta(seconds=reads), expires)
            for page in pages
            if (reads := self._popularity[page]) >= WORTH_FILLING
        )

    def rest(self, seconds: float) -> None:
        """Fill as many as the worker can in this time. It cannot save time up."""
        self._now += seconds
        self._capacity = min(self._capacity + seconds * PAGES_PER_SECOND, 1.0)
        while self._capacity >= 1 and (wish := self._wishes.take(self._now)):
            self._capacity -= 1
            name, arguments = wish.page
            PAGES[name].warm(arguments)
