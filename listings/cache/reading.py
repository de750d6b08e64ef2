"""`read`: the one way to get an entry, and the only place where one is filled."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass

import msgspec
import redis
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections

from listings.cache import endings, spared, waiters
from listings.cache.breaker import Breaker
from listings.cache.counters import Outcome, count
from listings.cache.dependencies import Dependency
from listings.cache.endings import Refusal, WaitEnding
from listings.cache.entries import Entry, Header, Layer, Stored
from listings.cache.store import Full, Lease, Wait, expiry, store
from listings.cache.trust import trust
from listings.cache.turns import waiting

WAIT_SECONDS = 2.0  # for somebody else's fill; then the database is read, and nothing stored
# Between two looks while waiting. A fill that ends in this process wakes its waiters at once.
LOOK_AGAIN_SECONDS = (0.05, 0.1, 0.2, 0.4)

NEVER = -1  # the `as_of` of what must not be stored

breaker = Breaker()


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


# Fills the page of an entry under a lease, elsewhere; none: it could not.
FillsElsewhere = Callable[[Entry, Lease, int], Answer | None]


class Taken(Exception):
    """Somebody else is filling the entry, and this caller would not wait."""


@dataclass(slots=True)
class _Fill:
    """What a value under way is made of: it is as old as its oldest part, and what can change a
    part can change it.
    """

    as_of: int
    not_before: int  # what is older must not become a part of it
    boundary: int = 0
    dependencies: tuple[Dependency, ...] | None = ()
    spared: int = 0  # queries that parts which were hits would have asked
    asked: int = 0  # queries, parts included

    def takes_in(
        self, as_of: int, boundary: int, dependencies: tuple[Dependency, ...] | None
    ) -> None:
        self.as_of = min(self.as_of, as_of)
        self.ends_at(boundary)
        self.depends_on(dependencies)

    def depends_on(self, dependencies: tuple[Dependency, ...] | None) -> None:
        if self.dependencies is None or dependencies is None:
            self.dependencies = None
        else:
            self.dependencies = tuple(dict.fromkeys(self.dependencies + dependencies))

    def ends_at(self, boundary: int) -> None:
        if boundary:
            self.boundary = min(self.boundary or boundary, boundary)


_filling: ContextVar[_Fill | None] = ContextVar("filling", default=None)
_bypassing: ContextVar[bool] = ContextVar("bypassing", default=False)
_waits: ContextVar[bool] = ContextVar("waits", default=True)
_fills_elsewhere: FillsElsewhere | None = None


def fill_pages_elsewhere(fills: FillsElsewhere | None) -> None:
    """From now on, let this fill the pages that visitors of this process miss, if it can."""
    global _fills_elsewhere  # noqa: PLW0603 - of the process
    _fills_elsewhere = fills


def read(entry: Entry, load: Callable[[], Content]) -> Answer:
    """The entry's content: stored, or loaded now and stored if no change came in between.

    `load` is called at most once, in this thread, and never shared with another caller. Errors
    of `load` pass through; an error of the cache server never does.

    Raises:
        Taken: somebody else is filling it; only inside `without_waiting`.
    """
    if _bypassing.get() or trust.is_off or _in_transaction():
        if fill := _filling.get():
            fill.as_of = NEVER  # such a part must not get into an entry
        return _unstored(entry, load, Outcome.BYPASS)
    try:
        not_before = _not_before()
        answer = _lease(entry, not_before)
    except (redis.RedisError, ValueError):
        return _unstored(entry, load, Outcome.ERROR)
    if isinstance(answer, Stored):
        return _hit(entry, answer, Outcome.HIT)
    if isinstance(answer, Lease) and (made := _filled_elsewhere(entry, answer, not_before)):
        return made
    return finish(entry, answer, load, not_before)


def finish(
    entry: Entry, answer: Lease | Full | Wait, load: Callable[[], Content], not_before: int
) -> Answer:
    """What `read` does with an entry that is not stored, once it has asked for it."""
    try:
        if isinstance(answer, Lease):
            return _filled(entry, answer, load, not_before)
        return _unstored(entry, load, Outcome.UNSTORED)
    except (OperationalError, InterfaceError):
        # What the database said last is the best there is while it is away. But nothing is made of
        # it: that would make it look filled.
        is_away = not connections[DEFAULT_DB_ALIAS].is_usable()
        if is_away and not_before and not _filling.get() and (stored := _whatever_is_stored(entry)):
            return _hit(entry, stored, Outcome.STALE)
        raise


@contextlib.contextmanager
def bypass() -> Iterator[None]:
    """Inside, nothing is looked up and nothing is stored, at any layer."""
    token = _bypassing.set(True)
    try:
        yield
    finally:
        _bypassing.reset(token)


@contextlib.contextmanager
def without_waiting() -> Iterator[None]:
    """Inside, nobody waits for somebody else's fill, at any layer: `read` raises `Taken`."""
    token = _waits.set(False)
    try:
        yield
    finally:
        _waits.reset(token)


def ends_at(moment: float) -> None:
    """Say, while loading, that the content goes out of date by itself at this Unix time."""
    if fill := _filling.get():
        fill.ends_at(int(moment * 1e6))


