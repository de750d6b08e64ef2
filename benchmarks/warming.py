"""The warming worker in logical time: its rules, without waiting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from invalidation_worker.warmer import EXPIRES_SECONDS
from invalidation_worker.wishes import PAUSE_SECONDS
from listings.pages import PAGES

PAGES_PER_SECOND = 100  # that one worker fills: 10 ms for a page, twice what it takes when idle

Name = tuple[str, str]  # of a page: its function and its arguments


class Warming:
    """Fills what was dropped, the most wanted first, at the rate of one worker."""

    def __init__(self) -> None:
        self._popularity: Counter[Name] = Counter()
        self._waiting: dict[Name, float] = {}  # → when it expires
        self._warmed: dict[Name, float] = {}  # → when it was last filled
        self._now = 0.0
        self._capacity = 0.0  # pages that may be filled by now

    def copy(self) -> Warming:
        """Another one that knows the same popularity and has nothing to do."""
        other = Warming()
        other._popularity = self._popularity.copy()
        return other

    def wanted(self, page: Name) -> None:
        self._popularity[page] += 1

    def dropped(self, pages: Iterable[Name]) -> None:
        for page in pages:
            self._waiting[page] = self._now + EXPIRES_SECONDS

    def rest(self, seconds: float) -> None:
        """Fill as many as the worker can in this time. It cannot save time up."""
        self._now += seconds
        self._capacity = min(self._capacity + seconds * PAGES_PER_SECOND, 1.0)
        while self._capacity >= 1 and (page := self._next()):
            self._capacity -= 1
            del self._waiting[page]
            self._warmed[page] = self._now
            name, arguments = page
            PAGES[name].warm(arguments)

    def _next(self) -> Name | None:
        self._waiting = {page: end for page, end in self._waiting.items() if end > self._now}
        due = (
            page
            for page in self._waiting
            if self._now >= self._warmed.get(page, -PAUSE_SECONDS) + PAUSE_SECONDS
        )
        return max(due, key=self._popularity.__getitem__, default=None)
