"""Many searches at once: which of them hold a row, without asking each.

Sets of positions are whole numbers with a bit for each, so that thousands of searches are compared
with a row in some dozen operations.
"""

from __future__ import annotations

import functools
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from operator import or_
from typing import Any, NamedTuple

from listings.search import FIELDS, PropertySearch, at_least, at_most

MOST_REMEMBERED = 1_000  # values of a column: some hundred bytes for 1,000 searches each

_COLUMNS = {name: lookup.split("__")[0] for name, (lookup, _) in FIELDS.items()}


def bits(positions: Iterable[int], size: int) -> int:
    """The set of these positions, all below `size`."""
    marks = bytearray(size // 8 + 1)
    for position in positions:
        marks[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(marks, "little")


def positions(found: int) -> Iterator[int]:
    """The positions in a set, in order."""
    text = bin(found)[:1:-1]
    position = text.find("1")
    while position >= 0:
        yield position
        position = text.find("1", position + 1)


class SearchIndex:
    """The same answers as `PropertySearch.matches`, for many searches in their canonical form.

    Searches share their values (there are some dozens of price bounds), so a row is compared with
    each value once, however many searches have it, and what came of that is remembered.
    """

    def __init__(self, searches: Sequence[str]) -> None:
        found = [wanted(text) for text in searches]
        size = len(found)
        by_words: dict[str, list[int]] = defaultdict(list)
        by_statuses: dict[tuple[str, ...], list[int]] = defaultdict(list)
        by_value: dict[str, dict[Any, list[int]]] = {name: defaultdict(list) for name in FIELDS}
        for at, one in enumerate(found):
            if one.words:
                by_words[one.words].append(at)
            by_statuses[one.statuses].append(at)
            for name, value in one.values:
                by_value[name][value].append(at)
        self.by_words = {words: bits(some, size) for words, some in by_words.items()}
        self.full_text: int = functools.reduce(or_, self.by_words.values(), 0)
        self._statuses: dict[str, int] = {}
        for statuses, some in by_statuses.items():
            for status in statuses:
                self._statuses[status] = self._statuses.get(status, 0) | bits(some, size)
        everyone = (1 << size) - 1
        self._fields = [
            _Field(name, {value: bits(some, size) for value, some in values.items()}, everyone)
            for name, values in by_value.items()
            if values
        ]

    def holding(self, row: Mapping[str, Any]) -> int:
        """Those that hold the row; of those in `full_text` only the database knows."""
        found = self._showing(row)
        if found:
            for field in self._fields:
                found &= field[row[field.column]]
        return found

    def holding_both(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[int, int]:
        """Those that hold each of two rows, which have most of their values in common."""
        was, now = self._showing(before), self._showing(after)
        if not (was or now):
            return 0, 0
        for field in self._fields:
            old, new = before[field.column], after[field.column]
            allowed = field[old]
            was &= allowed
            now &= allowed if new == old else field[new]
        return was, now

    def _showing(self, row: Mapping[str, Any]) -> int:
        if not row["internet_entire_listing_display_yn"]:
            return 0
        return self._statuses.get(row["standard_status"], 0)


class _Field(dict[Any, int]):
    """The searches that a value of one field's column leaves the row in, as they are asked for."""

    def __init__(self, name: str, wanting: Mapping[Any, int], everyone: int) -> None:
        super().__init__()
        self.column = _COLUMNS[name]
        self._everyone = everyone
        self._refusal = _refusal(name, wanting)

    def __missing__(self, value: Any) -> int:
        if len(self) >= MOST_REMEMBERED:
            self.clear()
        self[value] = allowed = self._everyone ^ self._refusal(value)
        return allowed


def _refusal(name: str, wanting: Mapping[Any, int]) -> Callable[[Any], int]:
    """Tells which searches a value of a field's column keeps the row out of.

    `wanting`: bound → the searches that set it. Bounds of numbers are in order, so that the place
    of a value among them tells all that refuse it.
    """
    holds = FIELDS[name][1]
    everyone: int = functools.reduce(or_, wanting.values())
    if holds not in (at_least, at_most):
        return lambda value: everyone & ~wanting.get(value, 0)
    bounds = sorted(wanting)
    first = accumulate((wanting[bound] for bound in bounds), or_)
    up_to: list[int] = [0, *first]  # those with the first n bounds

    def refusing(value: Any) -> int:
        if value is None:
            return everyone
        number = Decimal(str(value))  # as `at_least` and `at_most` compare
        if holds is at_most:
            return up_to[bisect_left(bounds, number)]
        return everyone & ~up_to[bisect_right(bounds, number)]

    return refusing


class Wanted(NamedTuple):
    """What decides whether a row is in a search."""

    statuses: tuple[str, ...]
    values: tuple[tuple[str, Any], ...]  # of the fields that the search sets
    words: str  # for full text; empty: none

    def is_within(self, other: Wanted) -> bool:
        """Whether each row that is in this search is in the other one, too."""
        if not set(self.statuses) <= set(other.statuses) or other.words not in ("", self.words):
            return False
        own = dict(self.values)
        # A bound, or a value, of the other holds for our own: then it holds for all our rows.
        return all(
            name in own and FIELDS[name][1](own[name], value) for name, value in other.values
        )


@functools.lru_cache(maxsize=65_536)
def wanted(text: str) -> Wanted:
    """What a search in its canonical form sets.

    Raises:
        InvalidSearch: it is no such form.
    """
    search = PropertySearch.from_canonical(text)
    values = ((name, getattr(search, name)) for name in FIELDS)
    set_ = tuple((name, value) for name, value in values if value not in ("", None))
    return Wanted(search.statuses(), set_, search.q)
