"""What was written and what was seen: the evidence from which the verdict is made.

All times are seconds of this process's monotonic clock, which writers and readers share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from invalidation_worker.freshness.truth import Thing, Value


@dataclass(slots=True, eq=False)
class Write:
    """One transaction."""

    path: str
    rings: bool  # through the ORM's signals, so that the doorbell rings for it
    began: float  # just before COMMIT was sent
    committed: float  # COMMIT had returned
    # Its writer asked for its pages again and again until this request showed it on the last of
    # them. None: nobody watched, and it has no lag of its own.
    cleared: float | None = None


class Version(NamedTuple):
    """A value that a thing has had, from one write to the next one of its timeline."""

    value: Value
    write: Write


class Sighting(NamedTuple):
    """One response."""

    address: str
    began: float  # of its request
    ended: float
    kept: bool  # it came from the cache or went into it, says its Cache-Status
    things: Mapping[Thing, Value]


class Disturbance(NamedTuple):
    """A fault, from its beginning until everything has settled again."""

    fault: str
    began: float
    ended: float


@dataclass(slots=True)
class Evidence:
    """Lists are appended to by many threads, each timeline by one writer only."""

    writes: list[Write] = field(default_factory=list)
    timelines: dict[Thing, list[Version]] = field(default_factory=dict)
    reads: list[Sighting] = field(default_factory=list)
    watches: list[Sighting] = field(default_factory=list)  # of writers, and at the end
    disturbances: list[Disturbance] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)  # of requests: no answer, or an error

    @property
    def sightings(self) -> list[Sighting]:
        return self.reads + self.watches

    def begin(self, things: Mapping[Thing, Value]) -> None:
        """Note what was true before any write."""
        self._note(Write("before all", rings=False, began=-math.inf, committed=-math.inf), things)

    def record(self, write: Write, changed: Mapping[Thing, Value]) -> None:
        """Note a write, with the things that it changed."""
        self.writes.append(write)
        self._note(write, changed)

    def _note(self, write: Write, changed: Mapping[Thing, Value]) -> None:
        for thing, value in changed.items():
            self.timelines.setdefault(thing, []).append(Version(value, write))
