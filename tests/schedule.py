"""Real code in threads that stop at named steps, played in every order.

An `Actor` runs code in a thread of its own and stands still before each step that the code
announces, until it is told to go on. `play_all` plays every order in which the steps of some actors
can follow one another: one order after the other, each from the start.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from queue import SimpleQueue
from typing import Any, NoReturn

import psutil
import pytest
from django.db import connection, connections

from tests.waiting import eventually

PATIENCE_SECONDS = 30.0  # with an actor that should stand or end; it waits for something else

_this = threading.local()  # the actor of a thread, and the step before which it dies


class Death(BaseException):
    """An actor dies, as by SIGKILL: nothing that catches errors may catch it."""


class Pointless(Exception):
    """A step that changed nothing: the orders that go on from it are like others without it."""


class Actor:
    """A thread with a database connection of its own, which plays one thing after another."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.step = ""  # before which it stands; empty: it has ended
        self._plays: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._may_go = threading.Semaphore(0)
        self._stands = threading.Semaphore(0)
        self._dying = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def begin(self, play: Callable[[], object]) -> Actor:
        """Play this up to its first step."""
        self._plays.put(play)
        self._wait()
        return self

    def go_on(self) -> None:
        """Take the step, and all that follows up to the next one or the end.

        Raises:
            whatever was raised in the thread and not caught there.
        """
        self._may_go.release()
        self._wait()

    def stop(self) -> None:
        """Die where it stands."""
        self._dying = True
        while self.step:
            self.go_on()
        self._dying = False

    def close(self) -> None:
        self.stop()
        self._plays.put(None)
        self._thread.join(PATIENCE_SECONDS)

    def stand_before(self, step: str) -> None:
        """Called in the thread."""
        self.step = step
        self._stands.release()
        self._may_go.acquire()
        if self._dying:
            _die()

    def _wait(self) -> None:
        if not self._stands.acquire(timeout=PATIENCE_SECONDS):
            raise AssertionError(f"{self.name} is stuck after {self.step!r}")
        error, self._error = self._error, None
        if error is not None and not isinstance(error, Death):
            raise error

    def _run(self) -> None:
        _this.actor = self
        while play := self._plays.get():
            try:
                play()
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                self._error = error
            self.step = ""
            self._stands.release()
        connections.close_all()


def announce(step: str) -> None:
    """Stand still before this step, if this thread is an actor's."""
    actor: Actor | None = getattr(_this, "actor", None)
    if actor is None:
        return
    actor.stand_before(step)
    if step == getattr(_this, "dies_before", None):
        _die()


def _die() -> NoReturn:
    backend = connection.connection and connection.connection.get_backend_pid()
    connections.close_all()
    if backend:  # the database rolls back by itself, as soon as it has noticed
        eventually(lambda: not psutil.pid_exists(backend))
    raise Death


@contextlib.contextmanager
def dying_before(step: str) -> Iterator[None]:
    """Inside, this thread dies instead of taking that step; the next thing it does is outside."""
    _this.dies_before = step
    try:
        yield
    except Death:
        if getattr(_this.actor, "_dying", False):
            raise
    finally:
        _this.dies_before = None


def announced(patch: pytest.MonkeyPatch, owner: Any, name: str, step: Callable[..., str]) -> None:
    """Make each call of `owner.name` a step, called what `step` makes of the call's arguments."""
    real = getattr(owner, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        announce(step(*args, **kwargs))
        return real(*args, **kwargs)

    patch.setattr(owner, name, call)


def once(step: str, do: Callable[[], object]) -> Callable[[], None]:
    """A play of one step."""

    def play() -> None:
        announce(step)
        do()

    return play


@dataclass(frozen=True)
class Played:
    """What came of the orders that were played."""

    orders: int
    fault: str = ""  # empty: after no step of any order was anything wrong
    trace: tuple[str, ...] = ()  # the steps up to the fault


def play_all(
    begin: Callable[[], Sequence[Actor]],
    fault_after: Callable[[str], str],
    most_switches: int | None = None,
    free: Collection[str] = (),
) -> Played:
    """Play every order, each once, up to the first after some step of which there is a fault.

    With `most_switches`, only those in which an actor that could go on is kept waiting for another
    at most so often: most errors need but two (Musuvathi and Qadeer, "Iterative context bounding
    for systematic testing of multithreaded programs", PLDI 2007). Switches to and from the actors
    named in `free` are not counted.
    """
    ahead: list[list[int]] = [[]]
    orders = 0
    while ahead:
        start = ahead.pop()
        order = _Order(begin(), free)
        try:
            wrong = order.play(start, fault_after)
        finally:
            order.stop()
        orders += 1
        if wrong:
            return Played(orders, wrong, tuple(order.trace))
        ahead += order.others(len(start), most_switches)
    return Played(orders)


class _Order:
    """One order under way."""

    def __init__(self, actors: Sequence[Actor], free: Collection[str]) -> None:
        self.actors = actors
        self.free = {n for n, actor in enumerate(actors) if actor.name in free}
        self.taken: list[int] = []  # whose step it was, each time
        self.could: list[list[int]] = []  # who else could have taken one
        self.trace: list[str] = []

    def play(self, start: Sequence[int], fault_after: Callable[[str], str]) -> str:
        last = 0  # of those that are not free
        while standing := [n for n, actor in enumerate(self.actors) if actor.step]:
            at = len(self.taken)
            now = start[at] if at < len(start) else last if last in standing else standing[0]
            last = last if now in self.free else now
            actor = self.actors[now]
            self.could.append(standing)
            self.taken.append(now)
            step = actor.step
            self.trace.append(f"{actor.name}: {step}")
            try:
                actor.go_on()
            except Pointless:
                return ""
            if wrong := fault_after(step):
                return wrong
        return ""

    def others(self, known: int, most_switches: int | None) -> Iterator[list[int]]:
        """Starts of the orders that part from this one after `known` steps or later."""
        for at in range(known, len(self.taken)):
            for other in self.could[at]:
                if other != self.taken[at]:
                    start = [*self.taken[:at], other]
                    if most_switches is None or self._switches(start) <= most_switches:
                        yield start

    def stop(self) -> None:
        for actor in self.actors:
            actor.stop()

    def _switches(self, start: Sequence[int]) -> int:
        taken = [n for n in start if n not in self.free]
        could = [self.could[at] for at, n in enumerate(start) if n not in self.free]
        return sum(
            before != now and before in standing
            for (before, now), standing in zip(pairwise(taken), could[1:], strict=True)
        )
