"""What PostgreSQL and Valkey have in common: a program, a folder, a port, a password."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

import psutil

from web import real_time
from web.local_servers import ports
from web.local_servers.errors import LocalServerError
from web.local_servers.guardian import Guardian, StoppingError

START_SECONDS = 60  # recovery after an unclean stop may take this long
PORT_ATTEMPTS = 5
# Where the system allows it: whoever applies a change waits for these, and so does everybody else.
NICENESS = -10


class Server(ABC):
    """A server on the loopback interface whose data are in `folder`."""

    stop_signal = signal.SIGTERM
    turn: int  # in real time

    def __init__(self, name: str, guardian: Guardian, folder: Path) -> None:
        self.name = name
        self.folder = folder.resolve()
        self.port = ports.free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._guardian = guardian
        self._has_run = False

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients find it, password included."""

    @property
    @abstractmethod
    def program(self) -> Path:
        """The server's binary."""

    @property
    @abstractmethod
    def home(self) -> Path:
        """The folder in which the server works."""

    @abstractmethod
    def prepare(self) -> None:
        """Makes the home ready."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether this server, and no other on its port, answers now."""

    @abstractmethod
    def _spawn(self, log: int) -> subprocess.Popen[bytes]: ...

    def start(self) -> None:
        """Returns when the server answers, after its first start always on the same port.

        Raises:
            LocalServerError: it ended or did not answer; with the last lines of its log.
            StoppingError: it is not wanted any more.
        """
        for _ in range(PORT_ATTEMPTS):
            self.launch()
            if self._wait_until_ready():
                self._has_run = True
                return
            if self._has_run or ports.is_free(self.port):
                break
            self.port = ports.free_port()  # somebody was faster
        raise LocalServerError(f"The {self.name} server ended while starting: {self.last_words()}")

    def launch(self) -> subprocess.Popen[bytes]:
        """The started program; it may need a moment until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._end_orphans()
        self.prepare()
        with (self.folder / "server.log").open("wb") as log:
            self.process = self._spawn(log.fileno())
        _come_first(self.process.pid)
        real_time.let_come_next(self.process, self.turn)
        return self.process

    def stop(self) -> None:
        """Returns when the server has ended in good order."""
        if self.process:
            self._guardian.end(self.process)

    def kill(self) -> None:
        """Ends the server as a crash would."""
        self._send(signal.SIGKILL)
        if self.process:
            self._guardian.end(self.process)

    def freeze(self) -> None:
        """The server keeps its connections and stops answering."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """The server goes on where it was frozen."""
        self._send(signal.SIGCONT)

    @property
    def running(self) -> bool:
        """Whether its process lives, frozen or not."""
        return self.process is not None and self.process.poll() is None

    def last_words(self, lines: int = 3) -> str:
        """The end of the server's log, in one line."""
        with suppress(FileNotFoundError):
            log = (self.folder / "server.log").read_text(errors="replace")
            return " / ".join(line.strip() for line in log.splitlines()[-lines:])
        return "it has no log"

    def _send(self, number: signal.Signals) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, number)

    def _wait_until_ready(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while self.running:
            if self.answers():
                return True
            if self._guardian.stopping.wait(0.02):
                raise StoppingError
            if time.monotonic() > deadline:
                raise LocalServerError(
                    f"The {self.name} server did not answer within {START_SECONDS} s: "
                    f"{self.last_words()}"
                )
        return False

    def _end_orphans(self) -> None:
        """Ends servers that still work in this folder though their supervisor is dead.

        Two servers on the same files would ruin them.
        """
        orphans = [
            process
            for process in psutil.process_iter(["name", "cwd"])
            if process.info["name"] == self.program.name and process.info["cwd"] == str(self.home)
        ]
        for orphan in orphans:
            with suppress(psutil.NoSuchProcess):
                orphan.send_signal(self.stop_signal)
        for stubborn in psutil.wait_procs(orphans, timeout=5)[1]:
            with suppress(psutil.NoSuchProcess):
                stubborn.kill()


def _come_first(pid: int) -> None:
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, NICENESS)
        if os.getsid(pid) == pid:  # Linux divides the processors among sessions first
            Path(f"/proc/{pid}/autogroup").write_text(str(NICENESS))
