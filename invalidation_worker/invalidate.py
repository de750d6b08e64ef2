"""Taking out of the cache what events have changed, inside out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from listings.cache.entries import Descriptor, Layer, release
from listings.cache.store import Store


@dataclass(slots=True)
class Invalidated:
    """What was taken away."""

    entries: dict[str, int] = field(default_factory=dict)  # partition → how many, both layers
    pages: list[Descriptor] = field(default_factory=list)  # those that had a value

    def of(self, partitions: Iterable[str]) -> int:
        """How many entries these partitions held."""
        return sum(self.entries.get(partition, 0) for partition in partitions)


def invalidate(store: Store, partitions: Iterable[str]) -> Invalidated:
    """Drop every entry of these partitions, live or being filled.

    Querysets first, and only then are the registries of pages read: a page that is filled from a
    queryset entry in between is registered by then, and is dropped with the others. With pages
    first, or both registries read first, an old page could stay.
    """
    done = Invalidated()
    wanted = list(partitions)
    for layer in Layer:
        registries = store.registries(wanted, layer)
        had = store.invalidate(registries, layer)
        for partition, registry in registries.items():
            done.entries[partition] = done.entries.get(partition, 0) + len(registry)
            if layer is Layer.PAGE:
                done.pages += _readable(raw for digest, raw in registry.items() if digest in had)
    return done


def _readable(descriptors: Iterable[bytes]) -> Iterable[Descriptor]:
    """The descriptors that this release can fill again."""
    for raw in descriptors:
        try:
            descriptor = msgspec.json.decode(raw, type=Descriptor)
        except msgspec.MsgspecError:
            continue  # of another release; it was invalidated, which is what matters
        if descriptor.release == release():
            yield descriptor
