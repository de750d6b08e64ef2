"""Every entry that is live, and what it would hold if it were filled now."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from invalidation_worker import judge
from listings import queries
from listings.cache.entries import Layer, Stored
from listings.cache.reading import bypass
from listings.cache.store import store
from listings.pages import PAGES
from listings.search import PropertySearch


@dataclass(frozen=True)
class Live:
    """One live entry."""

    layer: Layer
    partition: str
    digest: str
    name: str
    arguments: str


def live() -> dict[Live, bytes]:
    """Every live entry and its body."""
    found = {}
    cache = store("pipeline")
    for raw in cache.client.scan_iter("r:*"):
        tag, _, layer_name = raw.decode().rpartition(":")
        partition, layer = tag[3:-1], Layer(layer_name)
        for digest, field in cache.registries([partition], layer).get(partition, {}).items():
            value = cache.client.get(f"v:{{{partition}}}:{digest}")
            if value is not None:
                descriptor = judge.decoded(field)
                entry = Live(layer, partition, digest, descriptor.name, descriptor.arguments)
                found[entry] = Stored.decode(value).body
    return found


def fresh(entry: Live) -> bytes:
    """What the entry would hold if it were filled now."""
    with bypass():
        if entry.layer is Layer.PAGE:
            page = PAGES[entry.name]
            return page._content(page._subject.from_text(entry.arguments)).body
        return msgspec.msgpack.encode(QUERIES[entry.name](entry.arguments))


def fresh_window(arguments: str) -> object:
    most, _, search = arguments.partition(" ")
    return queries.window(PropertySearch.from_canonical(search), int(most))


QUERIES = {
    "window": fresh_window,
    "count": lambda text: queries.count(PropertySearch.from_canonical(text)),
    "detail": queries._load_detail,
    "cities": lambda _: queries.cities(),
    "chunk": lambda text: queries._chunk(*text.split(" ")),
}
