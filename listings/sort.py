"""The orders of a list, read in two ways: in SQL, and of one row in memory."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import F, OrderBy

from listings.cache.dependencies import Place

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Sort(enum.StrEnum):
    """Orders of a list; the listing key breaks ties in all of them."""

    NEWEST = "newest"
    PRICE = "price"
    PRICE_DOWN = "-price"
    LIVING_AREA_DOWN = "-living_area"

    @property
    def order(self) -> tuple[OrderBy, OrderBy]:
        """In SQL."""
        first = {
            Sort.NEWEST: F("original_entry_timestamp").desc(),
            Sort.PRICE: F("list_price").asc(),
            Sort.PRICE_DOWN: F("list_price").desc(),
            Sort.LIVING_AREA_DOWN: F("living_area").desc(nulls_last=True),
        }
        return first[self], F("listing_key").asc()

    def place(self, row: Callable[[str], Any]) -> Place:
        """Where a row stands in this order, given its columns: the same order as in SQL.

        Whole numbers, so that a place survives any encoding: cents, and microseconds.
        """
        key = row("listing_key")
        if self is Sort.NEWEST:
            return (-_microseconds(row("original_entry_timestamp")), key)
        if self is Sort.LIVING_AREA_DOWN:
            area = row("living_area")
            return (1, 0, key) if area is None else (0, -int(area * 100), key)
        cents = int(row("list_price") * 100)
        return (cents if self is Sort.PRICE else -cents, key)


def _microseconds(moment: datetime | str) -> int:
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return (moment - _EPOCH) // timedelta(microseconds=1)
