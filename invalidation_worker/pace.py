"""Who goes first on a machine: changes, then visitors, then warming, which takes what is left.

The signal is the kernel's own: how long this thread was ready to run and had no processor
(`/proc/thread-self/schedstat`; docs.kernel.org/scheduler/sched-stats.html). Who waits while it
works is not alone, and whoever else waits may be answering a visitor.
"""

from __future__ import annotations

import math
import os
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import parent_process
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

# Of web processes where changes cannot come first by themselves: on two processors that were 68 %
# in use the p99 of the lag fell from 63 to 51 ms. Where they can, it would gain nothing, and cost a
# sixth of the pages that two processors can serve beside writes.
VISITORS = 5
# Of warming: a third of the weight of visitors (sched_prio_to_weight in the kernel's
# kernel/sched/core.c: 110 against 335). Not less: a visitor who comes during a fill waits for it.
NICENESS = 10
TURN = 3  # of changes, in real time: visitors have 2, the database 1 (`web.real_time`)
CROWDED = 0.1  # of the time that the work took, spent waiting for a processor
LONGEST_REST_SECONDS = 1.0

_SCHEDSTAT = Path("/proc/thread-self/schedstat")
_AUTOGROUP = Path("/proc/self/autogroup")


def come_first() -> None:
    """Run this process before all others, if it may: on Linux as root, or with CAP_SYS_NICE.

    A change waits for a processor a dozen times on its way, each time for next to nothing. Under
    real-time scheduling (man 7 sched, "SCHED_RR") the wait is over at once: on two processors that
    were 65 % in use the p99 of the lag fell from 54 ms, with a niceness of -10, to 41. The kernel
    leaves others 5 % of a processor whatever happens.

    What it asks of a database on the same machine comes first, too, or else it would wait for those
    it comes before: beside visitors who miss many pages, 50 changes took 40 ms instead of 210
    (`benchmarks.bulk`).
    """
    if _comes_first():
        connection_created.connect(_bring_along, dispatch_uid="turn")


def _bring_along(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Run the server's end of a new connection as this end, if it may, and if it is here."""
    pid = connection.connection.info.backend_pid
    with (
        suppress(OSError),  # no such process here, or not ours to schedule
        socket.socket(fileno=os.dup(connection.connection.fileno())) as own,
    ):
        # Elsewhere the number may be another process's. This one's title names our port:
        # https://www.postgresql.org/docs/current/monitoring-ps.html
        title = Path(f"/proc/{pid}/cmdline").read_bytes()
        if own.family != socket.AF_UNIX and f"({own.getsockname()[1]}) ".encode() in title:
            os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(TURN))


def _comes_first() -> bool:
    if sys.platform != "linux":  # elsewhere it would be the process, or nothing
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(TURN))
    except PermissionError:
        return False
    return True


def yield_to_others() -> None:
    """Run this thread at lower priority from now on; on other systems than Linux, the process.

    Where Linux first divides the processors among sessions (man 7 sched, "The autogroup feature"),
    that would count within this session only: a process that leads one lowers all of it.
    """
    _lower(NICENESS, os.getsid(0) == os.getpid())


def yield_to_changes() -> None:
    """The same for a web process, if changes cannot come first where it runs: then neither can a
    thread of its own. It lowers the session that its server leads, which started it.
    """
    with ThreadPoolExecutor(1) as thread:
        if not thread.submit(_comes_first).result():
            _lower(VISITORS, bool(parent_process()) and os.getsid(0) == os.getppid())


def _lower(niceness: int, is_own_session: bool) -> None:
    os.nice(niceness)
    if is_own_session:
        with suppress(OSError):
            _AUTOGROUP.write_text(str(niceness))


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
