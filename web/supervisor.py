"""Keeps processes running: one that ends is started again, after a wait that grows."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from web.local_servers import Guardian, StoppingError
from web.terminal import Terminal

FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 10.0
SETTLED_SECONDS = 30.0  # who has run so long is well again: its next wait is the first one
TICK_SECONDS = 0.05
LEFTOVER_SECONDS = 1.0  # what is left of an ended program gets this long to end too


@dataclass
class _Kept:
    name: str
    launch: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes] | None
    since: float
    wait_seconds: float = FIRST_WAIT_SECONDS


class Supervisor:
    """Watches over what it is given until its guardian is stopping."""

    def __init__(self, guardian: Guardian, terminal: Terminal) -> None:
        self._guardian = guardian
        self._terminal = terminal
        self._kept: list[_Kept] = []

    def keep(
        self,
        name: str,
        launch: Callable[[], subprocess.Popen[bytes]],
        process: subprocess.Popen[bytes] | None = None,
    ) -> None:
        """Watches over a program from now on; `launch` starts it, also when it has ended.

        `process` is the program if it runs already.
        """
        process = process or self._started(name, launch)
        self._kept.append(_Kept(name, launch, process, time.monotonic()))

    def run(self, each_tick: Callable[[], None] = lambda: None) -> None:
        """Returns when the guardian is stopping. What still runs is the guardian's to end."""
        with suppress(StoppingError):
            while not self._guardian.stopping.wait(TICK_SECONDS):
                for kept in self._kept:
                    self._look_after(kept)
                each_tick()

    def _look_after(self, kept: _Kept) -> None:
        now = time.monotonic()
        if kept.process is None:
            if now - kept.since >= kept.wait_seconds:
                kept.wait_seconds = min(2 * kept.wait_seconds, LONGEST_WAIT_SECONDS)
                kept.process, kept.since = self._started(kept.name, kept.launch), now
        elif kept.process.poll() is not None:
            self._terminal.say(kept.name, f"{_end_of(kept.process)}, starting again")
            # Its children may have outlived it, and hold its port.
            self._guardian.end(kept.process, LEFTOVER_SECONDS)
            if now - kept.since > SETTLED_SECONDS:
                kept.wait_seconds = FIRST_WAIT_SECONDS
            kept.process, kept.since = None, now

    def _started(
        self, name: str, launch: Callable[[], subprocess.Popen[bytes]]
    ) -> subprocess.Popen[bytes]:
        process = launch()
        if process.stdout:
            self._terminal.follow(name, process.stdout)
        return process


def _end_of(process: subprocess.Popen[bytes]) -> str:
    if process.returncode < 0:
        number = -process.returncode
        return f"ended with signal {number} ({signal.Signals(number).name})"
    return f"ended with code {process.returncode}"
