"""The rules of the protocol, each of which can be broken on its own."""

from __future__ import annotations

from typing import NamedTuple

# What a worker does with the events it has claimed, step by step. The commit takes them out of
# the log; before it, dying anywhere brings them back.
INSIDE_OUT = ("find rows", "drop rows", "find page", "drop page", "commit")
PAGES_FIRST = ("find page", "drop page", "find rows", "drop rows", "commit")
FIND_BOTH_FIRST = ("find rows", "find page", "drop rows", "drop page", "commit")
COMMIT_FIRST = ("commit", "find rows", "drop rows", "find page", "drop page")


class Rules(NamedTuple):
    """The sound protocol, unless told otherwise."""

    # ---- scripts ----
    registers_at_lease: bool = True  # or only with the fill
    fill_asks_for: str = "own token"  # or "any token", or "nothing"
    invalidate_drops_lease: bool = True
    sweep_looks_at_lease: bool = True  # or at the value alone
    flush_takes: tuple[str, ...] = ("lease", "registration")  # besides values

    # ---- apply and read ----
    apply: tuple[str, ...] = INSIDE_OUT
    shares_results: bool = False  # a reader takes what another of its process is about to have

    # ---- a registry that is remembered, and its journal ----
    told_with: str = "lease"  # or "fill"
    marks_first: bool = True  # or only when the registry has been read
    mark_asked_for: str = "own"  # or "any", or "nothing"
    forgets_when: str = "dropped"  # or "found"

    # ---- inside a transaction ----
    transaction_looks_up: bool = False
    transaction_stores: bool = False

    # ---- degraded trust ----
    as_of_heeds_parts: bool = True  # or the lease's own time alone
    as_of_from_lease: bool = True  # or the time of the fill
    threshold_passed_on: bool = True  # from a page to the rows it is filled from
    near_heeds_threshold: bool = True

    # ---- near cache ----
    near_checks_generation: bool = True
    tracking_advances_generation: bool = True
    tracking_empties: bool = True
    deadline_switches_off: bool = True


SOUND = Rules()
