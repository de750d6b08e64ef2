"""What one writer's listings are like, and so what every page about them ought to show.

A model of its own, on purpose: it shares no line with the searches, windows and templates that
the audit judges.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

Thing = tuple[str, str]  # on which page, and what of it: ("/listings/AUDIT-1-00/", "photos")
Value = Hashable  # what a page shows of a thing; prices and texts in it never come twice

ANYWHERE = ""  # of a card on pages over all cities: the same card on whichever it is
PAGE_SIZE = 24
THRESHOLD = 2_500_000_000  # dollars; every audited listing costs clearly less, or clearly more

OK, NOT_FOUND, GONE = 200, 404, 410


@dataclass(frozen=True, slots=True)
class Home:
    """One listing. `photos` and `visits` stand in the order in which pages show them."""

    key: str
    entered: datetime
    city: str
    price: int
    remarks: str
    agent: str  # keys
    office: str
    photos: tuple[str, ...]
    visits: tuple[datetime, ...] = ()
    status: str = "Active"
    displayed: bool = True
    exists: bool = True

    @property
    def is_public(self) -> bool:
        return self.exists and self.displayed and self.status in ("Active", "Pending")

    @property
    def address(self) -> str:
        return f"/listings/{self.key}/"

    @property
    def card(self) -> Value:
        """What a card in a list shows."""
        return (self.key, self.price, self.photos[0] if self.photos else "", self.status)


def newest(home: Home) -> tuple[Any, ...]:
    return (-home.entered.timestamp(), home.key)


def cheapest(home: Home) -> tuple[Any, ...]:
    return (home.price, home.key)


def dearest(home: Home) -> tuple[Any, ...]:
    return (-home.price, home.key)


@dataclass(frozen=True, slots=True)
class HomeList:
    """One page of one search within a writer's city, as it ought to be."""

    address: str
    matches: Callable[[Home], bool]
    order: Callable[[Home], tuple[Any, ...]] = newest
    page: int = 1

    def things(self, homes: Iterable[Home]) -> dict[Thing, Value]:
        """The cards in their order, and the number in the heading."""
        found = sorted((home for home in homes if self.matches(home)), key=self.order)
        start = (self.page - 1) * PAGE_SIZE
        cards = tuple(home.card for home in found[start : start + PAGE_SIZE])
        return {(self.address, "cards"): cards, (self.address, "count"): len(found)}


@dataclass(frozen=True, slots=True)
class Truth:
    """The state of everything that one writer owns. A change makes another one."""

    homes: Mapping[str, Home]
    agents: Mapping[str, str]  # key → name
    offices: Mapping[str, str]

    def with_home(self, key: str, **changes: Any) -> Truth:
        return self.with_homes(replace(self.homes[key], **changes))

    def with_homes(self, *homes: Home) -> Truth:
        return replace(self, homes={**self.homes, **{home.key: home for home in homes}})

    def with_agent(self, key: str, name: str) -> Truth:
        return replace(self, agents={**self.agents, key: name})

    def with_office(self, key: str, name: str) -> Truth:
        return replace(self, offices={**self.offices, key: name})

    def things(self, lists: Iterable[HomeList]) -> dict[Thing, Value]:
        """All that pages show of it."""
        things: dict[Thing, Value] = {}
        for home in self.homes.values():
            things[ANYWHERE, home.key] = home.card if home.is_public else None
            things[home.address, "listing"] = self._listing(home)
            # Rows of their own, read by queries of their own, also while the page is gone.
            things[home.address, "photos"] = home.photos
            things[home.address, "visits"] = tuple(visit.isoformat() for visit in home.visits)
        public = [home for home in self.homes.values() if home.is_public]
        for page in lists:
            things |= page.things(public)
        return things

    def _listing(self, home: Home) -> Value:
        if not home.is_public:
            withdrawn = home.exists and home.displayed
            return (GONE if withdrawn else NOT_FOUND,)
        names = (self.agents[home.agent], self.offices[home.office])
        return (OK, home.price, home.status, home.city, home.remarks, *names)
