"""Taking out of the cache what events have changed, inside out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from invalidation_worker.judge import decoded
from invalidation_worker.plan import Cause
from listings.cache.entries import Descriptor, Layer, registry_key, release
from listings.cache.registries import Memory
from listings.cache.store import Store


class Deciding(Protocol):
    """Says where to look, and what to drop there."""

    @property
    def partitions(self) -> Collection[str]: ...

    def affected(self, partition: str, registry: Mapping[str, Descriptor]) -> Mapping[str, Cause]:
        """Those of a partition's entries, given as digest → descriptor, that must go, and why."""


class Affected(NamedTuple):
    """One entry that was dropped, and why."""

    layer: Layer
    partition: str
    descriptor: Descriptor
    cause: Cause


@dataclass(slots=True)
class Invalidated:
    """What was taken away."""

    entries: Counter[int] = field(default_factory=Counter)  # event → entries dropped for it
    affected: list[Affected] = field(default_factory=list)
    pages: list[Descriptor] = field(default_factory=list)  # those that had a value
    stored: int = 0  # entries of either layer that had a value
    listings: dict[int, list[str]] = field(default_factory=dict)  # event → those that it changed

    def include(self, other: Invalidated) -> None:
        """Take in what was dropped for other events."""
        self.entries.update(other.entries)
        self.affected += other.affected
        self.pages += other.pages
        self.stored += other.stored
        self.listings |= other.listings


def invalidate(
    store: Store, judge: Deciding, memory: Memory[Descriptor] | None = None
) -> Invalidated:
    """Drop every entry, live or being filled, that the changes affect.

    The memory is of what the same thread has read and dropped before.

    Querysets first, and only then are the registries of pages read: a page that is filled from a
    queryset entry in between is registered by then, and is dropped with the others. With pages
    first, or both registries read first, an old page could stay.
    """
    done = Invalidated()
    for layer in Layer:
        registries = store.registries(judge.partitions, layer, decoded, memory)
        affected = {
            partition: causes
            for partition, registry in registries.items()
            if (causes := judge.affected(partition, registry))
        }
        taken = store.invalidate(affected, layer)
        done.stored += len(taken.had)
        for partition, causes in affected.items():
            for digest, cause in causes.items():
                if digest in taken.unknown:
                    continue
                descriptor = registries[partition][digest]
                done.entries[cause.event] += 1
                done.affected.append(Affected(layer, partition, descriptor, cause))
                if layer is Layer.PAGE and digest in taken.had and descriptor.release == release():
                    done.pages.append(descriptor)
            if memory:  # and only now: until they are dropped, they have to be found again
                memory.forget(registry_key(partition, layer), causes)
    return done
