"""Readers are alike: states that differ only in which of them does what are one state."""

from __future__ import annotations

from typing import Any, TypeVar

from tests.protocol.server import NOBODY

S = TypeVar("S", bound=Any)  # a state with readers, a page and rows


def readers_in_order(state: S) -> S:
    """The same state with its readers sorted by what they are doing, leases and all."""
    page, rows = state.page.lease, state.rows.lease
    doing = [(reader, page == n, rows == n) for n, reader in enumerate(state.readers)]
    who = sorted(range(len(doing)), key=doing.__getitem__)
    if who == sorted(who):
        return state
    new_name = {old: new for new, old in enumerate(who)} | {NOBODY: NOBODY}
    ordered: S = state._replace(
        readers=tuple(state.readers[n] for n in who),
        page=state.page._replace(lease=new_name[page]),
        rows=state.rows._replace(lease=new_name[rows]),
    )
    return ordered
