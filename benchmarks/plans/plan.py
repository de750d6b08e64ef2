"""What is measured, and what that has shown."""

from __future__ import annotations

import enum

import msgspec

from benchmarks.machine import Machine


class Plan(msgspec.Struct, frozen=True):
    """How much."""

    listings: int = 1_000_000
    seed: int = 1


class Kind(enum.StrEnum):
    """What a page is to visitors."""

    LIST = "lists"
    REFINEMENTS = "refinements of these, asked for once the list is there"
    OTHER = "pages of other kinds"


KINDS = {"property_list": Kind.LIST, "search_facets": Kind.REFINEMENTS}


class Cost(msgspec.Struct, frozen=True):
    """What one page asks of a cold cache's database."""

    page: str
    arguments: str
    milliseconds: float
    statements: int
    scanned: tuple[str, ...]  # tables that were read without an index, until there was enough

    @property
    def kind(self) -> Kind:
        return KINDS.get(self.page, Kind.OTHER)


class Results(msgspec.Struct):
    """All of a run."""

    plan: Plan
    machine: Machine
    costs: list[Cost]
