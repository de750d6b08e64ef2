"""What there is in the model of two layers: the database, the cache server, readers, workers.

A version of the data is the number of commits that it has seen. Every commit changes what the
page shows, so a value is old as soon as its version is below that of an applied commit.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.protocol import server
from tests.protocol.rules import Rules
from tests.protocol.server import Entry

# Where a reader is in its read.
IDLING, LOADING_PAGE, LOADING_ROWS, HAS_ROWS, HAS_PAGE, ROWS_FAILED = range(6)


class Reader(NamedTuple):
    at: int = IDLING
    began: int = 0  # the newest applied commit when it began: it may not be shown less
    content: int = 0  # the version it has in hand


class Worker(NamedTuple):
    events: tuple[int, ...] = ()  # claimed: no other worker sees them meanwhile
    at: int = 0  # how many steps of the plan are done
    found: tuple[str, ...] = ()  # entries seen in their registries and not yet dropped


class State(NamedTuple):
    version: int = 0  # of the committed data
    log: tuple[int, ...] = ()  # events, in order, each the version that its commit brought
    page: Entry = server.GONE
    rows: Entry = server.GONE  # the queryset entry that the page is filled from
    readers: tuple[Reader, ...] = ()
    workers: tuple[Worker, ...] = ()
    wrong: str = ""  # an answer that should not have been given

    @property
    def applied(self) -> int:
        """The newest applied commit. What a worker still holds is not applied."""
        newest = self.version
        while newest in self.log or any(newest in worker.events for worker in self.workers):
            newest -= 1
        return newest

    def entries(self) -> tuple[tuple[str, Entry], ...]:
        return ("page", self.page), ("rows", self.rows)

    def with_entry(self, name: str, entry: Entry) -> State:
        return self._replace(page=entry) if name == "page" else self._replace(rows=entry)

    def with_reader(self, number: int, reader: Reader) -> State:
        readers = self.readers
        return self._replace(readers=(*readers[:number], reader, *readers[number + 1 :]))

    def with_worker(self, number: int, worker: Worker) -> State:
        workers = self.workers
        return self._replace(workers=(*workers[:number], worker, *workers[number + 1 :]))

    def flushed(self, rules: Rules) -> State:
        page, rows = server.flush(self.page, rules), server.flush(self.rows, rules)
        return self._replace(page=page, rows=rows)
