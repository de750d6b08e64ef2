"""Ends this process's programs when it dies, however it dies.

A helper in a session of its own holds the read end of a pipe whose only write end is here. When
this process goes, by SIGKILL too, the helper reads the end of the file and ends every process
group that it was told of. Run as a script, this module is that helper; so it imports nothing but
the standard library.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from enum import IntEnum
from typing import Any, NamedTuple


class Stage(IntEnum):
    """When a program is ended: clients first, so that none sees its server go."""

    CLIENT = 0
    SERVER = 1


# Seconds between the polite signal and SIGKILL; together less than the 10 s a stop may take.
GRACE_SECONDS = {Stage.CLIENT: 3.5, Stage.SERVER: 4.5}
KILL_SECONDS = 0.5  # how long the kernel may take to clear a killed process away

# A program that ran before the helper knew of it would outlive a guardian that is killed in
# between. So it waits for a line, and ends instead if nobody is left to write one.
_GATE = ("sh", "-c", 'read -r go && exec "$@"', "sh")


class Watched(NamedTuple):
    """A process group to end: in which stage, and with which signal first."""

    group: int
    stage: int
    signal: int


class StoppingError(Exception):
    """Nothing is started any more."""


class Guardian:
    """Starts programs in sessions of their own and answers for their end.

    Once `stopping` is set, by a signal handler for one, nothing is started any more. The files in
    `held` stay open until the last program is gone, even when this process is not.
    """

    def __init__(self, held: Sequence[int] = ()) -> None:
        self.stopping = threading.Event()
        self._watched: dict[subprocess.Popen[bytes], Watched] = {}
        self._helper = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            bufsize=0,
            pass_fds=held,
            start_new_session=True,
        )
        assert self._helper.stdout
        with self._helper.stdout as ready:
            ready.read()  # until then a signal could still end it

    def spawn(
        self,
        argv: Sequence[str],
        stage: Stage,
        stop_signal: signal.Signals = signal.SIGTERM,
        given: bytes = b"",
        **options: Any,
    ) -> subprocess.Popen[bytes]:
        """The started program, whose input is what is `given`, and then ends.

        It runs only once its end is certain. `options` are those of `subprocess.Popen`.

        Raises:
            StoppingError: `stopping` is set.
        """
        if self.stopping.is_set():
            raise StoppingError
        process = subprocess.Popen(
            [*_GATE, *argv], stdin=subprocess.PIPE, start_new_session=True, **options
        )
        self._watched[process] = Watched(process.pid, stage, stop_signal)
        self._tell("watch", *self._watched[process])
        assert process.stdin
        with suppress(BrokenPipeError), process.stdin as gate:  # it may have been ended already
            gate.write(b"go\n" + given)
        return process

    def end(self, process: subprocess.Popen[bytes], grace_seconds: float = 4.5) -> None:
        """Returns when the program and its whole process group are gone."""
        if process in self._watched:
            end_groups([self._watched[process]], grace_seconds)
            self._forget(process)

    def end_all(self) -> None:
        """Returns when nothing that was started here is left."""
        end_in_order(self._watched.values())
        for process in list(self._watched):
            self._forget(process)

    def close(self) -> None:
        """Ends everything, the helper too."""
        self.end_all()
        if self._helper.stdin:
            self._helper.stdin.close()
        self._helper.wait()

    def _forget(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        del self._watched[process]
        self._tell("forget", process.pid)

    def _tell(self, *words: object) -> None:
        # A helper that somebody killed is not worth ending the programs for.
        with suppress(BrokenPipeError):
            assert self._helper.stdin
            self._helper.stdin.write(" ".join(str(word) for word in words).encode() + b"\n")


def end_in_order(watched: Iterable[Watched]) -> None:
    """Ends all groups of a stage before those of the next."""
    groups = list(watched)
    for stage in Stage:
        end_groups([w for w in groups if w.stage == stage], GRACE_SECONDS[stage])


def end_groups(watched: Iterable[Watched], grace_seconds: float) -> None:
    """Sends each group its signal, and SIGKILL after the grace; returns when they are gone."""
    rest = [w.group for w in watched if _send(w.group, w.signal)]
    for group in rest:
        _send(group, signal.SIGCONT)  # a stopped process hears nothing
    rest = _wait_until_gone(rest, grace_seconds)
    for group in rest:
        _send(group, signal.SIGKILL)
    _wait_until_gone(rest, KILL_SECONDS)


def _wait_until_gone(groups: list[int], seconds: float) -> list[int]:
    """The groups that are still there after so many seconds."""
    deadline = time.monotonic() + seconds
    while (groups := [g for g in groups if _exists(g)]) and time.monotonic() < deadline:
        time.sleep(0.01)
    return groups


def _exists(group: int) -> bool:
    with suppress(ChildProcessError):  # not our child, or somebody has waited for it already
        os.waitpid(group, os.WNOHANG)  # a dead child counts as existing until it is reaped
    return _send(group, 0)


def _send(group: int, number: int) -> bool:
    """Whether the group was there to get the signal."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a dead group
        return False
    return True


def _guard() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.close(sys.stdout.fileno())
    watched: dict[int, Watched] = {}
    for line in sys.stdin:
        word, *numbers = line.split()
        if word == "watch":
            entry = Watched(*map(int, numbers))
            watched[entry.group] = entry
        else:
            watched.pop(int(numbers[0]), None)
    end_in_order(watched.values())


if __name__ == "__main__":
    _guard()
