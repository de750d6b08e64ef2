"""`read`: the one way to get an entry: stored, from whoever is filling it, or filled now."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar

import redis
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections

from listings.cache import endings, filling, spared, waiters
from listings.cache.breaker import breaker
from listings.cache.counters import Outcome, count
from listings.cache.endings import WaitEnding
from listings.cache.entries import Entry, Stored
from listings.cache.filling import Answer, Content, Load, under_way
from listings.cache.store import Full, Lease, Wait, store
from listings.cache.trust import trust
from listings.cache.turns import waiting

WAIT_SECONDS = 2.0  # for somebody else's fill; then the database is read, and nothing stored
# Between two looks while waiting. A fill that ends in this process wakes its waiters at once.
LOOK_AGAIN_SECONDS = (0.05, 0.1, 0.2, 0.4)


class Taken(Exception):
    """Somebody else is filling the entry, and this caller would not wait."""


_bypassing: ContextVar[bool] = ContextVar("bypassing", default=False)
_waits: ContextVar[bool] = ContextVar("waits", default=True)


def read(entry: Entry, load: Load) -> Answer:
    """The entry's content: stored, or loaded now and stored if no change came in between.

    `load` is called at most once, in this thread, and never shared with another caller. Errors
    of `load` pass through; an error of the cache server never does.

    Raises:
        Taken: somebody else is filling it; only inside `without_waiting`.
    """
    if _bypassing.get() or trust.is_off or _in_transaction():
        if fill := under_way():
            fill.as_of = filling.NEVER  # such a part must not get into an entry
        return _unstored(entry, load, Outcome.BYPASS)
    try:
        not_before = _not_before()
        answer = _lease(entry, not_before)
    except (redis.RedisError, ValueError):
        return _unstored(entry, load, Outcome.ERROR)
    if isinstance(answer, Stored):
        return _hit(entry, answer, Outcome.HIT)
    if (
        isinstance(answer, Lease)
        and _waits.get()
        and (made := filling.filled_elsewhere(entry, answer, not_before))
    ):
        return made
    return finish(entry, answer, load, not_before)


def finish(entry: Entry, answer: Lease | Full | Wait, load: Load, not_before: int) -> Answer:
    """What `read` does with an entry that is not stored, once it has asked for it."""
    try:
        if isinstance(answer, Lease):
            made = filling.filled(entry, answer, load, not_before)
            _count(entry, made.outcome)
            return made
        return _unstored(entry, load, Outcome.UNSTORED)
    except (OperationalError, InterfaceError):
        # What the database said last is the best there is while it is away. But nothing is made of
        # it: that would make it look filled.
        is_away = not connections[DEFAULT_DB_ALIAS].is_usable()
        if is_away and not_before and not under_way() and (stored := _whatever_is_stored(entry)):
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


def _in_transaction() -> bool:
    """A snapshot may be older than a lease taken now, and its own rows may yet roll back."""
    connection = connections[DEFAULT_DB_ALIAS]  # `django.db.connection` finds it at each attribute
    # get_autocommit() would connect, and a hit needs no database.
    manual = connection.connection is not None and not connection.autocommit
    return connection.in_atomic_block or manual


def _not_before() -> int:
    """A part is as young as its whole has to be, even if trust has come back meanwhile."""
    fill = under_way()
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
    filling.taken_in(stored)
    _count(entry, outcome)
    spared.by_hits.number += header.queries
    content = Content(stored.body, header.status, header.content_type, header.etag)
    return Answer(content, outcome, header.as_of, header.expires_at, header.queries)


def _count(entry: Entry, outcome: Outcome) -> None:
    """Reads that nobody waits for are the warmer's: they say nothing of what visitors meet."""
    if _waits.get():
        count(entry.layer, outcome)


def _unstored(entry: Entry, load: Load, outcome: Outcome) -> Answer:
    _count(entry, outcome)
    return filling.unstored(load, outcome)
