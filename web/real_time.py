"""Real time (man 7 sched, "SCHED_RR") for those whom others wait for, while they are quick.

First come changes (`invalidation_worker.pace`) with what the database does for them, then web
processes and the cache server, then the database, then everything else. On two processors that were
mostly in use the p99 of hits was 3 to 6 ms beside writes with all of this, and that of a change's
lag 23 to 50; without the database 3 and 29 to 103, as it waited behind web processes; with neither,
23 and 34 to 37 (docs/benchmarks.md).

Needs root or CAP_SYS_NICE, and Linux; elsewhere, all run as they would.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

DATABASE, VISITORS = 1, 2  # who has more takes the processor from who has less; changes have 3

# Of a processor: who uses more is not soon done, and runs as all others do for 2 s at a time. So a
# bulk load does not keep the machine to itself. Any lower, and busy seconds would do that to a web
# process, which is behind for as long as it then takes: p99 of hits were 120 to 400 ms at 0.8.
SHORT = 0.95
LOOK_SECONDS, BACK_SECONDS = 1.0, 2.0

_PROC = Path("/proc")

Pids = Callable[[], list[int]]  # of all that belongs together; none: it has ended


def come_next(processes: int) -> None:
    """Run this web process, one of so many, after changes and before all others, if it may.

    What takes long is not done in a web process (`web.fillers`), and what it does takes less than
    a processor, as it has one interpreter. But as many as there are processors could keep the
    database, which changes need, from all of them: those take turns with it.
    """
    if sys.platform == "linux":
        own = [os.getpid()]
        is_one_left = processes < len(os.sched_getaffinity(0))
        _keep(VISITORS if is_one_left else DATABASE, lambda: own)


def let_come_next(server: subprocess.Popen[bytes], turn: int) -> None:
    """The same for a server that this process has started, with all that it starts."""

    def pids() -> list[int]:
        return [server.pid, *_children(server.pid)] if server.poll() is None else []

    if sys.platform == "linux":
        _keep(turn, pids)


def step_back() -> None:
    """Run this thread, and those that it starts, as all others run, whoever has started it."""
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _keep(turn: int, pids: Pids) -> None:
    try:
        _schedule(pids(), turn)
    except PermissionError:
        return
    threading.Thread(target=_keep_quick, args=(turn, pids), name="turn", daemon=True).start()


def _keep_quick(turn: int, pids: Pids) -> None:
    began, before = time.monotonic(), _used_seconds(pids())
    while before:
        time.sleep(LOOK_SECONDS)
        now, used = time.monotonic(), _used_seconds(pids())
        share = sum(used[pid] - before.get(pid, 0.0) for pid in used) / (now - began)
        if share > SHORT:
            _schedule(used, turn, steps_back=True)
            time.sleep(BACK_SECONDS)
            _schedule(pids(), turn)
            now, used = time.monotonic(), _used_seconds(pids())
        began, before = now, used


def _schedule(pids: Iterable[int], turn: int, *, steps_back: bool = False) -> None:
    policy, priority = (os.SCHED_OTHER, 0) if steps_back else (os.SCHED_RR, turn)
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            for thread in (_PROC / str(pid) / "task").iterdir():
                # Who applies changes has brought the server's end of its connection along.
                if os.sched_getparam(int(thread.name)).sched_priority <= turn:
                    os.sched_setscheduler(int(thread.name), policy, os.sched_param(priority))


def _used_seconds(pids: Iterable[int]) -> dict[int, float]:
    """Of processors, by each of these that are still there."""
    used = {}
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            # The second column is the program's name in brackets, which may hold anything.
            columns = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
            used[pid] = sum(map(int, columns[11:13])) / os.sysconf("SC_CLK_TCK")
    return used


def _children(pid: int) -> list[int]:
    with suppress(FileNotFoundError, ProcessLookupError):
        return [*map(int, (_PROC / f"{pid}/task/{pid}/children").read_text().split())]
    return []