def _filled_elsewhere(entry: Entry, lease: Lease, not_before: int) -> Answer | None:
    if _fills_elsewhere is None or entry.layer is not Layer.PAGE or not _waits.get():
        return None
    try:
        return _fills_elsewhere(entry, lease, not_before)
    finally:
        waiters.wake(entry)


def _in_transaction() -> bool:
    """A snapshot may be older than a lease taken now, and its own rows may yet roll back."""
    connection = connections[DEFAULT_DB_ALIAS]  # `django.db.connection` finds it at each attribute
    # get_autocommit() would connect, and a hit needs no database.
    manual = connection.connection is not None and not connection.autocommit
    return connection.in_atomic_block or manual


def _not_before() -> int:
    """A part is as young as its whole has to be, even if trust has come back meanwhile."""
    fill = _filling.get()
    return fill.not_before if fill else trust.not_before()


def _lease(entry: Entry, not_before: int) -> Stored | Lease | Full | Wait:
    """Ask for the entry; while somebody else fills it, wait and ask again."""
    answer = _ask(entry, not_before)
    if not isinstance(answer, Wait):
        return answer
    if not _waits.get():
        raise Taken
    try:
        answer = _after_waiting(entry, not_before)
    except (redis.RedisError, ValueError):
        endings.waited(entry.layer, WaitEnding.ERROR)
        raise
    endings.waited(entry.layer, _ENDINGS[type(answer)])
    return answer


_ENDINGS = {
    Stored: WaitEnding.HIT,
    Lease: WaitEnding.LEASE,
    Full: WaitEnding.FULL,
    Wait: WaitEnding.TIMEOUT,
}


def _after_waiting(entry: Entry, not_before: int) -> Stored | Lease | Full | Wait:
    deadline = time.monotonic() + WAIT_SECONDS
    with waiters.listed(entry) as ended:
        for pause in _pauses(deadline):
            ended.clear()
            # Asked before waiting: the fill may have ended before we were listed as waiting.
            answer = _ask(entry, not_before)
            if not isinstance(answer, Wait):
                return answer
            with waiting:
                ended.wait(pause)
    return _ask(entry, not_before)


def _whatever_is_stored(entry: Entry) -> Stored | None:
    """The value, whatever its age; none if there is none, or the cache is away too."""
    try:
        answer = _ask(entry, not_before=0)
    except (redis.RedisError, ValueError):
        return None
    if isinstance(answer, Lease):
        with contextlib.suppress(redis.RedisError):
            store().release(entry, answer)
    return answer if isinstance(answer, Stored) else None


def _ask(entry: Entry, not_before: int) -> Stored | Lease | Full | Wait:
    if not breaker.allows():
        raise redis.ConnectionError("the cache server is left alone for a moment")
    try:
        answer = store().lease(entry, not_before)
    except redis.RedisError:
        breaker.failed()
        raise
    breaker.succeeded()
    return answer


def _pauses(deadline: float) -> Iterator[float]:
    looks = 0
    while (left := deadline - time.monotonic()) > 0:
        yield min(left, LOOK_AGAIN_SECONDS[min(looks, len(LOOK_AGAIN_SECONDS) - 1)])
        looks += 1


def _hit(entry: Entry, stored: Stored, outcome: Outcome) -> Answer:
    header = stored.header
    if fill := _filling.get():
        fill.takes_in(header.as_of, header.boundary, header.dependencies)
        fill.spared += header.queries
    _count(entry, outcome)
    spared.by_hits.number += header.queries
    content = Content(stored.body, header.status, header.content_type, header.etag)
    return Answer(content, outcome, header.as_of, header.expires_at, header.queries)


def _filled(entry: Entry, lease: Lease, load: Callable[[], Content], not_before: int) -> Answer:
    try:
        fill, content = _load(entry, lease, load, not_before)
        kept = _keep(entry, lease, fill, content)
    finally:
        waiters.wake(entry)  # whatever came of it: one of those who wait may have to fill now
    if outer := _filling.get():
        outer.takes_in(fill.as_of, fill.boundary, fill.dependencies)
    if kept:
        endings.fill_seconds[entry.layer].observe(time.monotonic() - lease.monotonic)
    outcome = Outcome.STORED if kept else Outcome.UNSTORED
    _count(entry, outcome)
    return Answer(content, outcome, fill.as_of)


def _load(
    entry: Entry, lease: Lease, load: Callable[[], Content], not_before: int
) -> tuple[_Fill, Content]:
    fill = _Fill(lease.granted_at, not_before)
    token = _filling.set(fill)
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
        _filling.reset(token)


def _keep(entry: Entry, lease: Lease, fill: _Fill, content: Content) -> bool:
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


def _count(entry: Entry, outcome: Outcome) -> None:
    """Reads that nobody waits for are the warmer's: they say nothing of what visitors meet."""
    if _waits.get():
        count(entry.layer, outcome)


def _unstored(entry: Entry, load: Callable[[], Content], outcome: Outcome) -> Answer:
    _count(entry, outcome)
    content = load()
    if fill := _filling.get():
        fill.depends_on(content.dependencies)
    return Answer(content, outcome)
