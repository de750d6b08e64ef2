"""Who is measured: each keeps pages, or what pages are made of, and drops what writes change."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any, NamedTuple, Protocol

from django.db import connection

from benchmarks.reads import Read
from benchmarks.writes import Write


class Entry(NamedTuple):
    """Something that a contestant keeps."""

    name: str  # of its kind
    about: Any  # what the contestant needs to compute it anew
    value: Any
    listing: str = ""  # the only listing that can change it; empty: any can


class Served(NamedTuple):
    """What a visitor got, and whether it was ready."""

    value: object
    hit: bool


class Queries:
    """Counts the statements that go to the database."""

    def __init__(self) -> None:
        self.number = 0
        connection.execute_wrappers.append(self._count)

    def _count(self, execute: Any, *arguments: Any) -> Any:
        self.number += 1
        return execute(*arguments)


class Contestant(Protocol):
    """What a round asks for. Values are compared with `==`."""

    def read(self, read: Read) -> Served:
        """What the visitor gets. A hit of a peer that keeps querysets is a page without a query."""

    def fresh(self, read: Read) -> object:
        """What they should get, from the database."""

    def write(self, write: Write) -> None:
        """Make a change, and drop what it makes old."""

    def dropped(self) -> list[Entry]:
        """What has been dropped since the last call, with the values that it had."""

    def live(self) -> Iterable[Entry]:
        """All that is kept."""

    def compute(self, entry: Entry) -> object:
        """The value that this entry should have, from the database."""

    def cause(self, entry: Entry) -> str:
        """Why the last write dropped this entry, as far as is known."""

    def rest(self, seconds: float) -> None:
        """So much logical time passes, in which the contestant may work."""

    def not_counted(self) -> float:
        """CPU seconds of `write` that went into watching, not into invalidating."""

    def snapshot(self) -> object:
        """What this process knows of the entries, to be restored along with the cache."""

    def restore(self, snapshot: Any) -> None: ...


# name → its module, which is imported only where it takes part
MODULES = {
    "ours": "ours",
    "cacheops": "cacheops",
    "cacheops-update": "cacheops",
    "cachalot": "cachalot",
    "flush": "plain",
    "ttl": "plain",
}


def create(name: str, queries: Queries) -> Contestant:
    """The contestant of this name."""
    module = import_module(f"benchmarks.contestants.{MODULES[name]}")
    contestant: Contestant = module.create(name, queries)
    return contestant
