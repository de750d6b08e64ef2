"""How reads of each layer ended, counted in this process and added up in the cache server.

A count on the hot path is one addition under a lock; a thread adds what has come since to
a hash in Redis once a second. Losing the last second of a process that dies is accepted.
"""

from __future__ import annotations

import enum
import threading
import time
from collections import Counter

import redis

from listings.cache.entries import Layer
from listings.cache.near import near
from listings.cache.store import store

KEY = "s:counters"
FLUSH_SECONDS = 1.0


class Outcome(enum.StrEnum):
    """How one read ended."""

    HIT = "hit"
    STALE = "stale"  # a hit that was distrusted, served because the database is away
    STORED = "stored"  # a miss that was filled
    UNSTORED = "unstored"  # a miss whose value could not be kept
    BYPASS = "bypass"  # not looked up: inside a transaction, or for staff
    ERROR = "error"  # the cache did not answer


NEAR_HITS, NEAR_MISSES = "near:hit", "near:miss"

_counts: Counter[str] = Counter()
_flushed: Counter[str] = Counter()
_counting = threading.Lock()
_lock = threading.Lock()  # of flushing
_started = False


def count(layer: Layer, outcome: Outcome) -> None:
    """Note how one read ended."""
    with _counting:  # += reads and writes: two threads would now and then count as one
        _counts[f"{layer.value}:{outcome}"] += 1
    if not _started:
        _start()


def count_for_another() -> None:
    """Leave it to another process, which drains the counts of this one, to add them up."""
    global _started  # noqa: PLW0603 - there is nothing to start any more
    _started = True


def drain() -> dict[str, int]:
    """What this process has counted since this was asked last; it is forgotten here."""
    with _counting:
        found = dict(_counts)
        _counts.clear()
    return found


def add(drained: dict[str, int]) -> None:
    """Count what another process has counted."""
    with _counting:
        _counts.update(drained)
    if not _started:
        _start()


def counted() -> Counter[tuple[Layer, Outcome]]:
    """What this process has counted since it started."""
    with _counting:
        now = _counts.copy()
    return Counter(
        {
            (layer, outcome): now[f"{layer.value}:{outcome}"]
            for layer in Layer
            for outcome in Outcome
        }
    )


def totals() -> dict[Layer, dict[Outcome, int]]:
    """All processes' counts since the cache was last flushed.

    Raises:
        redis.RedisError: the cache server does not answer.
    """
    fields = _fields()
    return {
        layer: {outcome: fields[f"{layer.value}:{outcome}"] for outcome in Outcome}
        for layer in Layer
    }


def near_totals() -> tuple[int, int]:
    """The same for the near caches: hits, and pages that had to be asked for.

    Raises:
        redis.RedisError: the cache server does not answer.
    """
    fields = _fields()
    return fields[NEAR_HITS], fields[NEAR_MISSES]


def flush() -> None:
    """Add what has come since the last flush to the cache server's counts.

    Raises:
        redis.RedisError: the cache server does not answer; nothing is lost, it is added next time.
    """
    with _lock:
        with _counting:
            now = _counts.copy()
        now[NEAR_HITS], now[NEAR_MISSES] = near.hits, near.misses
        pipe = store("pipeline").client.pipeline(transaction=False)
        for field, number in now.items():
            if new := number - _flushed[field]:
                pipe.hincrby(KEY, field, new)
        pipe.execute()
        _flushed.update(now - _flushed)


def _fields() -> Counter[str]:
    raw: dict[bytes, bytes] = store("pipeline").client.hgetall(KEY)  # type: ignore[assignment]
    return Counter({name.decode(): int(number) for name, number in raw.items()})


def _start() -> None:
    global _started  # noqa: PLW0603 - one thread per process
    with _lock:
        if not _started:
            _started = True
            threading.Thread(target=_keep_flushing, name="cache-counters", daemon=True).start()


def _keep_flushing() -> None:
    while True:
        time.sleep(FLUSH_SECONDS)
        try:
            flush()
        except redis.RedisError:
            continue  # the counts wait for the server
