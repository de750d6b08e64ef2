"""Which dependencies each change of a batch may affect, and where its row stood and stands."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from invalidation_worker.candidates import Candidates
from invalidation_worker.change_log import Image
from invalidation_worker.decide import Change
from listings import queries
from listings.cache.dependencies import Dependency, Place
from listings.search_index import bits, positions
from listings.sort import Sort


class Cause(NamedTuple):
    """Why an entry is dropped: the first reason that was found, of perhaps several."""

    event: int
    dependency: Dependency | None  # none: anything can change the entry


# What moves a row in each sort, and nothing else does.
_ORDERED_BY = {
    queries.BY_KEY: "listing_key",
    Sort.NEWEST: "original_entry_timestamp",
    Sort.PRICE: "list_price",
    Sort.PRICE_DOWN: "list_price",
    Sort.LIVING_AREA_DOWN: "living_area",
}
_SORTS: dict[str, Sort] = {sort.value: sort for sort in Sort}


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
            before, after, column = self.change.before, self.change.after, _ORDERED_BY[sort]
            if before and after and before[column] == after[column]:
                self._after[sort] = self.before(sort)  # a key never changes: that is another row
            else:
                self._after[sort] = _place(sort, after)
        return self._after[sort]


class Plan:
    """Which of some candidates each change of a batch may affect, and which it was found to."""

    def __init__(self, candidates: Candidates, standings: Iterable[Standing]) -> None:
        self.candidates = candidates
        self.steps = []  # the change, those that held its row before and after, those to decide
        self.any = 0
        stopped = 0  # the searches that a row has left, words apart
        self.causes: dict[int, Cause] = {}  # of each affected dependency, by its identity
        for standing in standings:
            change = standing.change
            held = candidates.holding_both(change.before, change.after)
            may = candidates.of(change.key, *held, standing.before, standing.after)
            self.steps.append((standing, held, may))
            self.any |= may
            stopped |= held[0] ^ held[0] & held[1]
        # A start changes nothing of "more than 1,000", and so does a stop while there are more.
        self.stopped = stopped & candidates.capped
        self._decided = candidates.capped & ~stopped

    def touched(self, live: Collection[int]) -> int:
        """The live dependencies that may be affected."""
        found = positions(self.any)
        size = len(self.candidates.dependencies)
        return bits((at for at in found if id(self.candidates.dependencies[at]) in live), size)

    def undecided(self, some: int) -> int:
        """Those of which nobody has asked before: pages share dependencies with querysets. The
        caller will decide them.
        """
        some &= ~self._decided
        self._decided |= some
        return some


def _place(sort: str, image: Image | None) -> Place:
    assert image is not None
    if sort == queries.BY_KEY:
        return (str(image["listing_key"]),)
    return _SORTS[sort].place(image.__getitem__)
