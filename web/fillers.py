"""Processes that fill the pages which visitors of this one miss.

Threads of one process take turns at Python's lock, and a thread that renders keeps those that
answer hits waiting whenever the kernel takes its processor away. So a web process renders as little
as it can, and may then run before everything that does.

To have one made by another process takes half a millisecond more. So pages that are quick to make,
as the details of one listing, stay here, and so do all while there are no hits that would wait.

It is a courtesy, never something that a page depends on: what no filler has filled, because none
is free, or there, or it failed, the web process fills as if there were none.
"""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from listings.cache import counters, tally
from listings.cache.counters import Outcome
from listings.cache.entries import Entry, Layer
from listings.cache.filling import Answer
from listings.cache.near import near
from listings.cache.store import Lease
from listings.site import PAGES
from web.filler import READY, Line, Order, Told

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.1  # until one is free: some pages long
LONGEST_SECONDS = 10.0  # of one page: twice as long as its lease
LOOK_SECONDS = 0.02  # between two looks at whether there are hits: some pages long
AGAIN_SECONDS = 1.0  # after one has ended, until the next is started

_told = msgspec.msgpack.Decoder(Told)


class Filler(NamedTuple):
    """One process, and the socket on which it is spoken to."""

    process: subprocess.Popen[bytes]
    line: Line

    def fill(self, order: Order) -> Told:
        """What came of it.

        Raises:
            OSError, EOFError: the process has ended, or takes too long.
        """
        self.line.send(msgspec.msgpack.encode(order))
        return _told.decode(self.line.receive())


class Fillers:
    """So many of them, from a second after this returns until this process ends.

    `hits` tells how many this process has answered so far.
    """

    def __init__(self, number: int, hits: Callable[[], int]) -> None:
        self._hits = hits
        self._hits_before = 0
        self._look_at = 0.0  # monotonic
        self._are_hits = True  # that a page made here would keep waiting
        self._free: list[Filler] = []  # the last used last: it is the warmest
        self._running = 0
        self._changed = threading.Condition()
        for _ in range(number):
            threading.Thread(target=self._keep_one, name="filler", daemon=True).start()

    @property
    def running(self) -> int:
        """How many there are, free or not."""
        return self._running

    def __call__(self, entry: Entry, lease: Lease, not_before: int) -> Answer | None:
        """Fill this page under this lease; none: it was not filled here."""
        is_made_here = PAGES[entry.name].is_quick or not self._is_worth_it()
        filler = None if is_made_here else self._take()
        if filler is None:
            return None
        try:
            told = filler.fill(Order(entry.name, entry.arguments, lease, not_before))
        except (OSError, EOFError) as error:
            logger.warning("a filler is given up: %r", error)
            filler.process.kill()
            filler.line.close()
            return None
        with self._changed:
            self._free.append(filler)
            self._changed.notify()
        tally.add(told.tally)
        return told.answer

    def _is_worth_it(self) -> bool:
        """Whether there were hits lately. Two threads that look at once may see one look's hits:
        at worst some pages are made where the others are not.
        """
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            hits = self._hits()
            self._are_hits, self._hits_before = hits > self._hits_before, hits
        return self._are_hits

    def _take(self) -> Filler | None:
        with self._changed:
            if not self._free and self._running:
                self._changed.wait_for(lambda: self._free, PATIENCE_SECONDS)
            return self._free.pop() if self._free else None

    def _keep_one(self) -> None:
        while True:
            try:
                filler = _started()
            except (OSError, EOFError) as error:
                logger.error("a filler does not start, trying again: %r", error)
            else:
                self._until_it_ends(filler)
            time.sleep(AGAIN_SECONDS)

    def _until_it_ends(self, filler: Filler) -> None:
        with self._changed:
            self._running += 1
            self._free.append(filler)
            self._changed.notify()
        code = filler.process.wait()
        logger.warning("a filler has ended with %s, starting another", code)
        with self._changed:
            self._running -= 1
            if filler in self._free:  # else whoever has it finds out
                self._free.remove(filler)
                filler.line.close()


def hits() -> int:
    """Pages that this process has answered from a cache so far."""
    return near.hits + counters.counted()[Layer.PAGE, Outcome.HIT]


def _started() -> Filler:
    ours, theirs = socket.socketpair()
    with theirs:
        number = theirs.fileno()
        argv = [sys.executable, "-m", "web.filler", str(number)]
        process = subprocess.Popen(argv, pass_fds=[number])
    ours.settimeout(LONGEST_SECONDS)
    filler = Filler(process, Line(ours))
    try:
        if filler.line.receive() != READY:
            raise EOFError
    except (OSError, EOFError):
        process.kill()
        process.wait()
        filler.line.close()
        raise
    return filler
