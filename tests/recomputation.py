"""Every entry that is live, and what it would hold if it were filled now."""

from __future__ import annotations

from dataclasses import dataclass

from invalidation_worker import judge
from listings import recomputation
from listings.cache.entries import Layer, Stored
from listings.cache.store import store


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
    return recomputation.fresh(entry.layer, entry.name, entry.arguments).body
