"""Which pages are asked for: those that are new to every cache, and those that visitors want."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

from benchmarks.inventory import Inventory
from benchmarks.reads import reads
from benchmarks.speed.plan import DETAIL, LIST
from listings.search import PAGE_SIZE, PropertySearch
from listings.site import PAGES
from listings.templating import detail_address

LEAST = 2 * PAGE_SIZE  # homes of a city whose cheaper half still fills a page
IN_CITY = 0.5  # of the lists
SORTS = ("newest", "newest", "newest", "price", "-price")


NewPages = dict[str, Iterator[str]]  # kind → addresses, each given once


def new_pages(inventory: Inventory, seed: int) -> NewPages:
    """Both kinds of pages, for as long as there are new ones."""
    return {LIST: lists(inventory, seed), DETAIL: details(inventory, seed)}


def some(paths: Iterator[str], number: int) -> list[str]:
    """The next ones.

    Raises:
        ValueError: there are not so many.
    """
    found = list(islice(paths, number))
    if len(found) < number:
        raise ValueError(f"only {len(found)} of {number} new pages: more listings are needed")
    return found


def visited(inventory: Inventory, seed: int, number: int) -> list[str]:
    """What visitors ask for: the addresses of the workload that every benchmark uses."""
    return [PAGES[read.page].url(read.arguments) for read in islice(reads(inventory, seed), number)]


def lists(inventory: Inventory, seed: int) -> Iterator[str]:
    """Addresses of first pages with 24 homes each, until the inventory gives no more.

    No two share a search, so neither their homes nor their numbers of homes were looked up before.
    """
    dice = random.Random(f"lists {seed}")
    prices: defaultdict[str, list[int]] = defaultdict(list)
    for home in inventory.on_market():
        prices[""].append(home.price)
        prices[home.city_key].append(home.price)
    cities = [city for city, found in prices.items() if city and len(found) >= LEAST]
    bounds = {city: _upper_half(prices[city], dice) for city in ["", *cities]}
    while bounds:
        city = dice.choice(cities) if cities and dice.random() < IN_CITY else ""
        if not bounds.get(city):
            bounds.pop(city, None)
            cities = [other for other in cities if other in bounds]
            continue
        asked = {
            "city": city,
            "list_price_max": str(bounds[city].pop()),
            "sort": dice.choice(SORTS),
        }
        yield f"/listings/?{PropertySearch.parse(asked).canonical()}"


def details(inventory: Inventory, seed: int) -> Iterator[str]:
    """The address of every listing's page, in an order of the seed's."""
    keys = [home.key for home in inventory.homes]
    yield from map(detail_address, random.Random(f"details {seed}").sample(keys, len(keys)))


def _upper_half(prices: list[int], dice: random.Random) -> list[int]:
    """Different prices, each of which half of the homes or more do not exceed, shuffled."""
    ordered = sorted(prices)
    dearer = sorted({price for price in ordered if bisect_left(ordered, price) >= len(ordered) / 2})
    return dice.sample(dearer, len(dearer))
