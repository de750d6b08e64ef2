"""Which entries a batch of changes affects: each search is judged once per change."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from invalidation_worker.decide import Change
from listings import queries
from listings.cache.dependencies import Answer, Dependency, Place, Rows, affects
from listings.cache.entries import Descriptor, release
from listings.search import COUNT_CAP, PropertySearch, Sort
from listings.shown import COLUMN_SETS

_ANYTHING = Descriptor("", "", "")


@dataclass(slots=True)
class Judged:
    """One change in the light of one search."""

    change: Change
    before: Answer = Answer.YES
    after: Answer = Answer.YES
    search: PropertySearch | None = None
    counts: dict[PropertySearch, int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.change.key

    def shows(self, shown: str) -> bool:
        return not self.change.columns.isdisjoint(COLUMN_SETS[shown])

    def places(self, sort: str) -> tuple[Place | None, Place | None]:
        change = self.change
        return (
            _place(sort, change.before) if self.before is Answer.YES else None,
            _place(sort, change.after) if self.after is Answer.YES else None,
        )

    def still_capped(self) -> bool:
        assert self.search is not None
        if self.search not in self.counts:
            self.counts[self.search] = queries.count_now(self.search)
        return self.counts[self.search] > COUNT_CAP


class Judge:
    """Judges for the changes of one batch. Ask it within the transaction that claimed them."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self.partitions: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            for partition in change.partitions:
                self.partitions[partition].append(change)
        self._judged: dict[tuple[str, str], list[Judged]] = {}
        self._counts: dict[PropertySearch, int] = {}

    def events(self, partition: str, descriptor: Descriptor) -> set[int]:
        """The events that affect an entry of this partition; empty: it stays."""
        changes = self.partitions[partition]
        if descriptor.dependencies is None:
            return {change.event for change in changes}
        return {
            judged.change.event
            for dependency in descriptor.dependencies
            for judged in self._concerned(partition, dependency)
            if affects(dependency, judged)
        }

    def _concerned(self, partition: str, dependency: Dependency) -> list[Judged]:
        """The changes of rows that are, or were, in the search of a dependency."""
        text = "" if isinstance(dependency, Rows) else f"?{dependency.search}"
        judged = self._judged.get((partition, text))
        if judged is None:
            judged = self._judged[partition, text] = list(self._judge(partition, text))
        return judged

    def _judge(self, partition: str, text: str) -> Iterable[Judged]:
        changes = self.partitions[partition]
        if not text:
            yield from (Judged(change) for change in changes)
            return
        search = PropertySearch.from_canonical(text[1:])
        for change in changes:
            before = search.matches(change.before) if change.before else Answer.NO
            after = search.matches(change.after) if change.after else Answer.NO
            if before is not Answer.NO or after is not Answer.NO:
                yield Judged(change, before, after, search, self._counts)


@functools.lru_cache(maxsize=65_536)
def decoded(raw: bytes) -> Descriptor:
    """A registry's field; of another release, or unreadable, it depends on anything."""
    try:
        descriptor = _decoder.decode(raw)
    except msgspec.MsgspecError:
        return _ANYTHING
    return descriptor if descriptor.release == release() else _ANYTHING


_decoder = msgspec.msgpack.Decoder(Descriptor)


def _place(sort: str, image: dict[str, object] | None) -> Place:
    assert image is not None
    if sort == queries.BY_KEY:
        return (str(image["listing_key"]),)
    return Sort(sort).place(image.__getitem__)
