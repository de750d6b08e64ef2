"""Two layers under everything that can go wrong: who may do what next, and what must hold.

A version of the data is the number of commits it has seen. Every commit changes what the page
shows, so a stored value is old as soon as its version is below that of an applied commit.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from tests.protocol import readers, server, workers
from tests.protocol.explore import Model, Steps
from tests.protocol.readers import Reader
from tests.protocol.rules import SOUND, Rules
from tests.protocol.server import Entry
from tests.protocol.workers import Worker


class State(NamedTuple):
    """PostgreSQL, the cache server, and everybody who talks to them."""

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


def model(
    rules: Rules = SOUND, commits: int = 2, reader_count: int = 2, worker_count: int = 1
) -> Model[State]:
    initial = State(readers=(readers.IDLE,) * reader_count, workers=(workers.IDLE,) * worker_count)
    return Model(initial, partial(_steps, rules=rules, commits=commits), _fault, _canonical)


def _steps(state: State, rules: Rules, commits: int) -> Steps[State]:
    if state.version < commits:
        following = state.version + 1
        log = (*state.log, following)
        yield f"commit {following}", state._replace(version=following, log=log)
    for number in range(len(state.workers)):
        yield from workers.steps(state, number, rules)
    for number in range(len(state.readers)):
        yield from readers.steps(state, number, rules)
    yield from _losses(state, rules)


def _losses(state: State, rules: Rules) -> Steps[State]:
    """What the cache server loses by itself, and what its housekeeping takes away."""
    for name in ("page", "rows"):
        entry: Entry = getattr(state, name)
        if entry.value is not None:
            yield f"{name} evicted", state._replace(**{name: entry._replace(value=None)})
        if not entry.is_free:
            lost = entry._replace(lease=server.NOBODY)
            yield f"lease of {name} expires", state._replace(**{name: lost})
        if entry.registered and (swept := server.sweep(entry, rules)) is not entry:
            yield f"{name} swept", state._replace(**{name: swept})
    yield "flush", flushed(state, rules)


def flushed(state: State, rules: Rules) -> State:
    page, rows = server.flush(state.page, rules), server.flush(state.rows, rules)
    return state._replace(page=page, rows=rows)


def _fault(state: State) -> str:
    if state.wrong:
        return state.wrong
    for name in ("page", "rows"):
        entry: Entry = getattr(state, name)
        if entry.value is not None:
            if entry.value < state.applied:
                return f"{name} {entry.value} is stored, but {state.applied} is applied"
            if not entry.registered:
                return f"{name} is stored and not registered"
    return ""


def _canonical(state: State) -> State:
    """Readers, and workers, are alike: only what they are doing matters."""
    page, rows = state.page.lease, state.rows.lease
    doing = [(reader, page == n, rows == n) for n, reader in enumerate(state.readers)]
    who = sorted(range(len(doing)), key=doing.__getitem__)
    if who != sorted(who):
        new_name = {old: new for new, old in enumerate(who)} | {server.NOBODY: server.NOBODY}
        state = state._replace(
            readers=tuple(state.readers[n] for n in who),
            page=state.page._replace(lease=new_name[page]),
            rows=state.rows._replace(lease=new_name[rows]),
        )
    workers = tuple(sorted(state.workers))
    return state if workers == state.workers else state._replace(workers=workers)
