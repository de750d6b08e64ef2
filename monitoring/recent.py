"""What has happened of late, for the operators' page: each part by itself, as any may be away."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import django.db
import msgspec
import redis
from django.urls import NoReverseMatch

from invalidation_worker.models import DeadLetter
from invalidation_worker.panel import ShownChange, newest_changes
from invalidation_worker.traces import Trace
from listings import popularity
from listings.cache.store import Switch, store
from listings.cache.words import in_words
from listings.pages import PAGES
from listings.popularity import PageKey

logger = logging.getLogger(__name__)

MOST_CHANGES = 25
MOST_PAGES = 10  # named of one change, of up to 50 that its trace names
MOST_REASONS = 6
MOST_LISTINGS = 3
MOST_WANTED = 12
MOST_LETTERS = 5

T = TypeVar("T")


class DroppedPage(msgspec.Struct, frozen=True):
    """A page that one change dropped."""

    name: str
    url: str  # empty: this release has no such page
    because: str  # the dependency that was affected, in words
    warm_milliseconds: float | None  # after the drop; null: not warmed since


class Change(msgspec.Struct, frozen=True):
    """One applied event, or what else dropped entries."""

    key: str  # the same for the same change in every answer
    at: datetime
    operation: str
    table: str
    event: int | None  # null: a flush or a person
    transaction_id: int | None
    listings: tuple[str, ...]  # the first of those that it changed
    more_listings: int
    dropped: int | None  # entries; null: everything
    named: dict[str, int]  # layer → entries that the trace names
    pages: list[DroppedPage]
    reasons: list[tuple[str, int]]  # why entries were dropped, in words → how many of the named
    lag_milliseconds: float | None  # from the write to the invalidation
    apply_milliseconds: float  # of the whole batch
    warm_milliseconds: float | None  # until all of its pages were warm; null: some are not


class WantedPage(msgspec.Struct, frozen=True):
    """A page that visitors want."""

    name: str
    url: str  # empty: this release has no such page
    score: float  # reads, each fading with a half-life of an hour


class Letter(msgspec.Struct, frozen=True):
    """An event that could not be decided."""

    event: int
    operation: str
    table: str
    reason: str
    dropped: str
    at: datetime


class Letters(msgspec.Struct, frozen=True):
    """How many there are, and the newest of them."""

    number: int
    newest: list[Letter]


class Switches(msgspec.Struct, frozen=True):
    """What operators have switched, and how often the horizon has moved."""

    near: bool
    all: bool
    horizon: int  # in this run of the cache server; 0: nobody has vouched for its data


class Recent(msgspec.Struct, frozen=True):
    """All of it. null: who would know does not answer."""

    at: datetime
    changes: list[Change] | None
    wanted: list[WantedPage] | None
    letters: Letters | None
    switches: Switches | None


def read_recent() -> Recent:
    """What there is now. Raises nothing for a server that is away."""
    return Recent(
        at=datetime.now(UTC),
        changes=_unless_away(_changes),
        wanted=_unless_away(_wanted),
        letters=_unless_away(_letters),
        switches=_unless_away(_switches),
    )


def _unless_away(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except (redis.RedisError, django.db.Error) as error:
        logger.debug("%s: %r", read.__name__, error)
        return None


def _changes() -> list[Change]:
    return [_change(one) for one in newest_changes(store(), MOST_CHANGES)]


def _change(shown: ShownChange) -> Change:
    trace = shown.trace
    pages = [
        DroppedPage(one.name, one.url, one.because, one.warm_milliseconds)
        for one in shown.pages[:MOST_PAGES]
    ]
    reasons = Counter(in_words(one.dependency) for one in trace.entries)
    return Change(
        key=f"{trace.event or 0}-{trace.applied_at.timestamp():.6f}",
        at=trace.applied_at,
        operation=trace.operation,
        table=trace.table,
        event=trace.event,
        transaction_id=trace.transaction_id,
        listings=trace.listings[:MOST_LISTINGS],
        more_listings=max(0, len(trace.listings) - MOST_LISTINGS),
        dropped=trace.total,
        named=_by_layer(trace),
        pages=pages,
        reasons=reasons.most_common(MOST_REASONS),
        lag_milliseconds=trace.lag_milliseconds,
        apply_milliseconds=trace.milliseconds,
        warm_milliseconds=shown.warm_milliseconds,
    )


def _by_layer(trace: Trace) -> dict[str, int]:
    return dict(Counter(one.layer.value for one in trace.entries))


def _wanted() -> list[WantedPage]:
    pages = popularity.most_wanted(MOST_WANTED)
    until = popularity.wanted(pages)
    now = datetime.now(UTC)
    return [
        WantedPage(" ".join(page).strip(), _url(page), _score(until[page] - now))
        for page in pages
        if page in until  # else its hour has just ended
    ]


def _score(left: timedelta) -> float:
    """Reads that would make a page be wanted for so long: see `listings.popularity`."""
    return math.exp2(left / timedelta(hours=1) - 1)


def _url(page: PageKey) -> str:
    name, arguments = page
    try:
        return PAGES[name].url(arguments)
    except (LookupError, TypeError, ValueError, NoReverseMatch):  # of another release, perhaps
        return ""


def _letters() -> Letters:
    newest = DeadLetter.objects.order_by("-id")
    return Letters(
        newest.count(),
        [
            Letter(
                one.event_id,
                one.operation,
                one.table_name,
                one.reason,
                one.dropped,
                one.dropped_at,
            )
            for one in newest[:MOST_LETTERS]
        ],
    )


def _switches() -> Switches:
    mark = store().horizon()
    return Switches(Switch.NEAR not in mark.off, Switch.ALL not in mark.off, mark.counter)
