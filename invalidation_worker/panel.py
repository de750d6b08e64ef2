"""What the last changes have dropped, of a listing for its page in the admin, or of all."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.urls import NoReverseMatch

from invalidation_worker.traces import Dropped, Trace, Warmth, newest_first, of_listing
from listings.cache.entries import Layer
from listings.cache.store import Store
from listings.cache.words import in_words
from listings.pages import PAGES

MOST_CHANGES = 10


@dataclass(frozen=True, slots=True)
class DroppedPage:
    """A page that one change has dropped."""

    name: str
    url: str  # empty: this release has no such page
    because: str  # the dependency that was affected, in words
    warm_milliseconds: float | None  # after the drop; none: not warmed since


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One change of a listing, or of what its page shows."""

    trace: Trace
    pages: list[DroppedPage] = field(default_factory=list)

    @property
    def warm_milliseconds(self) -> float | None:
        """Until all of these pages were warm; none: some are not."""
        times = [page.warm_milliseconds for page in self.pages]
        known = [time for time in times if time is not None]
        return max(known) if known and len(known) == len(times) else None


def last_changes(cache: Store, listing_key: str) -> list[ShownChange]:
    """The last ten changes, the newest first.

    Raises:
        redis.RedisError: the cache server does not answer.
    """
    return _shown(cache, itertools.islice(of_listing(cache, listing_key), MOST_CHANGES))


def newest_changes(cache: Store, number: int) -> list[ShownChange]:
    """Up to so many of the last changes of any listing, the newest first.

    Raises:
        redis.RedisError: the cache server does not answer.
    """
    return _shown(cache, itertools.islice(newest_first(cache), number))


def _shown(cache: Store, traces: Iterable[Trace]) -> list[ShownChange]:
    found = list(traces)
    if not found:
        return []
    warmth = Warmth(cache, min(trace.applied_at for trace in found))
    return [
        ShownChange(
            trace, [_page(one, trace, warmth) for one in trace.entries if one.layer is Layer.PAGE]
        )
        for trace in found
    ]


def _page(one: Dropped, trace: Trace, warmth: Warmth) -> DroppedPage:
    warm = warmth.after(trace, one.name, one.arguments)
    name = f"{one.name} {one.arguments}".strip() or "a page of another release"
    return DroppedPage(name, _url(one), in_words(one.dependency), warm)


def _url(one: Dropped) -> str:
    try:
        return PAGES[one.name].url(one.arguments)
    except (LookupError, TypeError, ValueError, NoReverseMatch):  # of another release, perhaps
        return ""
