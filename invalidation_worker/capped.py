"""Whether a search still finds more than can be counted, without counting each time.

A stop in such a search matters only if it now finds 1,000 or fewer. Asked of the database for each
of hundreds of searches, that took 300 ms an event. So a count is remembered as a lower bound, from
the fill of the entry (`Count.found`) or from the last time that the database was asked. Since then
a search can have lost no more listings than changes were logged, and the ids of the change log's
sequence say how many those were, by whomever they were made or applied; of the changes that this
process has applied it knows how many took a listing out (`losses.py`). An event that stands for a
whole table has one id, so whoever applies it skips as many as make every bound useless, before it
empties the cache.

Which ids a count has seen: a transaction is given its own id before it is given any of the log's.
So what was given out by the log before one of our transactions began belongs to older ones, and a
count that is not older than the end of all of those has seen it.

One thread of a process may ask; its transaction has claimed events, so it has an id.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection

from invalidation_worker.change_log import Mark
from invalidation_worker.decide import Change
from invalidation_worker.losses import Losses
from invalidation_worker.models import ChangeEvent
from listings import counting
from listings.cache.dependencies import Count
from listings.search import COUNT_CAP, COUNT_TO, PropertySearch
from listings.search_index import wanted

MOST_REMEMBERED = 65_536
MOST_NARROW = 128  # searches that vouch for wider ones: looking through them takes 0.2 ms
MOST_MARKS = 20_000  # batches of an hour or so
MOST_ASKED = 100  # searches in one statement

_SKIP = f"SELECT count(nextval('{ChangeEvent._meta.db_table}_id_seq')) FROM generate_series(1, %s)"


class _Bound(NamedTuple):
    found: int
    settled: int  # the count has seen every change up to this id

    def holds(self, issued: int) -> bool:
        return self.found - (issued - self.settled) > COUNT_CAP


class CappedCounts:
    """What one process knows of the searches that find more than can be counted."""

    def __init__(self) -> None:
        self._last: Mark | None = None
        # A later transaction of ours → ids given out before it began; both ascend.
        self._began: list[int] = []
        self._issued: list[int] = []
        self._bounds: dict[str, _Bound] = {}
        self._narrow: OrderedDict[str, None] = OrderedDict()  # counted; lately useful ones first
        self._losses = Losses()

    def note(self, changes: Iterable[Change]) -> None:
        """Remember what these did, which the batch is about to apply.

        Raises:
            KeyError: an image lacks a column by which is searched.
        """
        self._losses.note(changes)

    def begin(self, mark: Mark) -> None:
        """Go on to the batch that saw this when it claimed its events."""
        last = self._last
        if last and (mark.issued < last.issued or mark.transaction < last.transaction):
            last = None  # the database began anew
            for known in (self._began, self._issued, self._bounds, self._narrow, self._losses):
                known.clear()
        if last and mark.transaction != last.transaction:
            self._began.append(mark.transaction)
            self._issued.append(last.issued)
            if len(self._began) > MOST_MARKS:  # a bound then counts from a somewhat lower id
                del self._began[::2], self._issued[::2]
        self._last = mark

    def holding(self, counts: Iterable[Count]) -> dict[str, bool]:
        """Which of these searches find more than 1,000, after all changes that the batch saw."""
        assert self._last, "a batch has begun"
        issued = self._last.issued
        answers: dict[str, bool] = {}
        unknown = set()
        for count in counts:
            if self._is_known(count, issued):
                answers[count.search] = True
            else:
                unknown.add(count.search)
        unknown -= answers.keys()
        while unknown:
            asked = _narrowest(unknown)[:MOST_ASKED]
            answers.update(zip(asked, self._ask(asked), strict=True))
            unknown -= answers.keys()
            vouched = {one for one in unknown if self._is_vouched_for(one, issued)}
            answers.update(dict.fromkeys(vouched, True))
            unknown -= vouched
        return answers

    def _is_known(self, count: Count, issued: int) -> bool:
        search = count.search
        bounds = [self._bounds.get(search), self._bound_of_fill(count)]
        for bound in bounds:
            if bound and bound.holds(issued):
                self._remember(search, bound)
                return True
        for bound in bounds:
            if bound and (now := self._without_losses(search, bound, issued)).holds(issued):
                self._remember(search, now)
                return True
        return self._is_vouched_for(search, issued)

    def _bound_of_fill(self, count: Count) -> _Bound | None:
        settled = self._settled(count.finished)
        return None if settled is None else _Bound(count.found, settled)

    def _settled(self, finished: int) -> int | None:
        """The id up to which a count has seen all that was logged; none: too long ago to know."""
        at = bisect_right(self._began, finished)
        return self._issued[at - 1] if at else None

    def _without_losses(self, search: str, bound: _Bound, issued: int) -> _Bound:
        """The same, as of now: less the known stops, and each change of which nothing is known."""
        known = self._losses.since(wanted(search), bound.settled)
        unknown = issued - bound.settled - known.changes
        return _Bound(bound.found - unknown - known.stops, issued)

    def _ask(self, searches: list[str]) -> list[bool]:
        counted = counting.counts_now([PropertySearch.from_canonical(one) for one in searches])
        for search, (number, finished) in zip(searches, counted, strict=True):
            settled = self._settled(finished)
            if settled is not None and number > COUNT_CAP:
                self._remember(search, _Bound(number, settled))
                self._narrow[search] = None
                self._narrow.move_to_end(search, last=False)
                if len(self._narrow) > MOST_NARROW:
                    self._narrow.popitem()
        return [number > COUNT_CAP for number, _ in counted]

    def _remember(self, search: str, bound: _Bound) -> None:
        if len(self._bounds) >= MOST_REMEMBERED:
            self._bounds.clear()
        self._bounds[search] = bound

    def _is_vouched_for(self, search: str, issued: int) -> bool:
        """Whether what finds no more than this search finds more than can be counted."""
        asked = wanted(search)
        for narrower in self._narrow:
            bound = self._bounds.get(narrower)
            if bound and bound.holds(issued) and wanted(narrower).is_within(asked):
                self._narrow.move_to_end(narrower, last=False)
                self._remember(search, bound)
                return True
        return False


def _narrowest(searches: Iterable[str]) -> list[str]:
    """Those within which no other is: they may vouch for all the others."""
    found: list[str] = []
    for search in sorted(searches, key=lambda one: -len(wanted(one).values)):
        if not any(wanted(one).is_within(wanted(search)) for one in found):
            found.append(search)
    return found


def skip_ids() -> None:
    """Make every remembered count, of any process, useless: more has changed than was counted."""
    with connection.cursor() as cursor:
        cursor.execute(_SKIP, [COUNT_TO])


capped_counts = CappedCounts()
