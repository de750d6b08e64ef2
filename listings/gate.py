"""How many pages may be rendered at once, so that a lost cache cannot drown the database."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator

from django.conf import settings

QUEUE_SECONDS = 2.0  # a visitor who has waited longer is better told to come back


class Busy(Exception):
    """Too many pages are being rendered; try again in a second."""


@contextlib.contextmanager
def rendering() -> Iterator[None]:
    """Hold one of the places for rendering: half of the server's threads.

    Raises:
        Busy: no place became free within 2 s.
    """
    places = _places()
    if not places.acquire(timeout=QUEUE_SECONDS):
        raise Busy
    try:
        yield
    finally:
        places.release()


@functools.cache
def _places() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))
