"""Apply: from events in the change log to entries that are gone, in one transaction."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import redis
from django.db import InterfaceError, OperationalError, transaction

from invalidation_worker import change_log, dead_letters, metrics, traces
from invalidation_worker.capped import capped_counts, skip_ids
from invalidation_worker.change_log import Row
from invalidation_worker.decide import decide
from invalidation_worker.holders import Holders
from invalidation_worker.invalidate import Invalidated, invalidate
from invalidation_worker.judge import Judge
from listings.cache.entries import Descriptor
from listings.cache.registries import Memory
from listings.cache.store import Store, store

logger = logging.getLogger(__name__)

# Events in one transaction: so many are decided in less than 40 ms against 10,000 entries
# (`benchmarks.many_entries`). Only a bulk fills a batch, and larger ones would serve it a little
# better, as pages that are filled between two batches are dropped again: 5,000 changes were all
# true after 2.2 s with batches of 80 instead of 1.3 with batches of 500 (`benchmarks.bulk`).
BATCH = 50
# Nothing is wrong with the events. Any other error of the database is about one of them.
TRY_AGAIN = (redis.RedisError, OperationalError, InterfaceError)
# When more than these are left after a batch, a flush is cheaper than looking, and the backlog of a
# bulk load ends at once.
FLUSH_ABOVE = 20_000

memory: Memory[Descriptor] = Memory(Holders)  # of the one thread that applies


@dataclass(slots=True)
class Applied:
    """What one transaction has applied."""

    events: int = 0
    pages: list[Descriptor] = field(default_factory=list)  # dropped, and wanted again
    logged_at: datetime | None = None  # when the oldest of its events was; none: not known


def apply_batch() -> Applied:
    """Apply up to 50 events, or all with a flush when more than 20,000 others are waiting.

    The events leave the log in the transaction in which their entries leave the cache, so dying
    anywhere brings them back; applying one twice drops a little too much and is never wrong.

    Raises:
        redis.RedisError, DatabaseError: nothing was applied; try again.
    """
    try:
        return _apply(_invalidate)
    except TRY_AGAIN:
        metrics.retries.inc()
        raise
    except Exception:
        logger.exception("a batch could not be decided; its events are tried one at a time")
        return _apply(_one_by_one)


def _apply(drop: Callable[[Store, list[Row]], Invalidated | None]) -> Applied:
    """Claim events and drop for them, in one transaction."""
    cache = store("pipeline")
    started = time.monotonic()
    with transaction.atomic():
        rows, mark = change_log.claim(BATCH)
        claimed_at = time.time()
        if mark is None:
            return Applied()  # another ring's task has been faster
        capped_counts.begin(mark)
        is_backlog = len(rows) == BATCH and change_log.is_longer_than(FLUSH_ABOVE)
        if is_backlog:
            events = Counter((row.table, row.operation) for row in rows) + _flush(cache)
        else:
            done = drop(cache, rows)
    milliseconds = (time.monotonic() - started) * 1000
    if is_backlog:
        number = events.total()
        metrics.count_events(events)
        logger.info("applied events=%d entries=all milliseconds=%.1f", number, milliseconds)
        flush = traces.of_order(f"flush for {number:,} events", None, milliseconds)
        traces.write(cache, [flush])
        return Applied(number)
    metrics.count_batch(rows, done.affected if done else (), claimed_at, milliseconds / 1000)
    for row in rows:
        _log(row, "all" if done is None else done.entries[row.id], milliseconds)
    traces.write(cache, traces.of_events(rows, done, milliseconds))
    logged_at = min(row.logged_at for row in rows)
    return Applied(len(rows), done.pages if done else [], logged_at)


def _invalidate(cache: Store, rows: list[Row]) -> Invalidated | None:
    """What was dropped; none: everything, because some table has changed as a whole."""
    changes = decide([change_log.decoded(row) for row in rows])
    if changes is None:
        skip_ids()
        cache.flush()
        return None
    done = invalidate(cache, Judge(changes), memory)
    for change in changes:
        done.listings.setdefault(change.event, []).append(change.key)
    return done


def _one_by_one(cache: Store, rows: list[Row]) -> Invalidated | None:
    """The same, so that an event that cannot be decided drops, and loses, nothing but its own."""
    done, everything = Invalidated(), False
    for row in rows:
        try:
            with transaction.atomic():  # so that what one event breaks can be gone on with
                one = _invalidate(cache, [row])
        except TRY_AGAIN:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not block the log
            one = dead_letters.bury(cache, row, error)
        if one is None:
            everything = True
        else:
            done.include(one)
    return None if everything else done


def _flush(cache: Store) -> Counter[tuple[str, str]]:
    """The events that it made up for, besides those that are claimed, by table and operation."""
    events = change_log.discard_all()
    skip_ids()
    cache.flush()
    return events


def _log(row: Row, entries: int | str, milliseconds: float) -> None:
    """One line an event. The milliseconds are those of the batch that it was in."""
    logger.info(
        "applied event=%d table=%s operation=%s transaction=%d entries=%s milliseconds=%.1f",
        row.id,
        row.table,
        row.operation,
        row.transaction_id,
        entries,
        milliseconds,
    )
