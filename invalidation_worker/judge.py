"""Which entries a batch of changes affects, and which change and dependency is the cause."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from operator import or_
from typing import NamedTuple

import msgspec

from invalidation_worker.candidates import Candidates, Kept
from invalidation_worker.capped import capped_counts
from invalidation_worker.change_log import Image
from invalidation_worker.decide import Change
from invalidation_worker.holders import Holders
from invalidation_worker.plan import Cause, Plan, Standing
from listings.cache.dependencies import Answer, Count, Dependency, Place, Rows, affects
from listings.cache.entries import Descriptor, release
from listings.full_text import found_by_words
from listings.search import InvalidSearch
from listings.search_index import bits, positions, wanted
from listings.shown import COLUMN_SETS

# Words times images of one question to the database. On a busy machine 2 images and 1,000 words
# took 29 ms, 50 images and 1,000 words 230 ms. Beyond, searches of words that may be affected
# count as affected.
MOST_PAIRS = 5_000
PARSING = 50  # answers that could be had in the time in which one image's words are parsed

# A partition of so many dependencies of which the changes of a batch may affect so large a part is
# dropped whole: of those that may be affected, nearly all are (`benchmarks.deciding`).
MANY = 100
TOUCHED = 0.9

_ANYTHING = Descriptor("", "", "")


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
    """Judges for the changes of one batch. Make and ask it in the transaction that claimed them."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self.partitions: dict[str, list[Change]] = defaultdict(list)
        changes = list(changes)
        for change in changes:
            for partition in change.partitions:
                self.partitions[partition].append(change)
        capped_counts.note(changes)
        self._capped: dict[str, bool] = {}  # search → whether it finds more than can be counted
        self._asked: set[str] = set()  # words
        self._found: dict[int, list[str]] = defaultdict(list)  # image (by identity) → such words
        self._standings: dict[int, Standing] = {}  # of changes, by their identity
        self._plans: dict[tuple[str, int], Plan] = {}  # by the identity of their candidates

    def affected(self, partition: str, registry: Mapping[str, Descriptor]) -> dict[str, Cause]:
        """Those of a partition's entries, given as digest → descriptor, that must go, and why."""
        anything = Cause(self.partitions[partition][0].event, None)
        if not isinstance(registry, Holders):
            registry = Holders(registry)
        live = registry.dependencies
        plans = [self._plan(partition, some) for some in _kept.covering(partition, live)]
        touched = [plan.touched(live) for plan in plans]
        if len(live) > MANY and sum(map(int.bit_count, touched)) > TOUCHED * len(live):
            return dict.fromkeys(registry, anything)
        causes: dict[int, Cause] = {}
        for plan, live_ones in zip(plans, touched, strict=True):
            self._decide(plan, plan.undecided(live_ones))
            causes |= plan.causes
        found = dict.fromkeys(registry.unknown, anything)
        return found | {digest: causes[one] for digest, one in registry.of(causes.keys())}

    def _plan(self, partition: str, candidates: Candidates) -> Plan:
        """The one for these candidates, which pages and querysets mostly have in common."""
        key = partition, id(candidates)
        if key not in self._plans:
            standings = map(self._standing, self.partitions[partition])
            self._plans[key] = Plan(candidates, standings)
        return self._plans[key]

    def _standing(self, change: Change) -> Standing:
        """The one for all plans, which find out only once where a row stands."""
        if id(change) not in self._standings:
            self._standings[id(change)] = Standing(change)
        return self._standings[id(change)]

    def _decide(self, plan: Plan, undecided: int) -> None:
        """Find the first change that affects each of these candidates."""
        candidates = plan.candidates
        self._ask_for_words(candidates, undecided)
        undecided &= ~self._still_capped(plan, undecided)
        unknown = self._with_words(candidates, candidates.by_words.keys() - self._asked)
        for standing, held, may in plan.steps:
            change = standing.change
            was = held[0] & (unknown | self._allowed_by_words(candidates, change.before))
            now = held[1] & (unknown | self._allowed_by_words(candidates, change.after))
            for at in positions(may & undecided & (was | now | candidates.without_search)):
                dependency = candidates.dependencies[at]
                before, after = _answer(at, was, unknown), _answer(at, now, unknown)
                if affects(dependency, Judged(standing, before, after, self._is_capped)):
                    plan.causes[id(dependency)] = Cause(change.event, dependency)
                    undecided ^= 1 << at

    def _ask_for_words(self, candidates: Candidates, some: int) -> None:
        """Ask the database, once for all, which words find what has changed."""
        words = {words for words, having in candidates.by_words.items() if having & some}
        asked = sorted(words - self._asked)
        images = self._images_in_lists
        if asked and max(len(asked), PARSING) * len(images) <= MOST_PAIRS:
            self._asked.update(asked)
            for word, number in found_by_words(asked, images):
                self._found[id(images[number])].append(asked[word])

    def _allowed_by_words(self, candidates: Candidates, image: Image | None) -> int:
        """The candidates without words, and those whose words are known to find a row."""
        found = self._with_words(candidates, self._found.get(id(image), ()))
        return ~candidates.full_text | found

    @staticmethod
    def _with_words(candidates: Candidates, some: Iterable[str]) -> int:
        having = (candidates.by_words.get(words, 0) for words in some)
        return functools.reduce(or_, having, 0)

    @functools.cached_property
    def _images_in_lists(self) -> list[Image]:
        """Of the changes that lists can show, each once: an unchanged listing has but one."""
        images = {
            id(image): image
            for changes in self.partitions.values()
            for change in changes
            if change.in_lists
            for image in (change.before, change.after)
            if image is not None
        }
        return list(images.values())

    def _still_capped(self, plan: Plan, some: int) -> int:
        """Those of these candidates that showed, and show, that there are more than 1,000."""
        found = []
        for at in positions(plan.stopped & some):
            dependency = plan.candidates.dependencies[at]
            assert isinstance(dependency, Count)
            found.append((at, dependency))
        if asked := [count for _, count in found if count.search not in self._capped]:
            self._capped |= capped_counts.holding(asked)
        still = (at for at, count in found if self._capped[count.search])
        return bits(still, len(plan.candidates.dependencies))

    def _is_capped(self, search: str) -> bool:
        if search not in self._capped:
            self._capped |= capped_counts.holding([Count(search, capped=True)])
        return self._capped[search]


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
    try:
        shared = tuple(_shared(dependency) for dependency in descriptor.dependencies)
    except InvalidSearch:
        return _ANYTHING
    return msgspec.structs.replace(descriptor, dependencies=shared)


@functools.lru_cache(maxsize=131_072)
def _shared(dependency: Dependency) -> Dependency:
    """The one object for all equal ones: a page has the dependencies of its queryset entries.

    Raises:
        InvalidSearch: it names a search that cannot be read.
    """
    if not isinstance(dependency, Rows):
        wanted(dependency.search)
    return dependency


def _answer(at: int, holding: int, unknown: int) -> Answer:
    if not holding >> at & 1:
        return Answer.NO
    return Answer.MAYBE if unknown >> at & 1 else Answer.YES


_decoder = msgspec.msgpack.Decoder(Descriptor)
_kept = Kept()
