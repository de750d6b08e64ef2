"""Our own pages in a plain cache with a TTL, flushed on every write or not at all."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.cache import cache

from benchmarks.contestants import Entry, Queries, Served
from benchmarks.reads import Read
from benchmarks.settings import TTL_SECONDS
from benchmarks.writes import Write
from benchmarks.writing import carry_out
from listings.cache.reading import bypass
from listings.site import PAGES

Name = tuple[str, str]
OF_ONE_LISTING = ("property_detail", "api_property")


class Plain:
    def __init__(self, flushes: bool) -> None:
        self._flushes = flushes
        self._kept: dict[Name, bytes] = {}
        self._dropped: list[Entry] = []

    def read(self, read: Read) -> Served:
        name = (read.page, read.arguments)
        key = f"page:{read.page}:{read.arguments}"
        kept: bytes | None = cache.get(key)
        if kept is not None:
            return Served(kept, hit=True)
        body = self._kept[name] = _page(name)
        cache.set(key, body, TTL_SECONDS)
        return Served(body, hit=False)

    def fresh(self, read: Read) -> bytes:
        return _page((read.page, read.arguments))

    def write(self, write: Write) -> None:
        carry_out(write)
        if self._flushes:
            cache.clear()

    def dropped(self) -> list[Entry]:
        if not self._flushes:
            return []
        gone = list(self.live())
        self._kept = {}
        return gone

    def live(self) -> Iterator[Entry]:
        for (page, arguments), body in self._kept.items():
            listing = arguments if page in OF_ONE_LISTING else ""
            yield Entry(f"page {page}", (page, arguments), body, listing)

    def compute(self, entry: Entry) -> bytes:
        return _page(entry.about)

    def cause(self, entry: Entry) -> str:
        return "flush"

    def rest(self, seconds: float) -> None:
        pass

    def not_counted(self) -> float:
        return 0.0

    def snapshot(self) -> dict[Name, bytes]:
        return self._kept.copy()

    def restore(self, snapshot: dict[Name, bytes]) -> None:
        self._kept = snapshot.copy()


def create(name: str, _: Queries) -> Plain:
    return Plain(flushes=name == "flush")


def _page(name: Name) -> bytes:
    with bypass():
        return PAGES[name[0]].content(name[1]).body
