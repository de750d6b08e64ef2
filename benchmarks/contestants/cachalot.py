"""django-cachalot, as it comes: a write makes everything old that was read from its tables."""

from __future__ import annotations

from typing import Any

from cachalot.api import cachalot_disabled
from cachalot.signals import post_invalidation

from benchmarks.contestants import Entry, Queries
from benchmarks.contestants.querysets import QuerysetCache
from benchmarks.querysets import Part, evaluated, table
from benchmarks.writes import Write
from benchmarks.writing import carry_out


def create(_: str, queries: Queries) -> Cachalot:
    return Cachalot(queries)


class Cachalot(QuerysetCache):
    def __init__(self, queries: Queries) -> None:
        super().__init__(queries)
        self._tables: set[str] = set()
        post_invalidation.connect(self._invalidated)

    def write(self, write: Write) -> None:
        carry_out(write)

    def dropped(self) -> list[Entry]:
        tables, self._tables = self._tables, set()
        return [self._drop(part) for part in list(self._kept) if table(part) in tables]

    def snapshot(self) -> dict[Part, Any]:
        return self._kept.copy()

    def restore(self, snapshot: dict[Part, Any]) -> None:
        self._kept = snapshot.copy()

    def _uncached(self, part: Part) -> Any:
        with cachalot_disabled():
            return evaluated(part, self._cities)

    def _invalidated(self, sender: str, **_: Any) -> None:
        self._tables.add(sender)
