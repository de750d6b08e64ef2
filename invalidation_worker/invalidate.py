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
        registries = {
            partition: {digest: decoded(raw) for digest, raw in registry.items()}
            for partition, registry in store.registries(judge.partitions, layer).items()
        }
        affected = {
            partition: judge.affected(partition, registry)
            for partition, registry in registries.items()
        }
        had = store.invalidate(affected, layer)
        for partition, causes in affected.items():
            done.entries.update(cause.event for cause in causes.values())
            if layer is Layer.PAGE:
                descriptors = (registries[partition][digest] for digest in causes if digest in had)
                done.pages += (one for one in descriptors if one.release == release())
    return done
