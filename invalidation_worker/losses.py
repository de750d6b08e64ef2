"""What the changes that this process has applied have taken out of searches.

Asked of many changes at once: a set of them is a whole number with a bit for each, and what a bound
makes of each change is remembered for all searches that have it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import accumulate
from operator import or_
from typing import Any, NamedTuple

from invalidation_worker.change_log import Image
from invalidation_worker.decide import Change
from listings.search import FIELDS, SEARCHED, at_least, at_most
from listings.search_index import MOST_REMEMBERED, Wanted, bits

BLOCK = 80  # changes that are looked at together: as many as a batch has
MOST_BLOCKS = 50  # some megabytes; older changes are as good as unknown

_NOWHERE: Image = dict.fromkeys(SEARCHED)  # as the row of a change stands that moves none
_STATUSES = "statuses"
_COLUMNS = {name: lookup.split("__")[0] for name, (lookup, _) in FIELDS.items()}
_COLUMNS[_STATUSES] = "standard_status"
_LEAST = {name for name, (_, holds) in FIELDS.items() if holds is at_least}
_MOST = {name for name, (_, holds) in FIELDS.items() if holds is at_most}
_NUMBERS = {_COLUMNS[name] for name in _LEAST | _MOST}


class Known(NamedTuple):
    """Of the changes after some id."""

    changes: int  # those of which this knows what they did
    stops: int  # and those of them that took a listing out of the search


class Losses:
    """The last 4,000 changes, by their ids in the change log."""

    def __init__(self) -> None:
        self._blocks: deque[_Block] = deque(maxlen=MOST_BLOCKS)

    def note(self, changes: Iterable[Change]) -> None:
        """Remember these. A change that comes again, after a rollback, counts once.

        An event of another table makes changes of several listings, but moves none of them.

        Raises:
            KeyError: an image lacks a column by which is searched; nothing is known of its change.
        """
        known = set().union(*(block.ids for block in self._blocks))
        for change in changes:
            if change.event not in known:
                known.add(change.event)
                if not self._blocks or len(self._blocks[-1].ids) >= BLOCK:
                    self._blocks.append(_Block())
                self._blocks[-1].add(change)

    def since(self, wanted: Wanted, settled: int) -> Known:
        """What is known of the changes with an id above `settled`, for one search."""
        parts = [block.since(wanted, settled) for block in self._blocks if block.last > settled]
        return Known(sum(part.changes for part in parts), sum(part.stops for part in parts))

    def clear(self) -> None:
        self._blocks.clear()


class _Block:
    """Some changes, each at its position."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.last = 0
        self._rows: list[tuple[Image, Image]] = []  # before and after
        self._later: dict[int, int] = {}  # id → the changes with higher ones
        self._values: dict[str, tuple[_Values, _Values]] = {}  # of a column, before and after
        self._meeting: dict[tuple[str, Any], tuple[int, int]] = {}

    def add(self, change: Change) -> None:
        rows = _NOWHERE, _NOWHERE
        if not SEARCHED.isdisjoint(change.columns):
            rows = _searched(change.before), _searched(change.after)
        self._rows.append(rows)
        self.ids.append(change.event)
        self.last = max(self.last, change.event)
        for known in (self._later, self._values, self._meeting):
            known.clear()

    def since(self, wanted: Wanted, settled: int) -> Known:
        if settled not in self._later:
            later = (at for at, one in enumerate(self.ids) if one > settled)
            self._later[settled] = bits(later, len(self.ids))
        was = now = later_ones = self._later[settled]
        number = later_ones.bit_count()
        if wanted.words:
            return Known(number, number)  # what full text finds, nobody knows here
        for field, value in ((_STATUSES, wanted.statuses), *wanted.values):
            before, after = self._met(field, value)
            was &= before
            now &= after
        return Known(number, (was & ~now).bit_count())

    def _met(self, field: str, wanted: Any) -> tuple[int, int]:
        """The changes before and after which the row meets one condition of a search."""
        if (field, wanted) not in self._meeting:
            if len(self._meeting) >= MOST_REMEMBERED:  # visitors choose the values
                self._meeting.clear()
            column = _COLUMNS[field]
            if column not in self._values:
                before, after = zip(*self._rows, strict=True)
                self._values[column] = _values(column, before), _values(column, after)
            was, now = (_meeting(some, field, wanted) for some in self._values[column])
            self._meeting[field, wanted] = was, now
        return self._meeting[field, wanted]


class _Values(NamedTuple):
    """The values of one column, in order if they are numbers, and the rows that have them."""

    values: list[Any]
    rows: list[int]  # those with each value
    first: list[int]  # those with the first n values


def _searched(image: Image | None) -> Image:
    if image is None or not image["internet_entire_listing_display_yn"]:
        return _NOWHERE
    return {name: image[name] for name in SEARCHED}


def _values(column: str, rows: Sequence[Image]) -> _Values:
    found: dict[Any, int] = {}
    for at, row in enumerate(rows):
        value = row[column]
        if value is not None:
            found[value] = found.get(value, 0) | 1 << at
    values = sorted(found) if column in _NUMBERS else list(found)
    each = [found[value] for value in values]
    return _Values(values, each, [0, *accumulate(each, or_)])


def _meeting(some: _Values, field: str, wanted: Any) -> int:
    """The rows that meet one condition of a search."""
    values, rows, first = some
    if field in _LEAST:
        return first[-1] & ~first[bisect_left(values, wanted)]
    if field in _MOST:
        return first[bisect_right(values, wanted)]
    allowed = wanted if field == _STATUSES else (wanted,)
    return reduce(or_, (rows[at] for at, one in enumerate(values) if one in allowed), 0)
