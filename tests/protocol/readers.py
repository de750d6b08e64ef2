"""A reader of a page, as `listings/cache/reading.py` is one: lease, load, fill, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.protocol import server
from tests.protocol.explore import Steps
from tests.protocol.rules import Rules

if TYPE_CHECKING:
    from tests.protocol.layers import State

# Where a reader is in its read.
IDLING, LOADING_PAGE, LOADING_ROWS, HAS_ROWS, HAS_PAGE, ROWS_FAILED = range(6)


class Reader(NamedTuple):
    at: int = IDLING
    began: int = 0  # the newest applied commit when it began: it may not be shown less
    content: int = 0  # the version it has in hand


IDLE = Reader()


def steps(state: State, number: int, rules: Rules) -> Steps[State]:
    """What this reader may do next.

    One that waits for another's fill is not modelled: it asks anew, as a reader that begins then.
    Nor is one that dies: it never moves again, and its lease expires.
    """
    reader = state.readers[number]
    yield from _STEPS[reader.at](state, number, rules)


def name(number: int) -> str:
    return "ABC"[number]


def _idling(state: State, number: int, rules: Rules) -> Steps[State]:
    who, page = name(number), state.page
    begun = Reader(LOADING_PAGE, began=state.applied)
    if page.value is not None:
        yield f"{who} is shown the stored page", _shown(state, number, begun, page.value)
        return
    if page.is_free:
        leased = state._replace(page=server.lease(page, number, rules))
        yield f"{who} leases page", _moved(leased, number, begun)
    # Its wait was too long, or the cache did not answer: it loads all the same, with no lease.
    yield f"{who} loads page unstored", _moved(state, number, begun)
    if rules.shares_results:
        for other, content in enumerate(state.readers):
            if content.at == HAS_PAGE:
                shown = _shown(state, number, begun, content.content)
                yield f"{who} is shown what {name(other)} has loaded", shown


def _loading_page(state: State, number: int, rules: Rules) -> Steps[State]:
    who, rows, reader = name(number), state.rows, state.readers[number]
    if rows.value is not None:
        found = reader._replace(at=HAS_PAGE, content=rows.value)
        yield f"{who} finds rows {rows.value}", _moved(state, number, found)
    elif rows.is_free:
        leased = state._replace(rows=server.lease(rows, number, rules))
        yield f"{who} leases rows", _moved(leased, number, reader._replace(at=LOADING_ROWS))
    read = reader._replace(at=HAS_PAGE, content=state.version)
    yield f"{who} reads version {state.version} unstored", _moved(state, number, read)
    yield f"{who} fails to load page", _failed(state, number)


def _loading_rows(state: State, number: int, rules: Rules) -> Steps[State]:
    who, reader = name(number), state.readers[number]
    read = reader._replace(at=HAS_ROWS, content=state.version)
    yield f"{who} reads version {state.version}", _moved(state, number, read)
    released = state._replace(rows=server.release(state.rows, number))
    failed = _moved(released, number, reader._replace(at=ROWS_FAILED))
    yield f"{who} fails to load rows", failed


def _has_rows(state: State, number: int, rules: Rules) -> Steps[State]:
    reader = state.readers[number]
    rows = server.fill(state.rows, number, reader.content, rules)
    stored = "stores" if rows is not state.rows else "may not store"
    after = _moved(state._replace(rows=rows), number, reader._replace(at=HAS_PAGE))
    yield f"{name(number)} {stored} rows {reader.content}", after


def _has_page(state: State, number: int, rules: Rules) -> Steps[State]:
    reader = state.readers[number]
    page = server.fill(state.page, number, reader.content, rules)
    stored = "stores" if page is not state.page else "may not store"
    after = _shown(state._replace(page=page), number, reader, reader.content)
    yield f"{name(number)} {stored} page {reader.content}", after
    yield f"{name(number)} fails to render page", _failed(state, number)


def _rows_failed(state: State, number: int, rules: Rules) -> Steps[State]:
    yield f"{name(number)} fails to load page", _failed(state, number)


_STEPS = {
    IDLING: _idling,
    LOADING_PAGE: _loading_page,
    LOADING_ROWS: _loading_rows,
    HAS_ROWS: _has_rows,
    HAS_PAGE: _has_page,
    ROWS_FAILED: _rows_failed,
}


def _moved(state: State, number: int, reader: Reader) -> State:
    all_of_them = state.readers
    return state._replace(readers=(*all_of_them[:number], reader, *all_of_them[number + 1 :]))


def _failed(state: State, number: int) -> State:
    return _moved(state._replace(page=server.release(state.page, number)), number, IDLE)


def _shown(state: State, number: int, reader: Reader, version: int) -> State:
    """The answer is given. Its reader must not see less than was applied when it began."""
    if version < reader.began:
        wrong = f"a reader began after {reader.began} was applied and is shown {version}"
        state = state._replace(wrong=wrong)
    return _moved(state, number, IDLE)
