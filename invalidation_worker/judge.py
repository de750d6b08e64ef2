"""Which entries a batch of changes affects, and which change and dependency is the cause."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

import msgspec

from invalidation_worker.candidates import Candidates, Kept
from invalidation_worker.capped import capped_counts
from invalidation_worker.change_log import Image
from invalidation_worker.decide import Change
from listings import queries
from listings.cache.dependencies import Answer, Dependency, Place, affects
from listings.cache.entries import Descriptor, release
from listings.search import Sort
from listings.search_index import positions
from listings.shown import COLUMN_SETS

_ANYTHING = Descriptor("", "", "")


class Cause(NamedTuple):
    """Why an entry is dropped: the first reason that was found, of perhaps several."""

    event: int
    dependency: Dependency | None  # none: anything can change the entry


class Standing:
    """Where the row of one change stood and stands, in each sort."""

    def __init__(self, change: Change) -> None:
        self.change = change
        self._before: dict[str, Place] = {}
        self._after: dict[str, Place] = {}

    def before(self, sort: str) -> Place:
        if sort not in self._before:
            self._before[sort] = _place(sort, self.change.before)
        return self._before[sort]

    def after(self, sort: str) -> Place:
        if sort not in self._after:
            self._after[sort] = _place(sort, self.change.after)
        return self._after[sort]


class Judged(NamedTuple):
    """One change in the light of the searches that give the same answers to it."""

    standing: Standing
    before: Answer
    after: Answer
    is_capped: Callable[[str], bool]  # whether a search finds more than can be counted, now

    @property
    def key(self) -> str:
        return self.standing.change.key

    def shows(self, shown: str) -> bool:
        return not self.standing.change.columns.isdisjoint(COLUMN_SETS[shown])

    def places(self, sort: str) -> tuple[Place | None, Place | None]:
        return (
            self.standing.before(sort) if self.before is Answer.YES else None,
            self.standing.after(sort) if self.after is Answer.YES else None,
        )

    def still_capped(self, search: str) -> bool:
        return self.is_capped(search)


class Judge:
    """Judges for the changes of one batch. Ask it within the transaction that claimed them."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self.partitions: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            for partition in change.partitions:
                self.partitions[partition].append(change)
        self._capped: dict[str, bool] = {}

    def affected(self, partition: str, registry: Mapping[str, Descriptor]) -> dict[str, Cause]:
        """Those of a partition's entries, given as digest → descriptor, that must go, and why."""
        changes = self.partitions[partition]
        anything = Cause(changes[0].event, None)
        # By identity: equal dependencies are one object, and their hashes cost more.
        dependencies = {
            id(dependency): dependency
            for descriptor in registry.values()
            for dependency in descriptor.dependencies or ()
        }
        causes: dict[int, Cause] = {}  # of each affected dependency, by its identity
        for candidates in _kept.covering(partition, dependencies):
            self._decide(changes, candidates, dependencies.keys(), causes)
        found = {}
        for digest, descriptor in registry.items():
            if descriptor.dependencies is None:
                found[digest] = anything
                continue
            for dependency in descriptor.dependencies:
                if cause := causes.get(id(dependency)):
                    found[digest] = cause
                    break
        return found

    def _decide(
        self,
        changes: Iterable[Change],
        candidates: Candidates,
        live: Collection[int],
        causes: dict[int, Cause],
    ) -> None:
        """Find the first change that affects each of the live dependencies among candidates."""
        undecided = (1 << len(candidates.dependencies)) - 1
        for change in changes:
            standing = Standing(change)
            was, now = candidates.holding(change.before), candidates.holding(change.after)
            may = candidates.of(change.key, was, now, standing.before, standing.after)
            for at in positions(may & undecided):
                dependency = candidates.dependencies[at]
                if id(dependency) not in live:
                    continue
                yes = Answer.MAYBE if candidates.full_text >> at & 1 else Answer.YES
                before, after = (yes if held >> at & 1 else Answer.NO for held in (was, now))
                if affects(dependency, Judged(standing, before, after, self._is_capped)):
                    causes[id(dependency)] = Cause(change.event, dependency)
                    undecided ^= 1 << at

    def _is_capped(self, search: str) -> bool:
        if search not in self._capped:
            self._capped[search] = capped_counts.holds(search, self._issued)
        return self._capped[search]

    @functools.cached_property
    def _issued(self) -> int:
        return capped_counts.issued()


@functools.lru_cache(maxsize=65_536)
def decoded(raw: bytes) -> Descriptor:
    """A registry's field; of another release, or unreadable, it depends on anything."""
    try:
        descriptor = _decoder.decode(raw)
    except msgspec.MsgspecError:
        return _ANYTHING
    if descriptor.release != release():
        return _ANYTHING
    if descriptor.dependencies is None:
        return descriptor
    shared = tuple(_shared(dependency) for dependency in descriptor.dependencies)
    return msgspec.structs.replace(descriptor, dependencies=shared)


@functools.lru_cache(maxsize=131_072)
def _shared(dependency: Dependency) -> Dependency:
    """The one object for all equal ones: a page has the dependencies of its queryset entries."""
    return dependency


_decoder = msgspec.msgpack.Decoder(Descriptor)
_kept = Kept()


def _place(sort: str, image: Image | None) -> Place:
    assert image is not None
    if sort == queries.BY_KEY:
        return (str(image["listing_key"]),)
    return Sort(sort).place(image.__getitem__)
