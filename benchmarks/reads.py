"""Which pages visitors ask for: a seeded sequence that does not depend on what is written."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import accumulate
from typing import NamedTuple

from benchmarks.inventory import Inventory
from listings.search import LAST_PAGE, PAGE_SIZE, PropertySearch

# Percent.
SHARES = {"list": 30, "detail": 45, "landing": 8, "search": 6, "parts": 6, "api": 4, "feed": 1}

CRAWLER = 0.1  # of all reads of lists and listings: any of them, equally likely
LAST_SEARCHED = 3  # page of a search with other filters than a city
FIRST_PAGE = 0.7  # each further page is as much less likely
DETAIL_ZIPF, CITY_ZIPF = 0.9, 1.0
YOUNG = timedelta(days=7)
YOUNG_WEIGHT = 3
ALL_CITIES = 0.2  # of the reads of lists
IN_CITY = 0.5  # of the searches

_SORTS = (*["newest"] * 15, "price", "price", "-price", "-price", "-living_area")
_WORDS = (
    *("garden", "lake", "fireplace", "hardwood floors", "quiet street", "solar", "view"),
    *("walk-in closet", "skylights", "basement", "granite", "pool", "brick", "home office"),
)
_PRICES = (300_000, 400_000, 500_000, 750_000, 1_000_000)
_TYPES = ("Residential", "Residential", "Residential Lease", "Land")
_SUB_TYPES = ("Condominium", "Townhouse", "Single Family Residence", "Duplex")


class Read(NamedTuple):
    """A visitor asks for a page, named by its function and its canonical arguments."""

    kind: str
    page: str
    arguments: str


def reads(inventory: Inventory, seed: int) -> Iterator[Read]:
    """Reads without end."""
    return _Reader(inventory, random.Random(f"reads {seed}")).reads()


class _Reader:
    def __init__(self, inventory: Inventory, dice: random.Random) -> None:
        self._dice = dice
        self._keys = [home.key for home in inventory.homes]
        entered = {home.key: home.entered for home in inventory.homes}
        self._city_of = {home.key: home.city_key for home in inventory.homes}
        self._popular = dice.sample(self._keys, len(self._keys))
        young = inventory.now - YOUNG
        self._popularity = list(
            accumulate(
                (YOUNG_WEIGHT if entered[key] > young else 1) / rank**DETAIL_ZIPF
                for rank, key in enumerate(self._popular, 1)
            )
        )
        cities = inventory.cities()
        self._cities = [city for city, _ in cities]
        self._city_weights = list(accumulate(1 / n**CITY_ZIPF for n in range(1, len(cities) + 1)))
        everywhere = sum(number for _, number in cities)
        self._last_page = {
            city: max(1, min(LAST_PAGE, -(-number // PAGE_SIZE)))
            for city, number in [*cities, ("", everywhere)]
        }

    def reads(self) -> Iterator[Read]:
        kinds: dict[str, Callable[[], tuple[str, str]]] = {
            "list": self._list,
            "detail": self._detail,
            "landing": self._landing,
            "search": self._search,
            "parts": self._part,
            "api": self._api,
            "feed": self._feed,
        }
        while True:
            kind = self._dice.choices(list(SHARES), list(SHARES.values()))[0]
            yield Read(kind, *kinds[kind]())

    def _list(self) -> tuple[str, str]:
        if self._chance(CRAWLER):
            city = self._dice.choice(self._cities)
            return _list_page(city=city, page=self._dice.randint(1, self._last_page[city]))
        city = "" if self._chance(ALL_CITIES) else self._city()
        sort = self._dice.choice(_SORTS)
        return _list_page(city=city, sort=sort, page=self._depth(self._last_page[city]))

    def _detail(self) -> tuple[str, str]:
        return "property_detail", self._key()

    def _landing(self) -> tuple[str, str]:
        return ("home", "") if self._chance(0.5) else ("city_page", self._city())

    def _search(self) -> tuple[str, str]:
        return _list_page(
            **self._asked(), sort=self._dice.choice(_SORTS), page=self._depth(LAST_SEARCHED)
        )

    def _part(self) -> tuple[str, str]:
        """Similar homes below a listing, or the facets of a list."""
        if self._chance(0.5) and (city := self._city_of[key := self._key()]):
            return "similar_homes", f"{city} {key}"
        return "search_facets", _search(**self._some_list()).found()

    def _api(self) -> tuple[str, str]:
        """A listing, or the first listings of a search: what follows them, nobody asks for."""
        if self._chance(0.5):
            return "api_property", self._key()
        asked = _search(**self._some_list(), sort=self._dice.choice(_SORTS))
        return "api_properties", asked.canonical()

    def _feed(self) -> tuple[str, str]:
        return "feed", _search(**self._some_list()).found()

    def _some_list(self) -> dict[str, object]:
        """What a list or a search asks for, as often as they are asked."""
        lists, searches = SHARES["list"], SHARES["search"]
        if self._chance(searches / (lists + searches)):
            return self._asked()
        return {} if self._chance(ALL_CITIES) else {"city": self._city()}

    def _asked(self) -> dict[str, object]:
        asked: dict[str, object] = {"city": self._city()} if self._chance(IN_CITY) else {}
        if self._chance(0.4):
            asked["q"] = self._dice.choice(_WORDS)
        else:
            some = {
                "list_price_max": self._dice.choice(_PRICES),
                "bedrooms_min": self._dice.randint(2, 4),
                "property_type": self._dice.choice(_TYPES),
                "property_sub_type": self._dice.choice(_SUB_TYPES),
            }
            for name in self._dice.sample(list(some), self._dice.randint(1, 2)):
                asked[name] = some[name]
        return asked

    def _key(self) -> str:
        if self._chance(CRAWLER):
            return self._dice.choice(self._keys)
        return _weighted(self._dice, self._popular, self._popularity)

    def _city(self) -> str:
        return _weighted(self._dice, self._cities, self._city_weights)

    def _depth(self, last: int) -> int:
        page = 1
        while page < last and not self._chance(FIRST_PAGE):
            page += 1
        return page

    def _chance(self, probability: float) -> bool:
        return self._dice.random() < probability


def _weighted(dice: random.Random, of: Sequence[str], cumulative: Sequence[float]) -> str:
    return dice.choices(of, cum_weights=cumulative)[0]


def _list_page(**asked: object) -> tuple[str, str]:
    return "property_list", _search(**asked).canonical()


def _search(**asked: object) -> PropertySearch:
    return PropertySearch.parse({name: str(value) for name, value in asked.items()})
