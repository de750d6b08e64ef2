"""Degraded trust: nobody invalidates, and still no distrusting reader gets what is too old.

Data are told apart by when they were read from the database. A reader trusts (its threshold is 0)
or wants data read at its threshold or later; both kinds fill and share the same entries. Three
moments are enough: one to read at, one to lease or fill at, one to distrust at.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from tests.protocol import server
from tests.protocol.explore import Model, Steps
from tests.protocol.rules import SOUND, Rules
from tests.protocol.server import Entry
from tests.protocol.symmetry import readers_in_order

LAST_MOMENT = 2
IDLING, LOADING_PAGE, LOADING_ROWS, HAS_ROWS, HAS_PAGE = range(5)


class Dated(NamedTuple):
    """A stored value: what its header says of its age, and the truth."""

    as_of: int
    read_at: int


class Reader(NamedTuple):
    at: int = IDLING
    threshold: int = 0
    page_as_of: int = 0
    rows_as_of: int = 0
    read_at: int = 0


class State(NamedTuple):
    now: int = 0
    page: Entry = server.GONE
    rows: Entry = server.GONE
    near: Dated | None = None  # the page in one process's near cache, which nobody empties
    readers: tuple[Reader, ...] = ()
    wrong: str = ""

    def entries(self) -> tuple[tuple[str, Entry], ...]:
        return ("page", self.page), ("rows", self.rows)

    def with_entry(self, name: str, entry: Entry) -> State:
        return self._replace(page=entry) if name == "page" else self._replace(rows=entry)

    def with_reader(self, number: int, reader: Reader) -> State:
        readers = self.readers
        return self._replace(readers=(*readers[:number], reader, *readers[number + 1 :]))


def model(rules: Rules = SOUND, reader_count: int = 2, has_near: bool = False) -> Model[State]:
    initial = State(readers=(Reader(),) * reader_count)
    steps = partial(_steps, rules=rules, has_near=has_near)
    return Model(initial, steps, lambda state: state.wrong, readers_in_order)


def _steps(state: State, rules: Rules, has_near: bool) -> Steps[State]:
    if state.now < LAST_MOMENT:
        yield "time passes", state._replace(now=state.now + 1)
    for name, entry in state.entries():
        if entry.value is not None:
            yield f"{name} evicted", state.with_entry(name, entry._replace(value=None))
        if not entry.is_free:
            lost = entry._replace(lease=server.NOBODY)
            yield f"lease of {name} expires", state.with_entry(name, lost)
    if has_near and state.page.value:
        yield "the stored page is kept near", state._replace(near=state.page.value)
    for number, reader in enumerate(state.readers):
        for step, after in _STEPS[reader.at](state, number, reader, rules):
            yield f"{'AB'[number]} {step}", after


def _idling(state: State, number: int, _: Reader, rules: Rules) -> Steps[State]:
    for threshold in range(state.now + 1):
        wants = f"data of {threshold} or later" if threshold else "any data"
        reader = Reader(LOADING_PAGE, threshold, page_as_of=state.now)
        near, page = state.near, state.page
        if near and (near.as_of >= threshold or not rules.near_heeds_threshold):
            yield f"wants {wants}, is shown the near page", _shown(state, number, reader, near)
        if page.value and page.value.as_of >= threshold:
            shown = _shown(state, number, reader, page.value)
            yield f"wants {wants}, is shown the stored page", shown
        elif page.is_free:
            leased = state._replace(page=server.lease(page, number, rules))
            yield f"wants {wants}, leases page", leased.with_reader(number, reader)
        else:
            yield f"wants {wants}, loads page unstored", state.with_reader(number, reader)


def _loading_page(state: State, number: int, reader: Reader, rules: Rules) -> Steps[State]:
    rows = state.rows
    threshold = reader.threshold if rules.threshold_passed_on else 0
    if rows.value and rows.value.as_of >= threshold:
        taken = _takes_in(reader, rows.value.as_of, rules)
        found = taken._replace(at=HAS_PAGE, read_at=rows.value.read_at)
        yield f"finds rows read at {rows.value.read_at}", state.with_reader(number, found)
    elif rows.is_free:
        leased = state._replace(rows=server.lease(rows, number, rules))
        leasing = reader._replace(at=LOADING_ROWS, rows_as_of=state.now)
        yield "leases rows", leased.with_reader(number, leasing)
    else:
        read = reader._replace(at=HAS_PAGE, read_at=state.now)
        yield "reads unstored", state.with_reader(number, read)


def _loading_rows(state: State, number: int, reader: Reader, rules: Rules) -> Steps[State]:
    read = reader._replace(at=HAS_ROWS, read_at=state.now)
    yield f"reads at {state.now}", state.with_reader(number, read)


def _has_rows(state: State, number: int, reader: Reader, rules: Rules) -> Steps[State]:
    as_of = reader.rows_as_of if rules.as_of_from_lease else state.now
    value = Dated(as_of, reader.read_at)
    filled = state._replace(rows=server.fill(state.rows, number, value, rules))
    after = _takes_in(reader, as_of, rules)._replace(at=HAS_PAGE)
    yield f"fills rows as of {as_of}", filled.with_reader(number, after)


def _has_page(state: State, number: int, reader: Reader, rules: Rules) -> Steps[State]:
    as_of = reader.page_as_of if rules.as_of_from_lease else state.now
    value = Dated(as_of, reader.read_at)
    filled = state._replace(page=server.fill(state.page, number, value, rules))
    yield f"fills page as of {as_of}", _shown(filled, number, reader, value)


_STEPS = {
    IDLING: _idling,
    LOADING_PAGE: _loading_page,
    LOADING_ROWS: _loading_rows,
    HAS_ROWS: _has_rows,
    HAS_PAGE: _has_page,
}


def _takes_in(reader: Reader, as_of: int, rules: Rules) -> Reader:
    """A page is as old as its oldest part."""
    oldest = min(reader.page_as_of, as_of) if rules.as_of_heeds_parts else reader.page_as_of
    return reader._replace(page_as_of=oldest, rows_as_of=0)


def _shown(state: State, number: int, reader: Reader, value: Dated) -> State:
    if value.read_at < reader.threshold:
        wrong = f"wanted data of {reader.threshold} or later, is shown data of {value.read_at}"
        state = state._replace(wrong=wrong)
    return state.with_reader(number, Reader())
