"""What travels on the queues. A task is a door: it calls, measures its time, and rings again."""

from __future__ import annotations

import logging
import time
from datetime import datetime
from typing import Any

import redis
from celery import shared_task
from django.db import DatabaseError, close_old_connections

from invalidation_worker.apply import BATCH, Applied, apply_batch
from invalidation_worker.doorbell import WARM, Publisher, Ring, doorbell
from invalidation_worker.warmer import BATCH as WARMING_BATCH
from invalidation_worker.warmer import EXPIRES_SECONDS, warmer
from listings.cache.entries import Descriptor
from listings.cache.trust import trust

logger = logging.getLogger(__name__)

WORK_SECONDS = 5.0  # then the worker answers its queue again
BACKOFF_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0)  # while the cache or the database is away

_publisher = Publisher()


@shared_task
def apply(ring: dict[str, Any] | None = None) -> None:
    """Apply what the change log holds, for at most 5 s; if more is left, ring again.

    `ring` says what has rung, for the log. While the cache or the database is away nothing is
    lost: the events stay, and the relay rings until they are applied.
    """
    logger.debug("rung by %s", ring)
    close_old_connections()
    deadline = time.monotonic() + WORK_SECONDS
    failures = 0
    while time.monotonic() < deadline:
        try:
            done = apply_batch()
        except (redis.RedisError, DatabaseError) as error:
            pause = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
            failures += 1
            logger.warning("not applied, trying again in %.2f s: %r", pause, error)
            close_old_connections()
            time.sleep(pause)
            continue
        failures = 0
        send_to_warming(_publisher, done)
        if done.events < BATCH:
            return
    doorbell.ring(Ring())


@shared_task
def warm(pages: list[tuple[str, str, str]], logged_at: str | None = None) -> None:
    """Fill those of these pages that visitors want. Each is a release, a name and arguments.

    `logged_at` says when the change was written for which they were dropped.
    """
    if trust.is_off:
        return  # it would render pages that nobody may keep
    close_old_connections()
    written = datetime.fromisoformat(logged_at) if logged_at else None
    warmer.add((Descriptor(*page) for page in pages), written)


def send_to_warming(publisher: Publisher, done: Applied) -> None:
    """Ask for what was dropped to be filled again. Without a broker visitors will fill it."""
    recipes = [(page.release, page.name, page.arguments) for page in done.pages]
    for start in range(0, len(recipes), WARMING_BATCH):
        some = recipes[start : start + WARMING_BATCH]
        publisher.send(WARM, some, done.logged_at, expires=EXPIRES_SECONDS)
