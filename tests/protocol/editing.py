"""Somebody reads inside a transaction of their own: its snapshot is old, its rows may roll back.

One entry, a reader in autocommit, and an apply in one step: what becomes of its steps is explored
in `layers`. The transaction keeps one snapshot throughout (REPEATABLE READ), the harder case.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from tests.protocol import server
from tests.protocol.explore import Model, Steps
from tests.protocol.rules import SOUND, Rules
from tests.protocol.server import Entry

COMMITS = 2
UNCOMMITTED = -1  # the content that only its editor may see
EDITOR, READER = 0, 1


class Read(NamedTuple):
    """A read under way."""

    leased: bool = False
    content: int | None = None


class Editor(NamedTuple):
    snapshot: int | None = None  # None: not in a transaction
    wrote: bool = False
    read: Read = Read()

    @property
    def view(self) -> int | None:
        return UNCOMMITTED if self.wrote else self.snapshot


class State(NamedTuple):
    version: int = 0
    log: tuple[int, ...] = ()
    rows: Entry = server.GONE
    editor: Editor = Editor()
    reader: Read = Read()
    wrong: str = ""

    @property
    def applied(self) -> int:
        return max(set(range(self.version + 1)) - set(self.log))

    def committed(self) -> State:
        return self._replace(version=self.version + 1, log=(*self.log, self.version + 1))


def model(rules: Rules = SOUND, editor_writes: bool = True) -> Model[State]:
    return Model(State(), partial(_steps, rules=rules, editor_writes=editor_writes), _fault)


def _steps(state: State, rules: Rules, editor_writes: bool) -> Steps[State]:
    if state.version < COMMITS:
        yield f"commit {state.version + 1}", state.committed()
    for event in state.log:
        log = tuple(other for other in state.log if other != event)
        rows = server.invalidate(state.rows, rules) if state.rows.registered else state.rows
        yield f"apply {event}", state._replace(log=log, rows=rows)
    if state.rows.value is not None:
        yield "rows evicted", state._replace(rows=state.rows._replace(value=None))
    if not state.rows.is_free:
        yield "lease expires", state._replace(rows=state.rows._replace(lease=server.NOBODY))
    if state.rows.registered:
        yield "rows swept", state._replace(rows=server.sweep(state.rows, rules))
    for step, rows, read in _fills(state.rows, READER, state.reader, state.version, rules):
        yield f"reader {step}", state._replace(rows=rows, reader=read)
    if state.editor.snapshot is None:
        yield "editor begins", state._replace(editor=Editor(snapshot=state.version))
    else:
        yield from _inside(state, rules, editor_writes)


def _inside(state: State, rules: Rules, may_write: bool) -> Steps[State]:
    """What the editor may do before the transaction ends. It does not end during a read."""
    editor = state.editor
    if editor.read == Read():
        if may_write and not editor.wrote:
            yield "editor writes", state._replace(editor=editor._replace(wrote=True))
        yield "editor rolls back", state._replace(editor=Editor())
        if editor.wrote and state.version < COMMITS:
            yield "editor commits", state.committed()._replace(editor=Editor())
        if rules.transaction_looks_up and state.rows.value not in (None, editor.view):
            wrong = "the editor is not shown what the transaction sees"
            yield "editor is shown the stored rows", state._replace(wrong=wrong)
    if rules.transaction_stores:
        for step, rows, read in _fills(state.rows, EDITOR, editor.read, editor.view, rules):
            yield f"editor {step}", state._replace(rows=rows, editor=editor._replace(read=read))


def _fills(
    rows: Entry, who: int, read: Read, sees: int | None, rules: Rules
) -> Iterator[tuple[str, Entry, Read]]:
    if not read.leased:
        if rows.value is None and rows.is_free:
            yield "leases rows", server.lease(rows, who, rules), Read(leased=True)
    elif read.content is None:
        yield "reads", rows, read._replace(content=sees)
    else:
        yield "stores rows if it may", server.fill(rows, who, read.content, rules), Read()


def _fault(state: State) -> str:
    value = state.rows.value
    if value == UNCOMMITTED:
        return "uncommitted rows are stored"
    if value is not None and value < state.applied:
        return f"rows {value} are stored, but {state.applied} is applied"
    return state.wrong
