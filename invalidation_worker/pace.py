"""How much of the machine warming takes: what visitors leave over.

The signal is the kernel's own: how long this thread was ready to run and had no processor
(`/proc/thread-self/schedstat`; docs.kernel.org/scheduler/sched-stats.html). Who waits while it
works is not alone, and whoever else waits may be answering a visitor.
"""

from __future__ import annotations

import math
import os
import time
from contextlib import suppress
from pathlib import Path

# A third of the weight of others (sched_prio_to_weight in the kernel's kernel/sched/core.c: 335
# against 1,024). Not less: a visitor who comes during a fill waits for it.
NICENESS = 5
CROWDED = 0.1  # of the time that the work took, spent waiting for a processor
LONGEST_REST_SECONDS = 1.0

_SCHEDSTAT = Path("/proc/thread-self/schedstat")
_AUTOGROUP = Path("/proc/self/autogroup")


def yield_to_others() -> None:
    """Run this thread at lower priority from now on; on other systems than Linux, the process.

    Where Linux first divides the processors among sessions (man 7 sched, "The autogroup feature"),
    that would count within this session only: a process that leads one lowers all of it.
    """
    os.nice(NICENESS)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):
            _AUTOGROUP.write_text(str(NICENESS))


class Pace:
    """Measures a piece of this thread's work, and says how long to rest after it."""

    def __init__(self) -> None:
        self._started, self._waited = time.monotonic(), _waited_seconds()

    @property
    def took_seconds(self) -> float:
        """How long the work has taken so far."""
        return time.monotonic() - self._started

    def rest_seconds(self) -> float:
        """As long as the work took while others wanted the processors too, at most 1 s; else 0.

        Where the kernel does not tell, others are taken to want them always.
        """
        took, waited = self.took_seconds, _waited_seconds() - self._waited
        if waited <= CROWDED * took:
            return 0.0
        return min(took, LONGEST_REST_SECONDS)


def _waited_seconds() -> float:
    """NaN, which is never less than anything, where the kernel does not tell."""
    try:
        ran, waited, _ = map(int, _SCHEDSTAT.read_text().split())
    except OSError:
        return math.nan
    return waited / 1e9 if ran else math.nan
