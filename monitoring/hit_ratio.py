"""How much of what is asked of a cache it has, as a number and in words."""

from __future__ import annotations

import enum


class Reading(enum.StrEnum):
    """What an operator should think of a hit ratio."""

    EFFECTIVE = "effective"  # more than 80 %
    FAIR = "fair"  # from 50 % to 80 %
    POOR = "look at TTLs and keys"  # less than 50 %
    NOT_WORKING = "not working"  # look-ups, and never a hit
    UNASKED = "nothing asked yet"


def hit_ratio(hits: int, misses: int) -> float | None:
    """From 0 to 1; None while nothing was looked up, which is not the same as 0."""
    lookups = hits + misses
    return hits / lookups if lookups else None


def read_in_words(hits: int, misses: int) -> Reading:
    """What these counts mean."""
    lookups = hits + misses
    # In whole numbers: 0.8 is no binary fraction, and the boundaries should be exact.
    if not lookups:
        return Reading.UNASKED
    if not hits:
        return Reading.NOT_WORKING
    if hits * 100 > lookups * 80:
        return Reading.EFFECTIVE
    if hits * 100 < lookups * 50:
        return Reading.POOR
    return Reading.FAIR
