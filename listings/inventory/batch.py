"""Listings by their numbers, as what COPY reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from listings.inventory.listing import listing
from listings.inventory.people import Staff, staff
from listings.records import (
    HistoryRecord,
    MediaRecord,
    OpenHouseRecord,
    PropertyRecord,
    Record,
    records_as_csv,
)


@dataclass(frozen=True)
class Inventory:
    """All that a made-up inventory follows from."""

    seed: int
    count: int
    anchor: datetime

    def staff(self) -> Staff:
        return staff(self.seed, self.count, self.anchor)


class Batch(NamedTuple):
    """So many listings, and the rows of each table in the order in which they can be written."""

    listings: int
    rows: tuple[tuple[type[Record], bytes], ...]


def maker(inventory: Inventory) -> Callable[[Sequence[int]], Batch]:
    """A function from numbers of listings to their batch."""
    people = inventory.staff()

    def make(numbers: Sequence[int]) -> Batch:
        made = [listing(inventory.seed, number, people, inventory.anchor) for number in numbers]
        return Batch(
            len(made),
            (
                (PropertyRecord, records_as_csv(one.property for one in made)),
                (MediaRecord, records_as_csv(chain.from_iterable(one.media for one in made))),
                (OpenHouseRecord, records_as_csv(chain.from_iterable(o.open_houses for o in made))),
                (HistoryRecord, records_as_csv(chain.from_iterable(one.history for one in made))),
            ),
        )

    return make
