"""Writers: each owns listings, changes them in every way, and often watches a change arrive."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

from django.db import connection, transaction

from invalidation_worker.freshness import presence_paths, related_paths, row_paths
from invalidation_worker.freshness.desk import Desk
from invalidation_worker.freshness.history import Evidence, Sighting, Write
from invalidation_worker.freshness.pages import (
    Page,
    answer_page,
    detail_page,
    list_page,
    lists_of,
)
from invalidation_worker.freshness.paths import Path, Plan
from invalidation_worker.freshness.truth import Thing, Value
from invalidation_worker.freshness.visitor import Visitor

PATHS = (*row_paths.PATHS, *related_paths.PATHS, *presence_paths.PATHS)

PAUSE_SECONDS = (0.2, 0.8)  # between two changes, or bursts: about two writes a second a writer
BURST = 0.15  # of the times a writer makes a few changes of one listing, and watches none
BURST_WRITES = (2, 5)
BURST_PAUSE_SECONDS = (0.0, 0.1)  # about as long as an apply and a fill take
LOOK_SECONDS = 0.002  # between two looks at a page: without it, watching itself fills a processor
ANSWERED = 7  # every so many-th listing is also asked of the API
WATCH_SECONDS = 5.0  # who has not seen a change arrive by then goes on: it counts as that late


class Told(Protocol):
    """Who is told what has changed."""

    def changed(self, pages: Sequence[Page]) -> None: ...


class Writer:
    """Runs in a thread of its own, on a database connection of its own."""

    def __init__(self, desk: Desk, evidence: Evidence, eyes: Sequence[Visitor]) -> None:
        self._desk = desk
        self._evidence = evidence
        self._eyes = eyes  # two: a detail page and a list are watched at the same time
        self._lists = lists_of(desk.north, desk.south)
        pages = [list_page(one) for one in self._lists]
        homes = list(desk.truth.homes.values())
        pages += [detail_page(home) for home in homes]
        pages += [answer_page(home) for home in homes[::ANSWERED]]
        self._pages = {page.address: page for page in pages}
        self._things = desk.truth.things(self._lists)

    @property
    def pages(self) -> list[Page]:
        """The pages that show nothing but this writer's listings."""
        return list(self._pages.values())

    def begin(self) -> None:
        """Note the state in which everything begins."""
        self._evidence.begin(self._things)

    def shows_truth(self, sighting: Sighting) -> bool:
        """Whether a response shows what is true now of this writer's listings."""
        things = sighting.things.items()
        return all(self._things.get(thing, value) == value for thing, value in things)

    def write_until(self, stopping: threading.Event, readers: Told) -> None:
        """Change something about twice a second.

        Raises:
            django.db.Error: the database refuses a change.
            Unreadable: a page does not look as it should.
        """
        dice = self._desk.dice
        try:
            with ThreadPoolExecutor(len(self._eyes)) as watching:
                while not stopping.wait(dice.uniform(*PAUSE_SECONDS)):
                    if dice.random() < BURST:
                        self._burst(readers)
                    else:
                        self._change_and_watch(readers, watching)
        finally:
            for eye in self._eyes:
                eye.close()
            connection.close()

    def _burst(self, readers: Told) -> None:
        """Change one listing so often that its pages are filled from the state in between."""
        dice = self._desk.dice
        with self._desk.keeping_to_one():
            for _ in range(dice.randint(*BURST_WRITES)):
                path, plan = self._plan()
                changed = self._changed(plan)
                self._write(path, plan, changed)
                readers.changed(self._showing(changed))
                time.sleep(dice.uniform(*BURST_PAUSE_SECONDS))

    def _change_and_watch(self, readers: Told, watching: ThreadPoolExecutor) -> None:
        path, plan = self._plan()
        changed = self._changed(plan)
        pages = self._showing(changed)
        watched = self._sample(pages)
        for page in watched:
            self._look(self._eyes[0], page)  # so that the cache has the older state to drop
        write = self._write(path, plan, changed)
        readers.changed(pages)
        # At the same time: the fill of one page would make the other's lag look longer.
        arrivals = watching.map(partial(self._arrival, write), self._eyes, watched)
        write.cleared = max(arrivals)

    def _plan(self) -> tuple[Path, Plan]:
        while True:
            path = self._desk.dice.choice(PATHS)
            if plan := path.plan(self._desk):
                return path, plan

    def _changed(self, plan: Plan) -> dict[Thing, Value]:
        things = plan.truth.things(self._lists)
        return {thing: value for thing, value in things.items() if self._things[thing] != value}

    def _showing(self, things: Iterable[Thing]) -> list[Page]:
        addresses = dict.fromkeys(address for address, _ in things)
        return [self._pages[address] for address in addresses if address in self._pages]

    def _sample(self, pages: list[Page]) -> list[Page]:
        """One detail page and one list, as far as both are among these."""
        lists = {one.address for one in self._lists}
        kinds = ([p for p in pages if (p.address in lists) is wanted] for wanted in (False, True))
        return [self._desk.dice.choice(kind) for kind in kinds if kind]

    def _write(self, path: Path, plan: Plan, changed: Mapping[Thing, Value]) -> Write:
        with transaction.atomic():
            plan.write()
            began = time.monotonic()
        write = Write(path.name, path.rings, began, time.monotonic())
        self._desk.truth = plan.truth
        self._things |= changed
        self._evidence.record(write, changed)
        return write

    def _arrival(self, write: Write, eye: Visitor, page: Page) -> float:
        """Ask for a page until it shows the write: when that request began.

        That is the commit itself if the first request did; and now, if patience has ended.
        """
        sighting = self._look(eye, page)
        if sighting is not None and self.shows_truth(sighting):
            return write.committed
        while time.monotonic() < write.committed + WATCH_SECONDS:
            time.sleep(LOOK_SECONDS)
            sighting = self._look(eye, page)
            if sighting is not None and self.shows_truth(sighting):
                return sighting.began
        return time.monotonic()

    def _look(self, eye: Visitor, page: Page) -> Sighting | None:
        sighting = eye.look(page)
        if sighting is not None:
            self._evidence.watches.append(sighting)
        return sighting
