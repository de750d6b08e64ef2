"""Moving the horizon, by which web processes see that changes are applied in time."""

from __future__ import annotations

import logging
import time

from listings.cache.store import Store

logger = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
LATE_SECONDS = 2.0  # a change that has waited longer than this stops the horizon


class Horizon:
    """The horizon of one cache server, moved once a second by whoever looks at the change log."""

    def __init__(self, cache: Store) -> None:
        self._cache = cache
        self._run = ""  # of the server whose data we vouch for
        self._next = 0.0

    def beat(self, oldest_age_seconds: float | None, seen_at: float) -> None:
        """Move it on, unless that was done within the last second or the oldest change is late.

        How long that has waited was seen at `seen_at` (monotonic): who was frozen in between has
        seen nothing of what came since.

        A server that has restarted, or is another one, may hold old data: it is flushed first.

        Raises:
            redis.RedisError: the cache server does not answer.
        """
        now = time.monotonic()
        if now < self._next or _is_late(oldest_age_seconds, seen_at):
            return
        self._next = now + BEAT_SECONDS
        mark = self._cache.horizon()
        if mark.run != self._run:
            if mark.counter == 0:
                logger.info("a cache server that nobody has vouched for: flushed")
                self._cache.flush()
            self._run = mark.run
        # Frozen here, we may come too late: the server's clock tells.
        if not _is_late(oldest_age_seconds, seen_at):
            self._cache.horizon(self._run, mark.now + int(BEAT_SECONDS * 1e6))


def _is_late(oldest_age_seconds: float | None, seen_at: float) -> bool:
    return (oldest_age_seconds or 0.0) + time.monotonic() - seen_at > LATE_SECONDS
