"""One listing, its pages, and what may be stored of them while actors read, write and apply."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec
import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F

from invalidation_worker import apply as apply_module
from invalidation_worker import change_log
from invalidation_worker.holders import Holders
from invalidation_worker.judge import decoded
from listings import cards, counting, queries, querysets, recomputation, views
from listings.cache import filling, partitions, reading, registries
from listings.cache.dependencies import Rows
from listings.cache.entries import Descriptor, Entry, Layer, Stored, registry_key, value_key
from listings.cache.registries import Memory
from listings.cache.store import Store, store
from listings.models import ListingHistory, Property
from listings.pages import PAGES, CachedPage, Page
from tests.recomputation import Live, fresh, live
from tests.schedule import Actor, Played, announce, announced, play_all

KEY = "A-1"
BASE = 100  # the price before any commit: each adds one, so the price tells the version
_RESET = f"""
    UPDATE listings_property SET list_price = {BASE}, city = 'Seattle';
    UPDATE listings_listinghistory SET new_value = '';
    DELETE FROM invalidation_worker_changeevent;
"""
# In one statement, for it is asked after most steps: the version, and those whose events wait.
_VERSIONS = f"""
    SELECT list_price::int - {BASE}, ARRAY(
        SELECT (after->>'list_price')::numeric::int - {BASE}
        FROM invalidation_worker_changeevent WHERE table_name = 'listings_property'
    )
    FROM listings_property WHERE listing_key = '{KEY}'
