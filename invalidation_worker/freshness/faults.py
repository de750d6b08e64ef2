"""Faults in the stack that `make run` runs in this folder: parts killed, frozen, flushed.

Its processes are found through /proc: by their command line, as children of the supervisor that
works in this folder. The supervisor starts again what was killed; what was frozen is thawed here,
whatever happens.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from invalidation_worker.freshness.history import Disturbance, Evidence
from listings.cache.store import store

PAUSE_SECONDS = (4.0, 8.0)  # from a fault that has settled to the next one
FROZEN_SECONDS = (2.0, 7.0)
# Longer than P3's 15 s by what a reader needs to come by.
ALL_FROZEN_SECONDS = 18.0
RETURN_SECONDS = 20.0  # the supervisor waits up to 10 s, and Python starts
SETTLING_SECONDS = 5.0  # connections are made again, and what has waited is applied
LOOK_SECONDS = 0.05


class NoStackError(Exception):
    """No stack of `make run` runs in this folder, or one without a part that faults need."""


@dataclass(frozen=True, slots=True)
class Part:
    """A process of the stack, known by its command line."""

    name: str
    words: tuple[str, ...]  # that stand in it
    folder: str = "."  # in which it works

    def pid(self, project: Path) -> int | None:
        """Its process, while it lives."""
        for pid, words, parent in _processes(project / self.folder):
            if all(word in words for word in self.words) and _is_supervisor(parent, project):
                return pid
        return None


WORKER = Part("invalidation worker", ("celery", "invalidation"))
RELAY = Part("relay", ("manage.py", "relay"))
BROKER = Part("broker", ("valkey-server",), "var/broker")
PARTS = (WORKER, RELAY, BROKER)


class Faults:
    """Disturbs the stack of a project's folder, one fault after the other.

    Raises:
        NoStackError: there is nothing to disturb.
    """

    def __init__(self, project: Path, dice: Random, evidence: Evidence) -> None:
        self._project = project
        self._dice = dice
        self._evidence = evidence
        missing = [part.name for part in PARTS if part.pid(project) is None]
        if missing:
            raise NoStackError(
                f"--faults needs the stack of `make run` in {project}: found no "
                f"{' and no '.join(missing)}"
            )

    def run_until(self, stopping: threading.Event) -> None:
        """Fault after fault, each kind once before any comes again; all frozen comes first."""
        while not stopping.is_set():
            kinds = self._kinds()
            self._dice.shuffle(kinds)
            kinds.sort(key=lambda kind: kind[0] != "all frozen")
            for name, fault in kinds:
                if stopping.wait(self._dice.uniform(*PAUSE_SECONDS)):
                    return
                began = time.monotonic()
                fault(stopping)
                stopping.wait(SETTLING_SECONDS)
                self._evidence.disturbances.append(Disturbance(name, began, time.monotonic()))

    def _kinds(self) -> list[tuple[str, Callable[[threading.Event], None]]]:
        def freezing(*parts: Part) -> Callable[[threading.Event], None]:
            return lambda stopping: self.freeze(parts, FROZEN_SECONDS, stopping)

        def killing(part: Part) -> Callable[[threading.Event], None]:
            return lambda stopping: self._kill(part, stopping)

        all_frozen = (ALL_FROZEN_SECONDS, ALL_FROZEN_SECONDS)
        return [
            ("all frozen", lambda stopping: self.freeze(PARTS, all_frozen, stopping)),
            *((f"{part.name} killed", killing(part)) for part in PARTS),
            *((f"{part.name} frozen", freezing(part)) for part in PARTS),
            ("cache flushed", lambda stopping: store("pipeline").flush()),
        ]

    def freeze(
        self, parts: Sequence[Part], seconds: tuple[float, float], stopping: threading.Event
    ) -> None:
        """Returns when they have stood still for so long, from least to most, and go on."""
        with ExitStack() as frozen:
            for part in parts:
                if pid := part.pid(self._project):
                    frozen.enter_context(_frozen(pid))
            stopping.wait(self._dice.uniform(*seconds))

    def _kill(self, part: Part, stopping: threading.Event) -> None:
        killed = part.pid(self._project)
        if killed is None:
            return
        _send(killed, signal.SIGKILL)
        deadline = time.monotonic() + RETURN_SECONDS
        while part.pid(self._project) in (None, killed) and time.monotonic() < deadline:
            if stopping.wait(LOOK_SECONDS):
                return


@contextmanager
def _frozen(pid: int) -> Iterator[None]:
    _send(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        _send(pid, signal.SIGCONT)


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _is_supervisor(pid: int, project: Path) -> bool:
    return any(pid == found and "web.run" in words for found, words, _ in _processes(project, pid))


def _processes(folder: Path, only: int | None = None) -> Iterator[tuple[int, list[str], int]]:
    """Id, words of the command line and parent of each process that works in this folder."""
    folder = folder.resolve()
    for entry in Path("/proc").glob(str(only) if only else "[0-9]*"):
        # It may end while it is looked at, or belong to somebody else.
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if (entry / "cwd").readlink() != folder:
                continue
            line = (entry / "cmdline").read_bytes().decode(errors="replace")
            words = [Path(word).name for word in line.replace("\0", " ").split()]
            # The name in parentheses may hold anything, so count from its end: man 5 proc_stat.
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            if stat[0] != "Z":
                yield int(entry.name), words, int(stat[1])
