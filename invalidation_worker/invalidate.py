"""Taking out of the cache what events have changed, inside out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from invalidation_worker.judge import Judge, decoded
from listings.cache.entries import Descriptor, Layer, release
from listings.cache.store import Store


@dataclass(slots=True)
class Invalidated:
    """What was taken away."""

    entries: Counter[int] = field(default_factory=Counter)  # event → entries that it affected
    pages: list[Descriptor] = field(default_factory=list)  # those that had a value


def invalidate(store: Store, judge: Judge) -> Invalidated:
    """Drop every entry, live or being filled, that the changes affect.

    Querysets first, and only then are the registries of pages read: a page that is filled from a
    queryset entry in between is registered by then, and is dropped with the others. With pages
    first, or both registries read first, an old page could stay.
    """
    done = Invalidated()
    for layer in Layer:
        affected: dict[str, dict[str, Descriptor]] = {}
        for partition, registry in store.registries(judge.partitions, layer).items():
            for digest, raw in registry.items():
                descriptor = decoded(raw)
                if events := judge.events(partition, descriptor):
                    affected.setdefault(partition, {})[digest] = descriptor
                    done.entries.update(events)
        had = store.invalidate(affected, layer)
        if layer is Layer.PAGE:
            done.pages = [
                descriptor
                for entries in affected.values()
                for digest, descriptor in entries.items()
                if digest in had and descriptor.release == release()
            ]
    return done
