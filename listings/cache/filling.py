"""What a value under way is made of, and `filled`: the only place where one is stored."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

import msgspec
import redis

from listings.cache import endings, spared, waiters
from listings.cache.breaker import breaker
from listings.cache.counters import Outcome
from listings.cache.dependencies import Dependency
from listings.cache.endings import Refusal
from listings.cache.entries import Entry, Header, Layer, Stored
from listings.cache.store import Lease, expiry, store

NEVER = -1  # the `as_of` of what must not be stored


class Content(msgspec.Struct, frozen=True):
    """What a loader brings: the bytes to keep, and what their header says of them."""

    body: bytes
    status: int = 200
    content_type: str = ""
    etag: str = ""
    # What can change it, besides what can change the entries that it was made of; none: anything.
    dependencies: tuple[Dependency, ...] | None = None


class Answer(msgspec.Struct, frozen=True):
    """The content of an entry, and how it was come by."""

    content: Content
    outcome: Outcome
    # Microseconds of the cache server's clock; 0: not known, or nothing was kept.
    as_of: int = 0
    expires_at: int = 0
    queries: int = 0  # that a hit has spared the database


Load = Callable[[], Content]
# Fills the page of an entry under a lease, elsewhere; none: it could not.
FillsElsewhere = Callable[[Entry, Lease, int], Answer | None]


@dataclass(slots=True)
class Fill:
    """What a value under way is made of: it is as old as its oldest part, and what can change a
    part can change it.
    """

    as_of: int
    not_before: int  # what is older must not become a part of it
    boundary: int = 0
    dependencies: tuple[Dependency, ...] | None = ()
    spared: int = 0  # queries that parts which were hits would have asked
    asked: int = 0  # queries, parts included

    def takes_in(self, part: Fill | Header) -> None:
        """What was filled for it, or was stored."""
        self.as_of = min(self.as_of, part.as_of)
        self.ends_at(part.boundary)
        self.depends_on(part.dependencies)

    def depends_on(self, dependencies: tuple[Dependency, ...] | None) -> None:
        """These too; none: on anything."""
        if self.dependencies is None or dependencies is None:
            self.dependencies = None
        else:
            self.dependencies = tuple(dict.fromkeys(self.dependencies + dependencies))

    def ends_at(self, boundary: int) -> None:
        """At this moment (microseconds), if not before; 0: none of its own."""
        if boundary:
            self.boundary = min(self.boundary or boundary, boundary)


_under_way: ContextVar[Fill | None] = ContextVar("under_way", default=None)
_fills_elsewhere: FillsElsewhere | None = None


def under_way() -> Fill | None:
    """The value that this thread is making a part of, or making."""
    return _under_way.get()


def ends_at(moment: float) -> None:
    """Say, while loading, that the content goes out of date by itself at this Unix time."""
    if fill := under_way():
        fill.ends_at(int(moment * 1e6))


def filled(entry: Entry, lease: Lease, load: Load, not_before: int) -> Answer:
    """What `load` brings, stored if the lease still holds. Errors of `load` pass through."""
    try:
        fill, content = _load(entry, lease, load, not_before)
        kept = _keep(entry, lease, fill, content)
    finally:
        waiters.wake(entry)  # whatever came of it: one of those who wait may have to fill now
    if outer := under_way():
        outer.takes_in(fill)
    if kept:
        endings.fill_seconds[entry.layer].observe(time.monotonic() - lease.monotonic)
    return Answer(content, Outcome.STORED if kept else Outcome.UNSTORED, fill.as_of)


def unstored(load: Load, outcome: Outcome) -> Answer:
    """What `load` brings, for this caller alone."""
    content = load()
    if fill := under_way():
        fill.depends_on(content.dependencies)
    return Answer(content, outcome)


def fill_pages_elsewhere(fills: FillsElsewhere | None) -> None:
    """From now on, let this fill the pages that visitors of this process miss, if it can."""
    global _fills_elsewhere  # noqa: PLW0603 - of the process
    _fills_elsewhere = fills


def filled_elsewhere(entry: Entry, lease: Lease, not_before: int) -> Answer | None:
    """The page, made under this lease by somebody who is there for that; none: nobody has."""
    if _fills_elsewhere is None or entry.layer is not Layer.PAGE:
        return None
    try:
        return _fills_elsewhere(entry, lease, not_before)
    finally:
        waiters.wake(entry)


def taken_in(stored: Stored) -> None:
    """Say that what was stored is now a part of the value under way, if there is one."""
    if fill := under_way():
        fill.takes_in(stored.header)
        fill.spared += stored.header.queries


def _load(entry: Entry, lease: Lease, load: Load, not_before: int) -> tuple[Fill, Content]:
    fill = Fill(lease.granted_at, not_before)
    token = _under_way.set(fill)
    asked_before = spared.asked_by_this_thread()
    try:
        content = load()
        fill.asked = spared.asked_by_this_thread() - asked_before
        fill.depends_on(content.dependencies)
        return fill, content
    except BaseException:
        with contextlib.suppress(redis.RedisError):
            store().release(entry, lease)
        raise
    finally:
        _under_way.reset(token)


def _keep(entry: Entry, lease: Lease, fill: Fill, content: Content) -> bool:
    if fill.as_of == NEVER:
        endings.refused(entry.layer, Refusal.BYPASS)
        with contextlib.suppress(redis.RedisError):
            store().release(entry, lease)
        return False
    header = Header(
        as_of=fill.as_of,
        expires_at=expiry(entry.layer, lease, fill.boundary),
        boundary=fill.boundary,
        status=content.status,
        content_type=content.content_type,
        etag=content.etag,
        dependencies=fill.dependencies if entry.layer is Layer.QUERYSET else None,
        queries=fill.asked + fill.spared,
    )
    try:
        return store().fill(entry, lease, header, content.body, fill.dependencies)
    except redis.RedisError:
        breaker.failed()
        endings.refused(entry.layer, Refusal.ERROR)
        return False
