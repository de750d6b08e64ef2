"""Two layers under everything that can go wrong: what may happen next, and what must hold."""

from __future__ import annotations

from functools import partial

from tests.protocol import readers, server, workers
from tests.protocol.explore import Model, Steps
from tests.protocol.rules import SOUND, Rules
from tests.protocol.state import Reader, State, Worker
from tests.protocol.symmetry import readers_in_order


def model(
    rules: Rules = SOUND, commits: int = 1, reader_count: int = 2, worker_count: int = 1
) -> Model[State]:
    """Nothing is stored yet; the database has seen no commit."""
    initial = State(readers=(Reader(),) * reader_count, workers=(Worker(),) * worker_count)
    return Model(initial, partial(_steps, rules=rules, commits=commits), _fault, _canonical)


def _steps(state: State, rules: Rules, commits: int) -> Steps[State]:
    if state.version < commits:
        version = state.version + 1
        yield f"commit {version}", state._replace(version=version, log=(*state.log, version))
    for number in range(len(state.workers)):
        yield from workers.steps(state, number, rules)
    for number in range(len(state.readers)):
        yield from readers.steps(state, number, rules)
    yield from _losses(state, rules)
    yield "flush", state.flushed(rules)


def _losses(state: State, rules: Rules) -> Steps[State]:
    """What the cache server loses by itself, and what its housekeeping takes away.

    A lease that expires, while its filler may still be at work, is as one that is evicted.
    """
    for name, entry in state.entries():
        if entry.value is not None:
            yield f"{name} evicted", state.with_entry(name, entry._replace(value=None))
        if not entry.is_free:
            lost = entry._replace(lease=server.NOBODY)
            yield f"lease of {name} expires", state.with_entry(name, lost)
        if entry.registered:
            yield f"{name} swept", state.with_entry(name, server.sweep(entry, rules))


def _fault(state: State) -> str:
    if state.wrong:
        return state.wrong
    for name, entry in state.entries():
        if entry.value is not None:
            if entry.value < state.applied:
                return f"{name} {entry.value} is stored, but {state.applied} is applied"
            if not entry.registered:
                return f"{name} is stored and not registered"
    return ""


def _canonical(state: State) -> State:
    """Readers, and workers, are alike: only what they are doing matters."""
    state, ordered = readers_in_order(state), tuple(sorted(state.workers))
    return state if ordered == state.workers else state._replace(workers=ordered)
