"""The audit itself: everything is set up, runs for a while, and is judged."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from msgspec import Struct

from invalidation_worker.freshness.crowd import Crowd, Task
from invalidation_worker.freshness.desk import Desk
from invalidation_worker.freshness.faults import Faults
from invalidation_worker.freshness.history import Evidence, Sighting
from invalidation_worker.freshness.machine import CpuTimes, CpuUse
from invalidation_worker.freshness.pages import Page, Unreadable, shared_pages
from invalidation_worker.freshness.prompt import prompt_threads
from invalidation_worker.freshness.stage import listings_of
from invalidation_worker.freshness.visitor import AGAIN, Visitor
from invalidation_worker.freshness.writers import Writer

SETTLING_SECONDS = 30.0  # until every page shows the new listings, before the clock starts
CLOSING_SECONDS = 16.0  # until every page shows the last state: longer than P3 allows
LOOK_SECONDS = 0.05


class WrongSiteError(Exception):
    """The site does not show what this process writes into the database."""


class Plan(Struct, frozen=True):
    """What was asked for."""

    url: str
    seconds: int
    writers: int
    readers: int
    reads_per_second: float
    seed: int
    faults: bool = False


class Run(Struct, frozen=True):
    """What an audit has brought to light."""

    evidence: Evidence
    seconds: float
    cpu: CpuUse


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit of the site at `plan.url`, on the database of this process.

    `project` is the folder whose stack the faults disturb; `stopping` ends the audit early, and
    `progress` is told of each second.
    """

    plan: Plan
    project: Path
    stopping: threading.Event
    progress: Callable[[int], None]
    evidence: Evidence = field(default_factory=Evidence)

    def run(self) -> Run:
        """Write and read for so many seconds, between the listings' coming and their going.

        Raises:
            AuditRunningError, NoStackError: see `stage` and `faults`.
            WrongSiteError: the site does not answer, or shows another database.
            Unreadable: a page does not look like what the audit knows.
            django.db.Error: the database refuses.
        """
        plan = self.plan
        dice = Random(f"{plan.seed} faults")
        faults = Faults(self.project, dice, self.evidence) if plan.faults else None
        opened = datetime.now(UTC)
        desks = [Desk.open(number, plan.seed, opened) for number in range(1, plan.writers + 1)]
        self._greet()
        with listings_of(desks), prompt_threads():
            writers = [
                Writer(desk, self.evidence, [self._eye(f"{desk.writer} {i}") for i in range(2)])
                for desk in desks
            ]
            self._settle(writers)
            for writer in writers:
                writer.begin()
            return self._run(writers, faults)

    def _greet(self) -> None:
        """Returns if somebody answers: nothing is written for a site that is not there."""
        visitor = self._visitor("greeting")
        if visitor.look(shared_pages()[0]) is None:
            raise WrongSiteError(f"{self.plan.url} does not answer: {self._failures()}")
        visitor.close()

    def _settle(self, writers: Sequence[Writer]) -> None:
        """Returns when every page shows the new listings."""
        if late := self._untrue_after(SETTLING_SECONDS, writers, seen=[]):
            raise WrongSiteError(
                f"{self.plan.url}{late} does not show what was written into the database: "
                f"{self._failures() or 'is it the database of that site?'}"
            )
        self.evidence.failures.clear()

    def _untrue_after(
        self, seconds: float, writers: Sequence[Writer], seen: list[Sighting]
    ) -> str | None:
        """A page that does not show the truth after so many seconds. None: each has shown it."""
        late = None
        deadline = time.monotonic() + seconds
        visitor = self._visitor("looking after all")
        for writer in writers:
            for page in (*writer.pages, *shared_pages()):
                while not _shows_truth(writer, visitor, page, seen):
                    if time.monotonic() > deadline:
                        late = page.address
                        break
                    time.sleep(LOOK_SECONDS)
        visitor.close()
        return late

    def _run(self, writers: Sequence[Writer], faults: Faults | None) -> Run:
        ending = threading.Event()
        own = [page for writer in writers for page in writer.pages]
        plan = self.plan
        crowd = Crowd(
            Task(plan.url, plan.readers, plan.reads_per_second, plan.seed, own, shared_pages())
        )
        before, started = CpuTimes.now(), time.monotonic()
        with ThreadPoolExecutor(plan.writers + 2) as pool:
            running = [pool.submit(writer.write_until, ending, crowd) for writer in writers]
            running.append(pool.submit(crowd.read_until, ending, self.evidence))
            if faults:
                running.append(pool.submit(faults.run_until, ending))
            try:
                self._wait(running)
            finally:
                ending.set()
        cpu = CpuUse.between(before, CpuTimes.now())
        seconds = time.monotonic() - started
        for future in running:
            future.result()
        # What is old and would stay so for ever has had no time yet to break a promise.
        self._untrue_after(CLOSING_SECONDS, writers, self.evidence.watches)
        return Run(self.evidence, seconds, cpu)

    def _wait(self, running: Sequence[Future[None]]) -> None:
        """Returns after so many seconds, or when it is to stop, or when a thread has failed."""
        started = time.monotonic()
        for second in range(1, self.plan.seconds + 1):
            if self.stopping.wait(max(0.0, started + second - time.monotonic())):
                return
            if any(future.done() for future in running):
                return
            self.progress(1)

    def _failures(self) -> str:
        return ", ".join(dict.fromkeys(self.evidence.failures))

    def _visitor(self, name: str, again: float = AGAIN) -> Visitor:
        plan = self.plan
        dice = Random(f"{plan.seed} {name} again")
        return Visitor(plan.url, dice, self.evidence.failures, again=again)

    def _eye(self, name: str) -> Visitor:
        """Who waits for a change: each look at what is known already costs next to nothing."""
        return self._visitor(name, again=1.0)


def _shows_truth(writer: Writer, visitor: Visitor, page: Page, seen: list[Sighting]) -> bool:
    try:
        sighting = visitor.look(page)
    except Unreadable:
        return False
    if sighting is None:
        return False
    seen.append(sighting)
    return writer.shows_truth(sighting)
