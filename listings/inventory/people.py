"""Made-up offices and agents: one agent for 40 listings, one office for 12 agents."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from listings.inventory import words
from listings.inventory.cities import CITIES, CUMULATIVE_SHARES, City, nearest
from listings.inventory.dice import Dice
from listings.records import AgentRecord, OfficeRecord

LISTINGS_PER_AGENT = 40
AGENTS_PER_OFFICE = 12

# Streams of dice apart from those of the listings, which are numbered from 0.
_OFFICE_STREAM = 80_000_000
_AGENT_STREAM = 90_000_000

_GOLDEN = 0.6180339887498949  # multiples of it, modulo 1, lie evenly however many there are


class Staff(NamedTuple):
    """Everybody who lists, and who serves each city."""

    offices: tuple[OfficeRecord, ...]
    agents: tuple[AgentRecord, ...]
    by_city: dict[City, list[AgentRecord]]

    def agent(self, dice: Dice, city: City) -> AgentRecord:
        """An agent who serves the city; a few have most of the listings."""
        agents = self.by_city[city]
        return agents[int(len(agents) * dice.random() ** 1.5)]


def staff(seed: int, listings: int, anchor: datetime) -> Staff:
    """The staff of an inventory of so many listings. A larger one employs the same and more."""
    joined = anchor - timedelta(days=365)
    agent_count = ceil(listings / LISTINGS_PER_AGENT)
    office_count = ceil(agent_count / AGENTS_PER_OFFICE)
    homes = [_office_city(seed, number) for number in range(office_count)]
    offices = tuple(_office(seed, number, joined) for number in range(office_count))
    agents = tuple(
        _agent(seed, number, offices[number // AGENTS_PER_OFFICE], joined)
        for number in range(agent_count)
    )
    by_home: dict[City, list[AgentRecord]] = {}
    for number, agent in enumerate(agents):
        by_home.setdefault(homes[number // AGENTS_PER_OFFICE], []).append(agent)
    served = list(by_home)
    by_city = {city: by_home[nearest(city, served)] for city in CITIES}
    return Staff(offices, agents, by_city)


def _office_city(seed: int, number: int) -> City:
    """A city with the chance of its share; the golden ratio spreads even the first few well."""
    place = (Dice.for_number(seed, _OFFICE_STREAM - 1).random() + number * _GOLDEN) % 1
    return CITIES[bisect_right(CUMULATIVE_SHARES, place * CUMULATIVE_SHARES[-1])]


def _office(seed: int, number: int, joined: datetime) -> OfficeRecord:
    dice = Dice.for_number(seed, _OFFICE_STREAM + number)
    name = f"{dice.pick(words.FIRM_NAMES)} {dice.pick(words.FIRM_SUFFIXES)}"
    return OfficeRecord(
        office_key=f"S{seed}-O{number:05d}",
        office_mls_id=f"O{number:05d}",
        office_name=name,
        office_phone=_phone(dice),
        office_email=f"hello@{_domain(name)}",
        modification_timestamp=joined,
    )


def _agent(seed: int, number: int, office: OfficeRecord, joined: datetime) -> AgentRecord:
    dice = Dice.for_number(seed, _AGENT_STREAM + number)
    first, last = dice.pick(words.FIRST_NAMES), dice.pick(words.LAST_NAMES)
    mailbox = f"{first}.{last}".lower().replace("'", "")
    return AgentRecord(
        member_key=f"S{seed}-A{number:06d}",
        member_mls_id=f"A{number:06d}",
        member_full_name=f"{first} {last}",
        member_email=f"{mailbox}@{_domain(office.office_name)}",
        member_preferred_phone=_phone(dice),
        office_id=office.office_key,
        modification_timestamp=joined,
    )


def _phone(dice: Dice) -> str:
    """A number that is nobody's: 555-0100 to 555-0199 are set aside for fiction (NANPA)."""
    return f"({dice.whole(201, 989)}) 555-01{dice.whole(0, 99):02d}"


def _domain(name: str) -> str:
    """An address that reaches nobody: `.example` is set aside for documents (RFC 2606)."""
    return "".join(letter for letter in name.lower() if letter.isalpha()) + ".example"
