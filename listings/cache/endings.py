"""How fills, and waits for them, ended in this process."""

from __future__ import annotations

import enum
import threading
from collections import Counter
from typing import TypeVar

from listings.cache.entries import Layer
from listings.cache.plain_numbers import Histogram

T = TypeVar("T")

# Seconds. A queryset takes some milliseconds, a page up to 20; waits for a place end after 2 s, and
# a lease after 5.
FILL_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Refusal(enum.StrEnum):
    """Why a value that was to be kept was not."""

    LEASE_LOST = "lease_lost"  # a change came meanwhile, or the lease ended
    FULL = "full"  # the partition has all the entries that it may have
    MEMORY = "memory"  # the server has none left
    EXPIRED = "expired"  # it went out of date before it was filled
    BYPASS = "bypass"  # a part of it was read around the cache
    ERROR = "error"  # the cache did not answer


class WaitEnding(enum.StrEnum):
    """How a wait for somebody else's fill ended."""

    HIT = "hit"  # the value came
    LEASE = "lease"  # that fill came to nothing, and the caller filled itself
    FULL = "full"  # that fill came to nothing, and there is no room for another
    TIMEOUT = "timeout"  # after 2 s; the caller read the database
    ERROR = "error"  # the cache did not answer any more


fill_seconds = {layer: Histogram(FILL_SECONDS) for layer in Layer}
_refusals: Counter[tuple[Layer, Refusal]] = Counter()
_waits: Counter[tuple[Layer, WaitEnding]] = Counter()
_lock = threading.Lock()


def refused(layer: Layer, why: Refusal, number: int = 1) -> None:
    """Note values that were not kept."""
    with _lock:
        _refusals[layer, why] += number


def waited(layer: Layer, ending: WaitEnding, number: int = 1) -> None:
    """Note the end of waits."""
    with _lock:
        _waits[layer, ending] += number


def refusals() -> dict[tuple[Layer, Refusal], int]:
    """Values that were not kept until now, those of no number at 0."""
    return {(layer, why): _refusals[layer, why] for layer in Layer for why in Refusal}


def drain_refusals() -> dict[tuple[Layer, Refusal], int]:
    """Values that were not kept until now; they are forgotten here."""
    return _drained(_refusals)


def drain_waits() -> dict[tuple[Layer, WaitEnding], int]:
    """Waits until now; they are forgotten here."""
    return _drained(_waits)


def _drained(counted: Counter[T]) -> dict[T, int]:
    if not counted:  # as nearly always
        return {}
    with _lock:
        found = dict(counted)
        counted.clear()
    return found


def waits() -> dict[tuple[Layer, WaitEnding], int]:
    """Waits until now, those of no number at 0."""
    return {(layer, ending): _waits[layer, ending] for layer in Layer for ending in WaitEnding}
