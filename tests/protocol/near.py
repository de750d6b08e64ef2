"""The near cache of one process, kept true by pushes that are delayed but come in order.

The cache server is taken to be sound (see `layers`): it never stores less than was applied. A
generation is modelled by what it is for: each value under way knows whether it has moved. At most
three pushes are under way at a time, and one page stands for its bucket.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from tests.protocol.explore import Model, Steps
from tests.protocol.rules import SOUND, Rules

COMMITS = 2
MOST_PUSHES = 3

# The connection on which pushes come.
TRACKED = "tracked"
LOST = "lost"  # and the process cannot know it yet
LATE = "late"  # no PONG has come within the deadline


class Reader(NamedTuple):
    asking: bool = False
    content: int = 0
    got: bool = False
    moved: bool = False  # the generation, since before the value was asked for


class State(NamedTuple):
    version: int = 0
    applied: int = 0
    stored: int | None = None  # on the cache server
    near: int | None = None
    pushes: int = 0
    connection: str = TRACKED
    readers: tuple[Reader, ...] = (Reader(), Reader())

    def in_use(self, rules: Rules) -> bool:
        return self.connection != LATE or not rules.deadline_switches_off

    def with_reader(self, number: int, reader: Reader) -> State:
        readers = self.readers
        return self._replace(readers=(*readers[:number], reader, *readers[number + 1 :]))


def model(rules: Rules = SOUND) -> Model[State]:
    return Model(State(), partial(_steps, rules=rules), partial(_fault, rules=rules), _canonical)


def _steps(state: State, rules: Rules) -> Steps[State]:
    if state.version < COMMITS:
        yield f"commit {state.version + 1}", state._replace(version=state.version + 1)
    yield from _on_server(state)
    yield from _on_connection(state, rules)
    for number, reader in enumerate(state.readers):
        for step, after in _reading(state, number, reader, rules):
            yield f"{'AB'[number]} {step}", after


def _on_server(state: State) -> Steps[State]:
    """Whatever changes a value is pushed; a filler's own push tells it nothing new."""
    if state.pushes == MOST_PUSHES:
        return
    if state.applied < state.version:
        after = state._replace(applied=state.version)
        yield f"apply {state.version}", _changed(after, None) if state.stored is not None else after
    if state.stored is None:
        yield f"page {state.version} filled", _changed(state, state.version)
    else:
        yield "page evicted", _changed(state, None)


def _changed(state: State, value: int | None) -> State:
    pushes = state.pushes + (state.connection == TRACKED)
    return state._replace(stored=value, pushes=pushes)


def _on_connection(state: State, rules: Rules) -> Steps[State]:
    if state.pushes:
        yield "push", _moved(state)._replace(near=None, pushes=state.pushes - 1)
    if state.connection == TRACKED:
        yield "connection lost", state._replace(connection=LOST, pushes=0)
    elif state.connection == LOST:
        yield "deadline", state._replace(connection=LATE)
    else:
        after = _moved(state) if rules.tracking_advances_generation else state
        near = None if rules.tracking_empties else state.near
        yield "tracking confirmed", after._replace(connection=TRACKED, near=near)


def _moved(state: State) -> State:
    """The generation advances, under whatever is on its way from the cache server."""
    readers = (one._replace(moved=True) if one.asking else one for one in state.readers)
    return state._replace(readers=tuple(readers))


def _reading(state: State, number: int, reader: Reader, rules: Rules) -> Steps[State]:
    """Readers that only look change nothing: `_fault` watches what they would be shown."""
    if not reader.asking:
        yield "notes the generation", state.with_reader(number, Reader(asking=True))
    elif not reader.got:
        if state.stored is None:
            yield "gets nothing", state.with_reader(number, Reader())
        else:
            got = reader._replace(got=True, content=state.stored)
            yield f"gets {state.stored}", state.with_reader(number, got)
    else:
        after = state.with_reader(number, Reader())
        may = not reader.moved or not rules.near_checks_generation
        if may and state.in_use(rules):
            yield f"keeps {reader.content} near", after._replace(near=reader.content)
        else:
            yield "keeps nothing", after


def _fault(state: State, rules: Rules) -> str:
    under_way = state.pushes > 0 or state.connection == LOST
    if state.near is None or not state.in_use(rules) or under_way:
        return ""
    if state.near < state.applied:
        return f"page {state.near} is near, {state.applied} is applied, no push is under way"
    return ""


def _canonical(state: State) -> State:
    return state._replace(readers=tuple(sorted(state.readers)))
