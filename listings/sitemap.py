"""Which listings a city has on the market: what sitemaps name."""

from __future__ import annotations

import msgspec

from listings import querysets
from listings.cache.dependencies import Facets
from listings.models import Property
from listings.search import PropertySearch

PAGE_KEYS = 10_000  # sitemaps.org allows 50,000 addresses in a file

# Made once, at import: see `listings.cache.entries`.
_KEYS = msgspec.msgpack.Decoder(tuple[str, ...])


def keys_in_city(city_key: str, number: int) -> tuple[str, ...]:
    """The keys of page `number` (from 1) of a city's listings, in their order."""
    search = PropertySearch(city=city_key)

    def load() -> querysets.Loaded[tuple[str, ...]]:
        start = (number - 1) * PAGE_KEYS
        keys = search.filter(Property.objects.all()).order_by("pk").values_list("pk", flat=True)
        # Whatever else changes of a listing, its address is the same.
        return tuple(keys[start : start + PAGE_KEYS]), (Facets(search.found(), "keys"),)

    entry = querysets.search_entry("keys_in_city", search, f"{city_key} {number}")
    return querysets.cached(_KEYS, entry, load)


def pages_of(count: int) -> range:
    """The numbers of the pages that so many listings fill."""
    return range(1, -(-count // PAGE_KEYS) + 1)
