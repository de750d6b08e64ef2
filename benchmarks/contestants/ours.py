"""The platform itself: its views, its triggers, `apply_batch` after each write, and warming."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import resolve

from benchmarks.contestants import Entry, Queries, Served
from benchmarks.reads import Read
from benchmarks.warming import Warming
from benchmarks.writes import Write
from benchmarks.writing import carry_out
from invalidation_worker import apply as apply_module
from invalidation_worker.horizon import Horizon
from invalidation_worker.invalidate import Invalidated, invalidate
from invalidation_worker.judge import Judge, decoded
from listings.cache.counters import Outcome
from listings.cache.entries import Descriptor, Layer, Stored, registry_key, value_key
from listings.cache.partitions import of_property
from listings.cache.reading import bypass
from listings.cache.registries import Memory
from listings.cache.store import Store, Taken, store
from listings.cache.trust import trust
from listings.recomputation import QUERIES
from listings.responses import CACHE_STATUS
from listings.site import PAGES

STEP = 500  # values asked for at once


class Place(NamedTuple):
    """Where an entry of ours is, and how it is made."""

    layer: Layer
    partition: str
    descriptor: Descriptor


class WatchedStore(Store):
    """Notes the values of what it takes away."""

    def __init__(self, watched: Store) -> None:
        super().__init__(watched.client)
        self.taken: list[Entry] = []
        self.cpu_seconds = 0.0  # of noting

    def invalidate(self, digests: Mapping[str, Iterable[str]], layer: Layer) -> Taken:
        started = time.process_time()
        for partition, some in digests.items():
            key = registry_key(partition, layer)
            wanted = list(some)
            descriptors: list[Any] = self.client.hmget(key, wanted)
            known = dict(zip(wanted, descriptors, strict=True))
            self.taken += entries(self, partition, layer, known)
        self.cpu_seconds += time.process_time() - started
        return super().invalidate(digests, layer)


class Ours:
    """Watches what the real apply does, through a store that notes what it takes away."""

    def __init__(self) -> None:
        self._requests = RequestFactory()
        self._warming = Warming()
        self._store = WatchedStore(store("pipeline"))
        self._judge = Judge(())
        self._horizon = Horizon(self._store)
        setattr(apply_module, "invalidate", self._invalidate)  # noqa: B010 - it is not exported

    def read(self, read: Read) -> Served:
        self._warming.wanted((read.page, read.arguments))
        response = self._respond(read)
        return Served(response.content, response["Cache-Status"] == CACHE_STATUS[Outcome.HIT])

    def fresh(self, read: Read) -> bytes:
        return _page(read.page, read.arguments)

    def write(self, write: Write) -> None:
        carry_out(write)
        while (done := apply_module.apply_batch()).events:
            self._warming.dropped((page.name, page.arguments) for page in done.pages)

    def dropped(self) -> list[Entry]:
        taken, self._store.taken = self._store.taken, []
        return taken

    def live(self) -> Iterator[Entry]:
        for raw in self._store.client.scan_iter("r:*"):
            tag, _, layer = raw.decode().rpartition(":")
            partition = tag[3:-1]
            registry = self._store.registries([partition], Layer(layer)).get(partition, {})
            yield from entries(self._store, partition, Layer(layer), registry)

    def compute(self, entry: Entry) -> bytes:
        place: Place = entry.about
        descriptor = place.descriptor
        if place.layer is Layer.PAGE:
            return _page(descriptor.name, descriptor.arguments)
        with bypass():
            return msgspec.msgpack.encode(QUERIES[descriptor.name](descriptor.arguments))

    def cause(self, entry: Entry) -> str:
        place: Place = entry.about
        alone = {
            str(at): msgspec.structs.replace(place.descriptor, dependencies=(dependency,))
            for at, dependency in enumerate(place.descriptor.dependencies or ())
        }
        causes = self._judge.affected(place.partition, alone).values()
        return "+".join(sorted({type(cause.dependency).__name__ for cause in causes})) or "anything"

    def rest(self, seconds: float) -> None:
        self._horizon.beat(None, time.monotonic())  # the relay's part: changes are applied in time
        self._warming.rest(seconds)

    def not_counted(self) -> float:
        return self._store.cpu_seconds

    def snapshot(self) -> Warming:
        return self._warming.copy()

    def restore(self, snapshot: Warming) -> None:
        self._warming = snapshot.copy()
        for _ in range(2):  # seen to move: entries of any age are trusted from the first read on
            Horizon(self._store).beat(None, time.monotonic())
            trust.look()

    def _invalidate(self, _: Store, judge: Judge, memory: Memory[Descriptor]) -> Invalidated:
        if judge.partitions:  # the batch that finds nothing more is of no interest
            self._judge = judge
        return invalidate(self._store, judge, memory)

    def _respond(self, read: Read) -> HttpResponse:
        view = PAGES[read.page]
        url = view.url(read.arguments)
        request = self._requests.get(url, headers={"accept-encoding": "gzip"})
        return view(request, **resolve(request.path_info).kwargs)


def create(_: str, __: Queries) -> Ours:
    return Ours()


def entries(
    cache: Store, partition: str, layer: Layer, registry: Mapping[str, bytes]
) -> Iterator[Entry]:
    """Those of a registry that have a value."""
    digests = list(registry)
    for start in range(0, len(digests), STEP):
        some = digests[start : start + STEP]
        values: list[Any] = cache.client.mget([value_key(partition, one) for one in some])
        for digest, raw in zip(some, values, strict=True):
            if raw is not None:
                descriptor = decoded(registry[digest])
                name = f"{layer.value} {descriptor.name}"
                place = Place(layer, partition, descriptor)
                key = descriptor.arguments
                listing = key if partition == of_property(key) else ""
                yield Entry(name, place, Stored.decode(raw).body, listing)


def _page(name: str, arguments: str) -> bytes:
    with bypass():
        return PAGES[name].content(arguments).body
