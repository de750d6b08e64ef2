"""What an entry would hold if it were filled now: the yardstick for what it does hold."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from listings import (
    queries,
    views,  # noqa: F401 (defines the pages)
)
from listings.cache.entries import Layer
from listings.cache.reading import Content, bypass, without_waiting
from listings.pages import PAGES
from listings.search import PropertySearch


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


def _window(arguments: str) -> object:
    most, _, search = arguments.partition(" ")
    return queries.window(PropertySearch.from_canonical(search), int(most))


# The functions of `queries`, by the names and the arguments of their entries.
QUERIES: dict[str, Callable[[str], object]] = {
    "window": _window,
    "count": lambda text: queries.count(PropertySearch.from_canonical(text)),
    "detail": queries._load_detail,
    "cities": lambda _: queries.cities(),
    "chunk": lambda text: queries._chunk(*text.split(" ")),
}
