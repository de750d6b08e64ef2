"""What editors and feeds change: a seeded sequence in which every change is possible."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from benchmarks.inventory import Home, Inventory
from listings.vocabulary import ON_MARKET, StandardStatus

# Percent.
SHARES = {
    "price": 22,
    "status": 25,
    "new": 20,
    "remarks": 10,
    "facts": 5,
    "photos": 5,
    "takedown": 8,  # withdrawn, expired, deleted
    "address": 1,
    "type": 1,
    "city": 1,
    "agent": 1,
    "display": 1,
}
CUTS = 0.9  # of the price changes; the others raise it
YOUNGER_BY = timedelta(seconds=1)  # between two writes, as far as their timestamps tell

# status → those that may follow, with their weights
_NEXT = {
    StandardStatus.ACTIVE: {
        StandardStatus.ACTIVE_UNDER_CONTRACT: 4,
        StandardStatus.PENDING: 6,
    },
    StandardStatus.ACTIVE_UNDER_CONTRACT: {StandardStatus.PENDING: 7, StandardStatus.ACTIVE: 3},
    StandardStatus.COMING_SOON: {StandardStatus.ACTIVE: 1},
    StandardStatus.PENDING: {StandardStatus.CLOSED: 8, StandardStatus.ACTIVE: 2},
}
# `Delete` takes the row away.
_TAKEDOWNS = {StandardStatus.WITHDRAWN: 3, StandardStatus.EXPIRED: 3, StandardStatus.DELETE: 2}
_SUB_TYPES = ("Condominium", "Townhouse", "Single Family Residence")
_REMARKS = (
    "Open house this weekend.",
    "Seller will consider all offers.",
    "New roof in the spring.",
    "The garden has been replanted.",
    "Back on the market through no fault of the seller.",
)
_FACTS: dict[str, tuple[object, ...]] = {
    "appliances": ("Dishwasher,Range", "Gas Range,Refrigerator"),
    "heating": ("Heat Pump", "Radiant Floor,Hot Water"),
    "tax_annual_amount": (2_400, 4_800, 9_600),
    "association_fee": (150, 250),
    "bedrooms_total": (2, 3, 4),
    "year_built": (1962, 1987, 2004),
}


class Write(NamedTuple):
    """One change, made in one transaction.

    `values` are columns of the listing, or of the agent (kind "agent"); of a new listing, those in
    which it differs from the listing that it is `like`. With the kind "photos" they say what is to
    be done: one "more" photo at the end, another "caption" or another "cover".
    """

    kind: str
    key: str
    at: datetime
    values: dict[str, object]
    like: str = ""
    bulk: bool = False  # made by `update()`, as a nightly job would


@dataclass(slots=True)
class _State:
    """A listing as it stands after the writes so far."""

    home: Home
    status: str
    price: int
    shown: dict[str, bool] = field(default_factory=dict)


def writes(inventory: Inventory, seed: int) -> Iterator[Write]:
    """Writes, as long as there are listings on the market."""
    return _Writer(inventory, random.Random(f"writes {seed}")).writes()


class _Writer:
    def __init__(self, inventory: Inventory, dice: random.Random) -> None:
        self._dice = dice
        self._now = inventory.now
        self._agents = inventory.agents
        self._places = sorted({(home.city, home.state) for home in inventory.homes})
        self._states = [_State(home, home.status, home.price) for home in inventory.on_market()]
        self._number = 0

    def writes(self) -> Iterator[Write]:
        kinds: dict[str, Callable[[_State], Write]] = {
            "price": self._price,
            "status": self._status,
            "new": self._new,
            "remarks": self._remarks,
            "facts": self._facts,
            "photos": self._photos,
            "takedown": self._takedown,
            "address": self._address,
            "type": self._type,
            "city": self._city,
            "agent": self._agent,
            "display": self._display,
        }
        while self._states:
            self._number += 1
            self._now += YOUNGER_BY
            kind = self._dice.choices(list(SHARES), list(SHARES.values()))[0]
            yield kinds[kind](self._dice.choice(self._states))

    def _write(self, kind: str, key: str, **values: object) -> Write:
        return Write(kind, key, self._now, values)

    def _price(self, one: _State) -> Write:
        cut = self._dice.random() < CUTS
        by = -self._dice.uniform(0.01, 0.08) if cut else self._dice.uniform(0.01, 0.05)
        before, one.price = one.price, max(1, round(one.price * (1 + by)))
        return self._write("price", one.home.key, list_price=one.price, previous_list_price=before)

    def _status(self, one: _State) -> Write:
        following = _NEXT[StandardStatus(one.status)]
        status = self._dice.choices(list(following), list(following.values()))[0]
        closing: dict[str, object] = {}
        if status is StandardStatus.CLOSED:
            price = round(one.price * self._dice.uniform(0.96, 1.01))
            closing = {"close_price": price, "close_date": self._now.date()}
        self._becomes(one, status)
        return self._write("status", one.home.key, standard_status=status.value, **closing)

    def _new(self, one: _State) -> Write:
        key = f"B-{self._number:07d}"
        price = round(one.price * self._dice.uniform(0.9, 1.1))
        home = one.home._replace(key=key, entered=self._now, status=StandardStatus.ACTIVE.value)
        self._states.append(_State(home, home.status, price))
        values: dict[str, object] = {
            "standard_status": home.status,
            "list_price": price,
            "original_list_price": price,
            "original_entry_timestamp": self._now,
            "unparsed_address": f"{self._dice.randint(1, 9999)} New Street",
        }
        return Write("new", key, self._now, values, like=one.home.key)

    def _remarks(self, one: _State) -> Write:
        text = f"{self._dice.choice(_REMARKS)} Notice {self._number}."
        return self._write("remarks", one.home.key, public_remarks=text)

    def _facts(self, one: _State) -> Write:
        column = self._dice.choice(list(_FACTS))
        return self._write("facts", one.home.key, **{column: self._dice.choice(_FACTS[column])})

    def _photos(self, one: _State) -> Write:
        """Mostly one more at the end; sometimes a new caption, or another cover."""
        what = self._dice.choices(("more", "caption", "cover"), (6, 2, 2))[0]
        return self._write("photos", one.home.key, what=what, number=self._number)

    def _takedown(self, one: _State) -> Write:
        status = self._dice.choices(list(_TAKEDOWNS), list(_TAKEDOWNS.values()))[0]
        self._becomes(one, status)
        expired = status is StandardStatus.EXPIRED
        write = self._write("takedown", one.home.key, standard_status=status.value)
        return write._replace(bulk=expired)

    def _address(self, one: _State) -> Write:
        address = f"{self._dice.randint(1, 9999)} Corrected Avenue"
        return self._write("address", one.home.key, unparsed_address=address)

    def _type(self, one: _State) -> Write:
        sub_type = self._dice.choice(_SUB_TYPES)
        return self._write(
            "type", one.home.key, property_type="Residential", property_sub_type=sub_type
        )

    def _city(self, one: _State) -> Write:
        city, state = self._dice.choice(self._places)
        return self._write("city", one.home.key, city=city, state_or_province=state)

    def _agent(self, _: _State) -> Write:
        key = self._dice.choice(self._agents)
        return self._write("agent", key, member_full_name=f"Agent {self._number}")

    def _display(self, one: _State) -> Write:
        column = self._dice.choice(
            ("internet_address_display_yn", "internet_entire_listing_display_yn")
        )
        one.shown[column] = not one.shown.get(column, True)
        write = self._write("display", one.home.key, **{column: one.shown[column]})
        return write._replace(bulk=True)

    def _becomes(self, one: _State, status: StandardStatus) -> None:
        one.status = status.value
        if status not in ON_MARKET:
            self._states.remove(one)
