"""What a workload knows of the listings before it begins."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import NamedTuple

from listings.models import Agent, Property
from listings.vocabulary import ON_MARKET, PUBLIC


class Home(NamedTuple):
    """One listing that has a page."""

    key: str
    city: str
    city_key: str
    state: str
    status: str
    price: int  # dollars
    entered: datetime


class Inventory(NamedTuple):
    """Public listings in the order of their keys, and every agent's key."""

    homes: tuple[Home, ...]
    agents: tuple[str, ...]

    @property
    def now(self) -> datetime:
        """When the newest listing was entered: the moment at which a workload begins."""
        return max(home.entered for home in self.homes)

    def on_market(self) -> tuple[Home, ...]:
        return tuple(home for home in self.homes if home.status in ON_MARKET)

    def cities(self) -> list[tuple[str, int]]:
        """City keys and how many homes each has on the market, the largest first."""
        counts = Counter(home.city_key for home in self.on_market())
        return sorted(counts.items(), key=lambda city: (-city[1], city[0]))


def load() -> Inventory:
    """The inventory of the database."""
    rows = Property.objects.filter(
        standard_status__in=PUBLIC, internet_entire_listing_display_yn=True
    ).order_by("pk")
    columns = ("city", "city_key", "state_or_province", "standard_status", "list_price")
    homes = rows.values_list("pk", *columns, "original_entry_timestamp")
    return Inventory(
        tuple(
            Home(key, city, city_key, state, status, int(price), entered)
            for key, city, city_key, state, status, price, entered in homes
        ),
        tuple(Agent.objects.order_by("pk").values_list("pk", flat=True)),
    )
