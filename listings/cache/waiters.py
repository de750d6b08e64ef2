"""Who waits in this process for an entry that somebody else fills, and waking them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from listings.cache.entries import Entry

# entry → one event for each thread that waits for it
_waiters: dict[str, set[threading.Event]] = {}
_lock = threading.Lock()


@contextmanager
def listed(entry: Entry) -> Iterator[threading.Event]:
    """An event that is set whenever a fill of the entry ends in this process.

    Clear it before you ask whether the fill has ended: it may have, before you were listed.
    """
    ended = threading.Event()
    with _lock:
        _waiters.setdefault(entry.digest, set()).add(ended)
    try:
        yield ended
    finally:
        with _lock:
            events = _waiters[entry.digest]
            events.discard(ended)
            if not events:
                del _waiters[entry.digest]


def wake(entry: Entry) -> None:
    """Tell all who wait for this entry that its fill has ended, whatever came of it."""
    with _lock:
        for ended in _waiters.get(entry.digest, ()):
            ended.set()
