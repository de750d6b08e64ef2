"""Events that cannot be decided: dropped for, kept for a person to read, and never in the way."""

from __future__ import annotations

import json
import logging

import msgspec

from invalidation_worker import change_log, metrics
from invalidation_worker.change_log import Row
from invalidation_worker.decide import whereabouts
from invalidation_worker.invalidate import Invalidated, invalidate
from invalidation_worker.models import DeadLetter
from invalidation_worker.orders import WholePartitions
from listings.cache import partitions
from listings.cache.store import Store

logger = logging.getLogger(__name__)


def bury(cache: Store, row: Row, error: Exception) -> Invalidated | None:
    """Drop all that the event may affect, and keep it with what was dropped and why.

    That is every entry where an event of these listings is looked for, or everything, and then
    the answer is none, if the event does not say which listings it is about.

    Raises:
        redis.RedisError, DatabaseError: nothing is certain; try again.
    """
    listings = _listings(row)
    where = None if listings is None else sorted(_partitions(listings))
    letter = _keep(row, repr(error), where)
    metrics.buried.inc()
    logger.error("dead letter: event=%d dropped=%r reason=%r", row.id, letter.dropped, error)
    if listings is None or where is None:
        cache.flush()
        return None
    done = invalidate(cache, WholePartitions(where, row.id))
    done.listings[row.id] = sorted(listings)
    return done


def _listings(row: Row) -> dict[str, set[str]] | None:
    try:
        return whereabouts(change_log.decoded(row))
    except msgspec.MsgspecError:
        return None


def _partitions(listings: dict[str, set[str]]) -> set[str]:
    cities = {city for cities in listings.values() for city in cities}
    return {
        partitions.EVERYWHERE,
        *map(partitions.of_property, listings),
        *map(partitions.of_city, cities),
    }


def _keep(row: Row, reason: str, where: list[str] | None) -> DeadLetter:
    return DeadLetter.objects.create(
        event_id=row.id,
        table_name=row.table,
        operation=row.operation,
        before=row.before and json.loads(row.before),
        after=row.after and json.loads(row.after),
        logged_at=row.logged_at,
        reason=reason,
        partitions=where,
    )
