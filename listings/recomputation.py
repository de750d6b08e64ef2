"""What an entry would hold if it were filled now: the yardstick for what it does hold."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from listings import counting, queries
from listings.cache.entries import Layer
from listings.cache.filling import Content
from listings.cache.reading import bypass, without_waiting
from listings.facets import facets
from listings.keyset import cards_after, from_text
from listings.search import PropertySearch
from listings.similar import similar
from listings.site import PAGES
from listings.sitemap import keys_in_city


def fresh(layer: Layer, name: str, arguments: str) -> Content:
    """The content of this entry, from the database alone. Counted as nobody's read.

    Raises:
        KeyError: nothing is filled by a function of this name.
        django.db.Error: the database does not answer.
    """
    with bypass(), without_waiting():
        if layer is Layer.PAGE:
            return PAGES[name].content(arguments)
        return Content(msgspec.msgpack.encode(QUERIES[name](arguments)))


def _cards_after(arguments: str) -> object:
    most, start, text = arguments.split(" ")
    search = PropertySearch.from_canonical(text)
    return cards_after(search, from_text(search.sort, start) if start else None, int(most))


def _keys_in_city(arguments: str) -> object:
    city, _, number = arguments.partition(" ")
    return keys_in_city(city, int(number))


# The functions of the queryset layer, by the names and the arguments of their entries.
QUERIES: dict[str, Callable[[str], object]] = {
    "window": lambda text: queries._load_window(PropertySearch.from_canonical(text))[0],
    "by_words": lambda text: queries._load_by_words(PropertySearch.from_canonical(text))[0],
    "count": lambda text: counting.count(PropertySearch.from_canonical(text)),
    "detail": queries._load_detail,
    "cities": lambda _: queries.cities(),
    "chunk": lambda text: queries._chunk(*text.split(" ")),
    "cards_after": _cards_after,
    "facets": lambda text: facets(PropertySearch.from_canonical(text)),
    "keys_in_city": _keys_in_city,
    "similar": lambda text: similar(*text.split(" ")),
}
