"""What the two peers that cache querysets have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks import inventory
from benchmarks.contestants import Entry, Queries, Served
from benchmarks.querysets import Part, evaluated, page
from benchmarks.reads import Read

_OF_ONE_LISTING = {"detail", "likeness", "photos", "open_houses", "history"}


class QuerysetCache:
    """Keeps a book of what the peer keeps: filled when a part of a page asks the database."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._cities = {home.city_key: home.city for home in inventory.load().homes}
        self._kept: dict[Part, Any] = {}

    def read(self, read: Read) -> Served:
        before = self._queries.number
        value = page(read, self._ask)
        return Served(value, hit=self._queries.number == before)

    def fresh(self, read: Read) -> object:
        return page(read, self._uncached)

    def live(self) -> Iterator[Entry]:
        for part, value in self._kept.items():
            yield _entry(part, value)

    def compute(self, entry: Entry) -> object:
        return self._uncached(entry.about)

    def cause(self, entry: Entry) -> str:
        return "its own rules"

    def rest(self, seconds: float) -> None:
        pass

    def not_counted(self) -> float:
        return 0.0

    def _ask(self, part: Part) -> Any:
        before = self._queries.number
        value = evaluated(part, self._cities)
        if self._queries.number > before:
            self._filled(part, value)
        return value

    def _filled(self, part: Part, value: Any) -> None:
        self._kept[part] = value

    def _uncached(self, part: Part) -> Any:
        return evaluated(part, self._cities, uncached=True)

    def _drop(self, part: Part) -> Entry:
        return _entry(part, self._kept.pop(part))


def _entry(part: Part, value: Any) -> Entry:
    listing = part.about[0] if part.name in _OF_ONE_LISTING else ""
    return Entry(part.name, part, value, listing)
