"""A circuit breaker: after some failures in a row, stop asking for a while."""

from __future__ import annotations

import threading
import time

FAILURES = 3  # in a row: one lost packet should not switch the cache off
PAUSE_SECONDS = 1.0  # then one caller tries again


class Breaker:
    """Says whether a sick server may be asked. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_again_at = 0.0

    @property
    def is_open(self) -> bool:
        """True while the server is left alone."""
        return self._failures >= FAILURES

    def allows(self) -> bool:
        """Whether this caller may ask. While open, one caller per pause may."""
        if self._failures < FAILURES:  # unlocked: the usual case costs one comparison
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._closed_again_at:
                return False
            self._closed_again_at = now + PAUSE_SECONDS
            return True

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            self._closed_again_at = time.monotonic() + PAUSE_SECONDS


breaker = Breaker()  # of the cache server: every thread of this process asks the same one
