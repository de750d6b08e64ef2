"""Apply: from events in the change log to entries that are gone, in one transaction."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

import redis
from django.db import DatabaseError, transaction

from invalidation_worker import change_log
from invalidation_worker.change_log import Event
from invalidation_worker.decide import decide
from invalidation_worker.invalidate import Invalidated, invalidate
from invalidation_worker.judge import Judge
from listings.cache.entries import Descriptor
from listings.cache.store import Store, store

logger = logging.getLogger(__name__)

BATCH = 500  # events in one transaction: some tens of milliseconds of work
# Beyond this a flush is cheaper than looking, and the backlog of a bulk load ends at once.
FLUSH_ABOVE = 20_000


@dataclass(slots=True)
class Applied:
    """What one transaction has applied."""

    events: int = 0
    pages: list[Descriptor] = field(default_factory=list)  # dropped, and wanted again


def apply_batch() -> Applied:
    """Apply up to 500 events, or all of them with a flush when there are more than 20,000.

    The events leave the log in the transaction in which their entries leave the cache, so dying
    anywhere brings them back; applying one twice drops a little too much and is never wrong.

    Raises:
        redis.RedisError, DatabaseError: nothing was applied; try again.
    """
    cache = store("pipeline")
    if change_log.is_longer_than(FLUSH_ABOVE):
        return _flush(cache)
    try:
        return _apply(cache, BATCH)
    except (redis.RedisError, DatabaseError):
        raise
    except Exception:
        logger.exception("a batch could not be decided; its events are tried one at a time")
        return _apply_one(cache)


def _apply(cache: Store, most: int) -> Applied:
    started = time.monotonic()
    with transaction.atomic():
        events = change_log.claim(most)
        changes = decide(events)
        if changes is None:
            done = Invalidated()
            cache.flush()
        else:
            done = invalidate(cache, Judge(changes))
    milliseconds = (time.monotonic() - started) * 1000
    for event in events:
        _log(event, "all" if changes is None else done.entries[event.id], milliseconds)
    return Applied(len(events), done.pages)


def _apply_one(cache: Store) -> Applied:
    """Apply the oldest event. If it cannot be decided, drop everything and keep it to be read."""
    try:
        return _apply(cache, 1)
    except (redis.RedisError, DatabaseError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the event must not block the log
        with transaction.atomic():
            events = change_log.claim(1)
            change_log.bury(events, repr(error))
            cache.flush()
        for event in events:
            logger.error("dead letter, cache flushed: event=%d reason=%r", event.id, error)
        return Applied(len(events))


def _flush(cache: Store) -> Applied:
    started = time.monotonic()
    with transaction.atomic():
        number = change_log.discard_all()
        cache.flush()
    milliseconds = (time.monotonic() - started) * 1000
    logger.info("applied events=%d entries=all milliseconds=%.1f", number, milliseconds)
    return Applied(number)


def _log(event: Event, entries: int | str, milliseconds: float) -> None:
    """One line an event. The milliseconds are those of the batch that it was in."""
    logger.info(
        "applied event=%d table=%s operation=%s transaction=%d entries=%s milliseconds=%.1f",
        event.id,
        event.table,
        event.operation,
        event.transaction_id,
        entries,
        milliseconds,
    )
