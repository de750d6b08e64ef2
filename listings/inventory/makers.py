"""Processes that make batches, so that PostgreSQL writes one while Python makes the next ones.

A maker starts afresh instead of being forked, and imports no model: it needs no settings, no
connection and a third of a second. It ends when its orders end, whatever ended them.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import cycle
from multiprocessing.connection import Connection

from listings.inventory.batch import Batch, Inventory, maker

_AHEAD = 2  # orders that each maker holds: one at work, one waiting

Make = Callable[[Iterable[Sequence[int]]], Iterator[Batch]]


class MakerEndedError(Exception):
    """A process that makes listings has ended before its time."""


@contextmanager
def makers(inventory: Inventory, processes: int) -> Iterator[Make]:
    """A function from groups of numbers to their batches, in the same order, made ahead.

    With one process the batches are made by the caller's own, when they are asked for.

    Raises:
        MakerEndedError: from the iterator, when somebody has ended a maker.
    """
    if processes == 1:
        make = maker(inventory)
        yield lambda groups: map(make, groups)
        return
    with ExitStack() as ends:
        yield _Makers([_start(inventory, ends) for _ in range(processes)]).make


def _start(inventory: Inventory, ends: ExitStack) -> Connection[Sequence[int], Batch]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(inventory, theirs), daemon=True)
    process.start()
    theirs.close()
    ends.callback(process.join)
    ends.callback(ours.close)  # first: it is what a maker ends by
    return ours


def _work(inventory: Inventory, orders: Connection[Batch, Sequence[int]]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that writes
    make = maker(inventory)
    with suppress(EOFError, ConnectionError):
        while True:
            orders.send(make(orders.recv()))


class _Makers:
    def __init__(self, connections: list[Connection[Sequence[int], Batch]]) -> None:
        self._connections = connections

    def make(self, groups: Iterable[Sequence[int]]) -> Iterator[Batch]:
        makers = cycle(self._connections)
        ordered: deque[Connection[Sequence[int], Batch]] = deque()
        try:
            for numbers in groups:
                if len(ordered) == _AHEAD * len(self._connections):
                    yield ordered.popleft().recv()
                ordered.append(next(makers))
                ordered[-1].send(numbers)
            while ordered:
                yield ordered.popleft().recv()
        except (EOFError, ConnectionError) as error:
            raise MakerEndedError("A process that makes listings has been ended") from error
