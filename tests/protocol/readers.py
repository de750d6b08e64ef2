"""A reader of a page, as `listings/cache/reading.py` is one: lease, load, fill, layer by layer."""

from __future__ import annotations

from tests.protocol import server
from tests.protocol.explore import Steps
from tests.protocol.rules import Rules
from tests.protocol.state import (
    HAS_PAGE,
    HAS_ROWS,
    IDLING,
    LOADING_PAGE,
    LOADING_ROWS,
    ROWS_FAILED,
    Reader,
    State,
)

NAMES = "ABC"


def steps(state: State, number: int, rules: Rules) -> Steps[State]:
    """What this reader may do next.

    One that waits for another's fill is not modelled: it asks anew, as a reader that begins then.
    Nor is one that dies: it never moves again, and its lease expires.
    """
    yield from _STEPS[state.readers[number].at](state, number, rules)


def _idling(state: State, number: int, rules: Rules) -> Steps[State]:
    who, page = NAMES[number], state.page
    begun = Reader(LOADING_PAGE, began=state.applied)
    if page.value is not None:
        shown = _took(state, number, begun, page.value, IDLING)
        yield f"{who} is shown the stored page", shown
        return
    if page.is_free:
        leased = state._replace(page=server.lease(page, number, rules))
        yield f"{who} leases page", leased.with_reader(number, begun)
    # Its wait was too long, or the cache did not answer: it loads all the same, with no lease.
    yield f"{who} loads page unstored", state.with_reader(number, begun)
    if rules.shares_results:
        for other, content in enumerate(state.readers):
            if content.at == HAS_PAGE:
                shown = _took(state, number, begun, content.content, IDLING)
                yield f"{who} is shown what {NAMES[other]} has loaded", shown


def _loading_page(state: State, number: int, rules: Rules) -> Steps[State]:
    who, rows, reader = NAMES[number], state.rows, state.readers[number]
    if rows.value is not None:
        found = _took(state, number, reader, rows.value, HAS_PAGE)
        yield f"{who} finds rows {rows.value}", found
    elif rows.is_free:
        leased = state._replace(rows=server.lease(rows, number, rules))
        leasing = reader._replace(at=LOADING_ROWS)
        yield f"{who} leases rows", leased.with_reader(number, leasing)
    read = _took(state, number, reader, state.version, HAS_PAGE)
    yield f"{who} reads version {state.version} unstored", read
    yield f"{who} fails to load page", _failed(state, number)


def _loading_rows(state: State, number: int, rules: Rules) -> Steps[State]:
    who, reader = NAMES[number], state.readers[number]
    read = _took(state, number, reader, state.version, HAS_ROWS)
    yield f"{who} reads version {state.version}", read
    released = state._replace(rows=server.release(state.rows, number))
    failed = reader._replace(at=ROWS_FAILED)
    yield f"{who} fails to load rows", released.with_reader(number, failed)


def _has_rows(state: State, number: int, rules: Rules) -> Steps[State]:
    reader = state.readers[number]
    rows = server.fill(state.rows, number, reader.content, rules)
    does = "may not store" if rows is state.rows else "stores"
    after = state._replace(rows=rows).with_reader(number, reader._replace(at=HAS_PAGE))
    yield f"{NAMES[number]} {does} rows {reader.content}", after


def _has_page(state: State, number: int, rules: Rules) -> Steps[State]:
    reader = state.readers[number]
    page = server.fill(state.page, number, reader.content, rules)
    does = "may not store" if page is state.page else "stores"
    after = state._replace(page=page).with_reader(number, Reader())
    yield f"{NAMES[number]} {does} page {reader.content}", after
    yield f"{NAMES[number]} fails to render page", _failed(state, number)


def _rows_failed(state: State, number: int, rules: Rules) -> Steps[State]:
    yield f"{NAMES[number]} fails to load page", _failed(state, number)


_STEPS = {
    IDLING: _idling,
    LOADING_PAGE: _loading_page,
    LOADING_ROWS: _loading_rows,
    HAS_ROWS: _has_rows,
    HAS_PAGE: _has_page,
    ROWS_FAILED: _rows_failed,
}


def _failed(state: State, number: int) -> State:
    released = state._replace(page=server.release(state.page, number))
    return released.with_reader(number, Reader())


def _took(state: State, number: int, reader: Reader, version: int, at: int) -> State:
    """It has what it will be shown: no less than was applied when it began.

    From here on it does not matter when that was, nor, once it idles again, what it was shown.
    """
    if version < reader.began:
        wrong = f"a reader that began after {reader.began} was applied is shown {version}"
        state = state._replace(wrong=wrong)
    return state.with_reader(number, Reader(at, content=version if at else 0))
