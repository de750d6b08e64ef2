"""How a module keeps what it asks of the database, for an hour, as typed rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from listings.cache import partitions
from listings.cache.dependencies import Dependency, Search
from listings.cache.entries import Entry, Layer
from listings.cache.filling import Content, under_way
from listings.cache.reading import read
from listings.search import PropertySearch

S = TypeVar("S")
T = TypeVar("T")
Loaded = tuple[T, tuple[Dependency, ...]]  # a value, and what can change it


def cached(decoder: msgspec.msgpack.Decoder[T], entry: Entry, load: Callable[[], Loaded[T]]) -> T:
    """The value of a queryset entry: decoded, or loaded now and kept."""
    loaded: list[T] = []  # so that a miss need not decode what it has just encoded

    def content() -> Content:
        value, dependencies = load()
        loaded.append(value)
        return Content(msgspec.msgpack.encode(value), dependencies=dependencies)

    answer = read(entry, content)
    return loaded[0] if loaded else decoder.decode(answer.content.body)


def cached_part(
    decoder: msgspec.msgpack.Decoder[T],
    entry: Entry,
    load: Callable[[], Loaded[T]],
    part: Callable[[T], Loaded[S]],
) -> S:
    """A part of the value of a queryset entry, for a page that only this part can change."""
    fill = under_way()
    before = fill.dependencies if fill else ()
    taken, dependencies = part(cached(decoder, entry, load))
    if fill:
        fill.dependencies = before
        fill.depends_on(dependencies)
    return taken


def search_entry(name: str, search: PropertySearch, arguments: str) -> Entry:
    """The queryset entry of something that a search finds, in the search's partition."""
    partition = partitions.of_city(search.city_key)
    return Entry(Layer.QUERYSET, partition, name, arguments, Search(search.found()))
