"""Taking turns: of the threads that make pages, one at a time computes.

They share one interpreter lock with those that answer hits. Whoever wants that lock while five
threads compute waits for five slices, several times in one request; so those who make pages queue
for one turn first, and leave it whenever they wait for a server or for somebody else's fill. Beside
pages that were filled, the p99 of hits fell to half of what it was, and pages took no longer.

It is a courtesy, never a lock that anything depends on: who has waited for long goes on without.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_SECONDS = 0.05  # some pages long: then something is stuck, or very slow

_turn = threading.Lock()


class _Mine(threading.local):
    is_taking_turns = False
    has_it = False


_mine = _Mine()


@contextmanager
def taking_turns() -> Iterator[None]:
    """Compute inside, while others wait."""
    if _mine.is_taking_turns:
        yield
        return
    _mine.is_taking_turns = True
    _take()
    try:
        yield
    finally:
        _mine.is_taking_turns = False
        _leave()


class _Waiting:
    """Inside, this thread waits for a server, and others may compute."""

    def __enter__(self) -> None:
        _leave()

    def __exit__(self, *error: object) -> None:
        if _mine.is_taking_turns:
            _take()


waiting = _Waiting()


def _take() -> None:
    _mine.has_it = _turn.acquire(timeout=PATIENCE_SECONDS)


def _leave() -> None:
    if _mine.has_it:
        _mine.has_it = False
        _turn.release()
