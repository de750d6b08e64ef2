"""Readers: visitors who come at a set rate, whatever the site does."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from invalidation_worker.freshness.history import Evidence
from invalidation_worker.freshness.pages import Page
from invalidation_worker.freshness.visitor import Visitor

FRESH = 0.4  # of the requests go to pages that have just changed, where something may be old
REMEMBERED = 30  # pages that have just changed
SHARED = 0.2  # of the requests go to pages over all cities


class Arrivals:
    """When the next visitor comes: a Poisson process, so that arrivals also bunch.

    Whoever is free serves the next one. When nobody was free in time, the visitor is served late
    and the rate falls behind: the report tells the rate that was reached.
    """

    def __init__(self, per_second: float, dice: Random) -> None:
        self._per_second = per_second
        self._dice = dice
        self._lock = threading.Lock()
        self._next = time.monotonic()

    def next(self) -> float:
        """The moment of one visitor. Never told twice."""
        with self._lock:
            self._next += self._dice.expovariate(self._per_second)
            return self._next


class Agenda:
    """Which page a reader asks for. Shared: writers tell what they have changed."""

    def __init__(self, own: Sequence[Page], shared: Sequence[Page]) -> None:
        self._own = own
        self._shared = shared
        self._changed: deque[Page] = deque(own[:1], maxlen=REMEMBERED)

    def changed(self, pages: Sequence[Page]) -> None:
        self._changed.extend(pages)

    def choose(self, dice: Random) -> Page:
        chance = dice.random()
        if chance < SHARED:
            return dice.choice(self._shared)
        if chance < SHARED + FRESH:
            return dice.choice(tuple(self._changed))
        return dice.choice(self._own)


@dataclass(frozen=True, slots=True)
class Reader:
    """Looks at page after page, each at the time of an arrival."""

    visitor: Visitor
    arrivals: Arrivals
    agenda: Agenda
    dice: Random
    evidence: Evidence

    def read_until(self, stopping: threading.Event) -> None:
        """
        Raises:
            Unreadable: a page does not look as it should.
        """
        while not stopping.wait(max(0.0, self.arrivals.next() - time.monotonic())):
            sighting = self.visitor.look(self.agenda.choose(self.dice))
            if sighting is not None:
                self.evidence.reads.append(sighting)
        self.visitor.close()
