"""Readers in a process of their own: reading must not hold up those who watch the time.

Threads of one process take turns, and a thread that reads pages all the time would make every
change look late by as much as its turn takes.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from random import Random
from typing import NamedTuple

from invalidation_worker.freshness.history import Evidence
from invalidation_worker.freshness.pages import Page, Unreadable
from invalidation_worker.freshness.prompt import prompt_threads
from invalidation_worker.freshness.readers import Agenda, Arrivals, Reader
from invalidation_worker.freshness.visitor import Visitor

LOOK_SECONDS = 0.2  # at whether the process still lives

_SPAWN = multiprocessing.get_context("spawn")  # the audit has threads, which a fork would break


class Task(NamedTuple):
    """What the readers are to do."""

    url: str
    readers: int
    reads_per_second: float
    seed: int
    own: Sequence[Page]
    shared: Sequence[Page]


class Crowd:
    """Readers that are told which pages have just changed. Begins to read at once."""

    def __init__(self, task: Task) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        self._telling = threading.Lock()
        self._told_to_end = False
        self._process = _SPAWN.Process(target=_read, args=(task, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._hear()  # they have begun

    def changed(self, pages: Sequence[Page]) -> None:
        """Something may be old there now."""
        with self._telling:
            if not self._told_to_end:
                self._pipe.send(pages)

    def read_until(self, stopping: threading.Event, evidence: Evidence) -> None:
        """Add what they have seen to the evidence, at the end.

        Raises:
            Unreadable: a page does not look as it should.
            ChildProcessError: the process has ended before its time.
        """
        while not stopping.wait(LOOK_SECONDS) and self._process.is_alive():
            if self._pipe.poll():
                break  # only a failure comes before its time
        with self._telling:
            self._told_to_end = True
            if self._process.is_alive():
                self._pipe.send(None)
        seen = self._hear()
        self._process.join()
        if isinstance(seen, Unreadable):
            raise seen
        evidence.reads += seen.reads
        evidence.failures += seen.failures

    def _hear(self) -> Evidence | Unreadable:
        try:
            heard: Evidence | Unreadable = self._pipe.recv()
        except EOFError:
            raise ChildProcessError("the process of the readers has ended") from None
        return heard


def _read(task: Task, pipe: Connection) -> None:
    """The process. Ctrl-C reaches it too, and is the audit's to heed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    agenda, evidence, ending = Agenda(task.own, task.shared), Evidence(), threading.Event()
    arrivals = Arrivals(task.reads_per_second, Random(f"{task.seed} arrivals"))

    def hear() -> None:
        try:
            while (pages := pipe.recv()) is not None:
                agenda.changed(pages)
        except (EOFError, OSError):
            pass  # the audit has been killed
        ending.set()

    def reader(number: int) -> Reader:
        dice = Random(f"{task.seed} reader {number}")
        again = Random(f"{task.seed} reader {number} again")
        visitor = Visitor(task.url, again, evidence.failures)
        return Reader(visitor, arrivals, agenda, dice, evidence)

    with prompt_threads(), ThreadPoolExecutor(task.readers) as pool:
        running = [pool.submit(reader(number).read_until, ending) for number in range(task.readers)]
        pipe.send(Evidence())  # they read
        threading.Thread(target=hear, daemon=True).start()
        found: Evidence | Unreadable = evidence
        for future in running:
            try:
                future.result()
            except Unreadable as error:
                found = error
                ending.set()
    pipe.send(found)
