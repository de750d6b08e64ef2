"""A registry of which workers remember what they read, and its journal, which says what is new.

A journal is made by the first worker that puts its mark there, and only then begins to read the
registry as a whole. From then on each lease is told there. A worker that finds its own mark again
reads only the entries that were told after it; if the mark is gone, with or without the journal, it
reads the whole registry again. What goes from a registry is not told: whoever drops an entry
forgets it, and what others have dropped is only dropped again.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from tests.protocol import server
from tests.protocol.explore import Model, Steps
from tests.protocol.rules import SOUND, Rules
from tests.protocol.server import Entry
from tests.protocol.symmetry import readers_in_order

# Where a reader is in its read, and a worker in its apply.
IDLING, LOADING, LOADED = range(3)
CLAIMING, LOOKING, SCANNING, MARKING, DROPPING, COMMITTING = range(6)
TOLD = -1  # in the journal: a lease. Any other number is the mark of that worker.

Journal = tuple[int, ...]


class Reader(NamedTuple):
    at: int = IDLING
    content: int = 0  # the version it has in hand


class Worker(NamedTuple):
    events: tuple[int, ...] = ()
    at: int = CLAIMING
    found: bool = False  # the entry is to be dropped
    # ---- what it remembers from batch to batch ----
    has_read: bool = False  # the whole registry; it left its mark before
    remembers: bool = False  # that the entry is registered


class State(NamedTuple):
    version: int = 0
    log: tuple[int, ...] = ()
    page: Entry = server.GONE
    rows: Entry = server.GONE  # there are none: readers are told apart as in the other models
    # None: there is none. What cannot matter is left out: marks before the same worker's latest,
    # leases before all marks, and of several leases between two marks all but one.
    journal: Journal | None = None
    readers: tuple[Reader, ...] = ()
    workers: tuple[Worker, ...] = ()

    @property
    def applied(self) -> int:
        newest = self.version
        while newest in self.log or any(newest in worker.events for worker in self.workers):
            newest -= 1
        return newest

    def with_reader(self, number: int, reader: Reader) -> State:
        readers = self.readers
        return self._replace(readers=(*readers[:number], reader, *readers[number + 1 :]))

    def with_worker(self, number: int, worker: Worker) -> State:
        workers = self.workers
        return self._replace(workers=(*workers[:number], worker, *workers[number + 1 :]))

    def marked(self, number: int) -> State:
        """A worker puts its mark at the end of the journal, and makes one if there is none."""
        journal = (*(one for one in self.journal or () if one != number), number)
        return self._replace(journal=_what_matters(journal))

    def told(self) -> State:
        """An entry is told, where there is a journal."""
        if self.journal is None:
            return self
        return self._replace(journal=_what_matters((*self.journal, TOLD)))

    def flushed(self, rules: Rules) -> State:
        return self._replace(page=server.flush(self.page, rules), journal=None)


def model(
    rules: Rules = SOUND, commits: int = 2, reader_count: int = 2, worker_count: int = 1
) -> Model[State]:
    initial = State(readers=(Reader(),) * reader_count, workers=(Worker(),) * worker_count)
    steps = partial(_steps, rules=rules, commits=commits)
    return Model(initial, steps, _fault, readers_in_order)


def _steps(state: State, rules: Rules, commits: int) -> Steps[State]:
    if state.version < commits:
        version = state.version + 1
        yield f"commit {version}", state._replace(version=version, log=(*state.log, version))
    for number in range(len(state.readers)):
        yield from _reads(state, number, rules)
    for number, worker in enumerate(state.workers):
        who = f"worker {number + 1}"
        if worker.at != CLAIMING:
            yield f"{who} dies", state.with_worker(number, Worker())
            rolled_back = worker._replace(events=(), at=CLAIMING, found=False)
            yield f"{who} rolls back", state.with_worker(number, rolled_back)
        for step, after in _applies(state, number, worker, rules):
            yield f"{who} {step}", after
    yield from _losses(state, rules)


def _losses(state: State, rules: Rules) -> Steps[State]:
    page = state.page
    if page.value is not None:
        yield "page evicted", state._replace(page=page._replace(value=None))
    if not page.is_free:
        yield "lease expires", state._replace(page=page._replace(lease=server.NOBODY))
    if page.registered:
        yield "page swept", state._replace(page=server.sweep(page, rules))
    if state.journal is not None:
        # With the last entry of its registry, or by whatever else.
        yield "journal lost", state._replace(journal=None)
        if state.journal:
            yield "journal trimmed", state._replace(journal=_what_matters(state.journal[1:]))
    yield "flush", state.flushed(rules)


def _reads(state: State, number: int, rules: Rules) -> Steps[State]:
    who, reader, page = "AB"[number], state.readers[number], state.page
    if reader.at == IDLING and page.value is None and page.is_free:
        leased = state._replace(page=server.lease(page, number, rules))
        if rules.told_with == "lease":
            leased = leased.told()
        yield f"{who} leases page", leased.with_reader(number, Reader(LOADING))
    if reader.at == LOADING:
        read = Reader(LOADED, state.version)
        yield f"{who} reads version {state.version}", state.with_reader(number, read)
    if reader.at == LOADED:
        filled = server.fill(page, number, reader.content, rules)
        after = state._replace(page=filled).with_reader(number, Reader())
        if rules.told_with == "fill" and filled is not page:
            after = after.told()
        does = "may not store" if filled is page else "stores"
        yield f"{who} {does} page {reader.content}", after


def _applies(state: State, number: int, worker: Worker, rules: Rules) -> Steps[State]:
    to = worker._replace
    if worker.at == CLAIMING:
        held = {event for other in state.workers for event in other.events}
        free = tuple(event for event in state.log if event not in held)
        for batch in sorted({free, *((event,) for event in free)} - {()}):
            claimed = to(events=batch, at=LOOKING)
            yield f"claims {' and '.join(map(str, batch))}", state.with_worker(number, claimed)
    elif worker.at == LOOKING:
        yield from _looks(state, number, worker, rules)
    elif worker.at == SCANNING:
        seen = to(remembers=state.page.registered)
        if rules.marks_first:
            yield "reads the registry", _knows(state, number, seen, rules)
        else:
            unmarked = seen._replace(at=MARKING)
            yield "reads the registry", state.with_worker(number, unmarked)
    elif worker.at == MARKING:
        yield "puts its mark", _knows(state.marked(number), number, worker, rules)
    elif worker.at == DROPPING:
        dropped = state._replace(page=server.invalidate(state.page, rules))
        forgotten = to(at=COMMITTING, found=False, remembers=False)
        yield "drops page", (dropped if worker.found else state).with_worker(number, forgotten)
    else:
        log = tuple(event for event in state.log if event not in worker.events)
        done = to(events=(), at=CLAIMING)
        yield "commits", state._replace(log=log).with_worker(number, done)


def _what_matters(journal: Journal) -> Journal:
    pairs = zip((TOLD, *journal), journal, strict=False)
    return tuple(one for before, one in pairs if not before == one == TOLD)


def _looks(state: State, number: int, worker: Worker, rules: Rules) -> Steps[State]:
    """Asks for what was told since its mark; one script."""
    journal = state.journal or ()
    after = _after_mark(journal, number, rules) if worker.has_read else None
    if after is not None and state.journal is not None:
        if TOLD in after:
            worker = worker._replace(remembers=state.page.registered)
        yield "reads the journal", _knows(state.marked(number), number, worker, rules)
        return
    scanning = worker._replace(at=SCANNING, has_read=False)
    marked = state.marked(number) if rules.marks_first else state
    yield "finds no mark of its own", marked.with_worker(number, scanning)


def _after_mark(journal: Journal, number: int, rules: Rules) -> Journal | None:
    """What stands behind the mark of a worker; none: it is not there."""
    if number in journal:
        return journal[journal.index(number) + 1 :]
    if rules.mark_asked_for == "any":
        marks = [at for at, one in enumerate(journal) if one != TOLD]
        return journal[marks[0] + 1 :] if marks else None
    return journal if rules.mark_asked_for == "nothing" else None


def _knows(state: State, number: int, worker: Worker, rules: Rules) -> State:
    """Its memory is as the registry; what it finds there, it will drop."""
    found = worker.remembers
    kept = found and rules.forgets_when == "dropped"
    worker = worker._replace(at=DROPPING, found=found, has_read=True, remembers=kept)
    return state.with_worker(number, worker)


def _fault(state: State) -> str:
    value = state.page.value
    if value is not None and value < state.applied:
        return f"page {value} is stored, but {state.applied} is applied"
    return ""
