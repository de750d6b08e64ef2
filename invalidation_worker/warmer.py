"""Filling again what was invalidated, by the same way as any reader."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from listings import views  # noqa: F401 (defines the pages)
from listings.cache.entries import Descriptor, release
from listings.pages import PAGES

logger = logging.getLogger(__name__)

BATCH = 50  # pages in one message: about half a second of work
EXPIRES_SECONDS = 15.0  # a page that is still cold then waits for its next visitor
PAUSE_SECONDS = (
    0.25  # between two fills of one page: a storm of writes warms it four times a second
)

MOST_REMEMBERED = 10_000

_warmed: dict[Descriptor, float] = {}  # when each was last filled, by our monotonic clock


def warm(descriptors: Iterable[Descriptor]) -> None:
    """Fill each of these pages unless it is filled, at most once in 250 ms.

    A page that was warmed a moment ago comes last and is waited for: the last change of a storm
    is warmed too.
    """
    known = [one for one in descriptors if one.release == release() and one.name in PAGES]
    for descriptor in sorted(known, key=_due):
        time.sleep(max(0.0, _due(descriptor) - time.monotonic()))
        outcome = PAGES[descriptor.name].warm(descriptor.arguments)
        _remember(descriptor)
        logger.debug("warmed %s %s: %s", descriptor.name, descriptor.arguments, outcome)


def _due(descriptor: Descriptor) -> float:
    return _warmed.get(descriptor, 0.0) + PAUSE_SECONDS


def _remember(descriptor: Descriptor) -> None:
    now = time.monotonic()
    _warmed[descriptor] = now
    if len(_warmed) > MOST_REMEMBERED:
        for known, at in list(_warmed.items()):
            if at < now - PAUSE_SECONDS:
                del _warmed[known]
