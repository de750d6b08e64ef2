"""Partitions: where an entry lives, and so where an event has to look for it.

A partition is the hash tag of its keys, so that every script touches one slot.
"""

from __future__ import annotations

EVERYWHERE = "*"  # what may show any listing: searches over all cities, the home page


def of_property(listing_key: str) -> str:
    """Entries that show one listing."""
    return f"p{listing_key}"


def of_city(city_key: str | None) -> str:
    """Entries confined to one city; without a city, those over all of them."""
    return f"c{city_key}" if city_key else EVERYWHERE