"""
# Steps after which nothing is stored or applied that was not before.
_HARMLESS = ("lease", "read", "find", "write")


# ---- the smallest page that there can be: it is read thousands of times ----


def load_price(listing_key: str) -> str:
    return str(Property.objects.values_list("list_price", flat=True).get(pk=listing_key))


def price(listing_key: str) -> str:
    """A queryset entry like those of `listings.queries`."""
    shown = Rows((listing_key,), "detail")
    partition = partitions.of_property(listing_key)
    entry = Entry(Layer.QUERYSET, partition, "price", listing_key, shown)
    return querysets.cached(_text, entry, lambda: (load_price(listing_key), (shown,)))


_text = msgspec.msgpack.Decoder(str)
price_tag = CachedPage(lambda key: Page(price(key)), views.LISTING_KEY)
price_tag.name = "price_tag"


# ---- what is read and written ----


def visit() -> None:
    price_tag._read(price_tag._entry(KEY), KEY)


def raise_price(**columns: object) -> None:
    Property.objects.filter(pk=KEY).update(list_price=F("list_price") + 1, **columns)


@dataclass
class Scene:
    """What is stored, compared with what each version of the data looks like.

    `fill` reads all that may be stored, `write` brings the next version. A scene begins with
    nothing stored but what `before` reads.
    """

    fill: Callable[[], object] = visit
    write: Callable[[], object] = raise_price
    before: Callable[[], object] = lambda: None
    of_one_moment: bool = True  # or a fill may show half of a commit, until that is applied
    versions: list[dict[Live, bytes]] = field(default_factory=list)
    newest: int = 0
    applied: int = 0

    def __post_init__(self) -> None:
        Property.objects.create(listing_key=KEY, list_price=BASE, city="Seattle")
        ListingHistory.objects.create(
            history_transactional_key="X-1", property_id=KEY, change_type="Pending"
        )
        self.reset()
        self.fill()
        self.versions = [live()]
        for _ in range(2):
            self.write()
            self.versions.append({entry: fresh(entry) for entry in self.versions[0]})
        assert len({tuple(bodies.values()) for bodies in self.versions}) == 3

    def reset(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_RESET)
        store("pipeline").flush()
        self.applied = 0
        self.before()

    def fault_after(self, step: str) -> str:
        """What is wrong with what is stored now; empty: nothing."""
        if step.startswith(_HARMLESS):
            return ""
        self._look_at_the_log()
        pipe = store("pipeline").client.pipeline(transaction=False)
        for entry in self.versions[0]:
            pipe.hexists(registry_key(entry.partition, entry.layer), entry.digest)
            pipe.get(value_key(entry.partition, entry.digest))
        found = pipe.execute()
        for entry, registered, raw in zip(self.versions[0], found[::2], found[1::2], strict=True):
            if raw is not None and not registered:
                return f"{entry.name} is stored and not registered"
            if raw is not None and (wrong := self._fault_of(entry, Stored.decode(raw).body)):
                return f"{entry.name} is stored {wrong}"
        return ""

    def _look_at_the_log(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_VERSIONS)
            self.newest, waiting = cursor.fetchone()
        applied = self.newest
        while applied in waiting:
            applied -= 1
        self.applied = max(self.applied, applied)  # an event may come back

    def _fault_of(self, entry: Live, body: bytes) -> str:
        known = [bodies[entry] for bodies in self.versions]
        if body in known[self.applied : self.newest + 1]:
            return ""
        if body in known[self.newest + 1 :]:
            return "as nobody has committed it"
        if self.applied or self.of_one_moment:
            return f"as it was before {self.applied} was applied"
        return ""


class OfEachActor(threading.local, Memory[Descriptor]):
    """A memory for each thread: a worker is a process of its own."""


_registries = Store.registries  # as it is when it is no step
WHERE = (f"p{KEY}", "cseattle", "ckent", partitions.EVERYWHERE)


def register_another() -> None:
    """An entry in each registry that no change of these plays affects."""
    for layer in Layer:
        for partition in WHERE:
            store("pipeline").lease(
                Entry(layer, partition, "another", "", Rows(("A-2",), "detail"))
            )


def remember() -> None:
    """Read what is registered, as a worker has that applied something before."""
    for layer in Layer:
        _registries(store("pipeline"), WHERE, layer, decoded, apply_module.memory)


class Stage:
    """Actors, whose steps are those of the real read and the real apply."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._cast: dict[str, Actor] = {}
        announced(patch, Store, "lease", lambda _, entry, *__: f"lease {entry.layer.value}")
        announced(patch, Store, "fill", lambda _, entry, *__: f"fill {entry.layer.value}")
        announced(patch, Store, "registries", lambda _, __, layer, *___: f"find {layer.value}")
        announced(patch, Store, "invalidate", lambda _, __, layer: f"drop {layer.value}")
        announced(patch, Store, "flush", lambda _: "flush")
        announced(patch, sys.modules[__name__], "load_price", lambda _: "read price")
        announced(patch, queries, "_load_detail", lambda _: "read listing")
        announced(patch, cards, "first", lambda *_: "read cards")
        announced(patch, counting, "count_now", lambda _: "read count")
        announced(patch, change_log, "claim", lambda _: "claim")
        announced(patch, change_log, "discard_all", lambda: "discard")
        announced(patch, BaseDatabaseWrapper, "commit", lambda _: "commit")
        patch.setitem(PAGES, price_tag.name, price_tag)
        patch.setitem(recomputation.QUERIES, "price", load_price)
        # Whoever finds the lease taken gives up at once; nobody is too busy to be asked.
        patch.setattr(reading, "WAIT_SECONDS", 0)
        for module in (reading, filling):
            patch.setattr(module, "store", lambda: store("pipeline"))
        patch.setattr(apply_module.logger, "disabled", True)
        patch.setattr(apply_module, "memory", OfEachActor(Holders))
        patch.setattr(registries, "WORTH_A_JOURNAL", 0)

    def play(
        self,
        scene: Scene,
        plays: Mapping[str, Callable[[], object]],
        most_switches: int | None = None,
        free: str = "",
    ) -> Played:
        def begin() -> list[Actor]:
            scene.reset()
            register_another()
            return [self._actor(name).begin(_ready(name, play)) for name, play in plays.items()]

        return play_all(begin, scene.fault_after, most_switches, [free])

    def close(self) -> None:
        for actor in self._cast.values():
            actor.close()

    def _actor(self, name: str) -> Actor:
        if name not in self._cast:
            self._cast[name] = Actor(name)
        return self._cast[name]


def _ready(name: str, play: Callable[[], object]) -> Callable[[], object]:
    def do() -> None:
        if "worker" in name:
            remember()
        play()

    return do


def change(write: Callable[[], object] = raise_price) -> None:
    """A commit, as one step."""
    announce("write")
    write()
