"""Whether a search still finds more than can be counted, without counting each time.

A stop in such a search matters only if it now finds 1,000 or fewer. Asked of the database for each
of hundreds of searches, that took 300 ms an event. So a count is remembered as a lower bound: since
it was taken, a search can have lost no more listings than changes were logged, and the ids of the
change log's sequence say how many those were, by whomever they were made or applied. An event that
stands for a whole table has one id, so whoever applies it skips as many as make every bound
useless, before it empties the cache.

One thread of a process may ask; its transaction has claimed events, so it has an id.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from django.db import connection

from invalidation_worker.models import ChangeEvent
from listings import queries
from listings.search import COUNT_CAP, PropertySearch
from listings.search_index import wanted

COUNT_TO = 3 * COUNT_CAP  # so far a count costs 1 ms, and is good for up to 2,000 changes
MOST_REMEMBERED = 65_536
MOST_NARROW = 128  # searches that vouch for wider ones: looking through them takes 0.2 ms

_ISSUED = f"SELECT last_value FROM {ChangeEvent._meta.db_table}_id_seq"
_SKIP = f"SELECT count(nextval('{ChangeEvent._meta.db_table}_id_seq')) FROM generate_series(1, %s)"
_TRANSACTIONS = """
    SELECT pg_current_xact_id()::text::bigint, pg_snapshot_xmin(pg_current_snapshot())::text::bigint
"""


class _Pending(NamedTuple):
    """Ids that had been given out when this process looked, in a transaction of its own."""

    issued: int
    own: int  # that transaction
    barrier: int = 0  # our next one, younger than whoever was given one of the ids; 0: not yet


class _Bound(NamedTuple):
    found: int
    settled: int  # the count has seen every change up to this id

    def holds(self, issued: int) -> bool:
        return self.found - (issued - self.settled) > COUNT_CAP


class CappedCounts:
    """What one process knows of the searches that find more than can be counted."""

    def __init__(self) -> None:
        self._settled: int | None = None  # no change up to this id is still under way
        self._pending: _Pending | None = None
        self._bounds: dict[str, _Bound] = {}
        self._narrow: OrderedDict[str, None] = OrderedDict()  # counted; lately useful ones first

    def issued(self) -> int:
        """The ids that changes have been given until now. Ask once a batch, after its claim."""
        with connection.cursor() as cursor:
            cursor.execute(_ISSUED)
            (issued,) = cursor.fetchone()
            cursor.execute(_TRANSACTIONS)
            own, oldest_running = cursor.fetchone()
        pending = self._pending
        if issued < max(self._settled or 0, pending.issued if pending else 0):
            self._settled = pending = None  # the sequence began anew
            self._bounds.clear()
        if pending and not pending.barrier and own != pending.own:
            pending = pending._replace(barrier=own)
        if pending and pending.barrier and oldest_running >= pending.barrier:
            self._settled, pending = pending.issued, None
        self._pending = pending or _Pending(issued, own)
        return int(issued)

    def holds(self, search: str, issued: int) -> bool:
        """Whether a search (in canonical form) finds more than 1,000, after so many changes."""
        bound = self._bounds.get(search)
        if bound and bound.holds(issued):
            return True
        if bound := self._bound_of_narrower(search, issued):
            self._remember(search, bound)
            return True
        count = queries.count_now(PropertySearch.from_canonical(search), COUNT_TO)
        if self._settled is not None and count > COUNT_CAP:
            self._remember(search, _Bound(count, self._settled))
            self._narrow[search] = None
            self._narrow.move_to_end(search, last=False)
            if len(self._narrow) > MOST_NARROW:
                self._narrow.popitem()
        return count > COUNT_CAP

    def _remember(self, search: str, bound: _Bound) -> None:
        if len(self._bounds) >= MOST_REMEMBERED:
            self._bounds.clear()
        self._bounds[search] = bound

    def _bound_of_narrower(self, search: str, issued: int) -> _Bound | None:
        """What finds no more than this search, and finds more than can be counted."""
        asked = wanted(search)
        for narrower in self._narrow:
            bound = self._bounds.get(narrower)
            if bound and bound.holds(issued) and wanted(narrower).is_within(asked):
                self._narrow.move_to_end(narrower, last=False)
                return bound
        return None


def skip_ids() -> None:
    """Make every remembered count, of any process, useless: more has changed than was counted."""
    with connection.cursor() as cursor:
        cursor.execute(_SKIP, [COUNT_TO])


capped_counts = CappedCounts()
