"""Trust: entries are served as they stand only while somebody sees to it that they are true.

The relay moves the horizon, a counter in the cache server, each second in which changes are
applied in time. A process that sees it move trusts entries whatever their age. One that does not,
because worker, relay or broker is dead or the server came back with old data, takes only what is
10 s old at the most: that costs throughput, not truth.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import redis

from listings.cache.store import Mark, Switch, store

PATIENCE_SECONDS = 5.0  # how long the horizon may stand still
OLDEST_SECONDS = 10.0  # what is distrusted may be so old; together less than the 15 s promised
LOOK_SECONDS = 0.5  # between two looks at the horizon
NEVER = float("-inf")  # a moment that is always too long ago


class Trust:
    """What one process knows of the horizon. A daemon thread looks, from the first question on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watching = False
        self._mark: Mark | None = None  # none: never seen, or lost since
        self._clock_offset = 0.0  # seconds by which the server's clock is ahead of our monotonic
        self._looked_at = NEVER
        self._moved_at = NEVER
        self._failed_at = NEVER  # the first look: who asks next need not wait as long again
        self._off: frozenset[Switch] = frozenset()
        self.near_until = NEVER  # monotonic: what is near is trusted until then

    def not_before(self) -> int:
        """What is as of earlier (µs of the cache server's clock) must not be served; 0: all may.

        Raises:
            redis.RedisError: the server has never been reached, so its clock is not known.
        """
        if not self._watching:
            self._start()
        if time.monotonic() - self._moved_at < PATIENCE_SECONDS:
            return 0
        return int((time.monotonic() + self._clock_offset - OLDEST_SECONDS) * 1e6)

    @property
    def is_off(self) -> bool:
        """Whether an operator has switched all caches off, as far as is known."""
        if not self._watching:
            with suppress(redis.RedisError):
                self._start()
        return Switch.ALL in self._off

    @property
    def is_degraded(self) -> bool:
        """Whether only what is young is served, as far as anybody has asked yet."""
        was_asked = self._watching or self._failed_at != NEVER
        return was_asked and time.monotonic() - self._moved_at >= PATIENCE_SECONDS

    def monotonic(self, moment: int) -> float:
        """A moment of the cache server's clock (µs) on ours (s)."""
        return moment / 1e6 - self._clock_offset

    def look(self) -> None:
        """Look at the horizon once.

        Raises:
            redis.RedisError: the server does not answer; it is trusted when the horizon has moved
                since it does again.
        """
        asked_at = time.monotonic()
        try:
            mark = store().horizon()
        except redis.RedisError:
            self._distrust()
            raise
        self._clock_offset = mark.now / 1e6 - time.monotonic()  # short by the answer's way
        self._off = mark.off
        self._moved(mark, asked_at)
        self.near_until = NEVER if self._off else self._moved_at + PATIENCE_SECONDS

    def _moved(self, mark: Mark, asked_at: float) -> None:
        last, self._mark = self._mark, mark
        last_looked_at, self._looked_at = self._looked_at, asked_at
        if last is None:
            return
        if last.run != mark.run or mark.counter < last.counter:
            self._moved_at = NEVER  # another server's, or emptied
        elif mark.counter > last.counter:
            self._moved_at = last_looked_at  # or later: who was frozen since cannot know

    def _distrust(self) -> None:
        self._mark, self._moved_at, self.near_until = None, NEVER, NEVER

    def _start(self) -> None:
        with self._lock:
            if self._watching:
                return
            if time.monotonic() - self._failed_at < LOOK_SECONDS:
                raise redis.ConnectionError("the cache server did not answer a moment ago")
            try:
                self.look()
            except redis.RedisError:
                self._failed_at = time.monotonic()
                raise
            else:
                self._watching = True
                threading.Thread(target=self._keep_looking, name="trust", daemon=True).start()

    def _keep_looking(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            try:
                self.look()
            except redis.RedisError:
                continue  # distrusted meanwhile


trust = Trust()
