"""Processes under measurement: where they run, and how much CPU they have used."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.servers import PROJECT
from web.local_servers import Guardian, Stage

START_SECONDS = 30.0


class NotStarted(RuntimeError):
    """A server has ended, or does not answer; the text has the end of its log."""


@dataclass(frozen=True)
class Processors:
    """One for the web server that is measured, and one for whoever asks and for all data."""

    server: int
    others: int

    @classmethod
    def of_this_machine(cls) -> Processors:
        """The last two that this process may use; with a single one, everything shares it."""
        allowed = sorted(os.sched_getaffinity(0))
        return cls(allowed[-1], allowed[-2] if len(allowed) > 1 else allowed[-1])


@dataclass
class WebServer:
    """A server on the loopback interface that answers."""

    port: int
    process: psutil.Process

    @property
    def cpu_seconds(self) -> float:
        return tree_cpu_seconds(self.process)

    def get(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """The response to a GET, and its body as it was sent."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers=dict(headers or {}))
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()


class House:
    """Starts processes in an environment; they end with it."""

    def __init__(self, guardian: Guardian, environment: Mapping[str, str], folder: Path) -> None:
        self.folder = folder  # for logs and whatever else a server wants to write
        self.environment = dict(environment)
        self.processors = Processors.of_this_machine()
        self._guardian = guardian

    def serve(
        self, name: str, argv: list[str], variables: Mapping[str, str], port: int
    ) -> WebServer:
        """Returns when the server answers on its port.

        Raises:
            NotStarted: it does not within 30 s.
        """
        process = self.start(name, argv, variables, self.processors.server)
        server = WebServer(port, psutil.Process(process.pid))
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError, http.client.HTTPException):
                server.get("/robots.txt")
                return server
            time.sleep(0.05)
        raise NotStarted(f"{name}: {self._log(name).read_text(errors='replace')[-2000:]}")

    def start(
        self, name: str, argv: list[str], variables: Mapping[str, str], processor: int
    ) -> subprocess.Popen[bytes]:
        """Start a program on this processor."""
        with self._log(name).open("ab") as log:
            return self._guardian.spawn(
                [sys.executable, "-m", "benchmarks.speed.pinned", str(processor), *argv],
                Stage.CLIENT,
                env={**self.environment, **variables},
                cwd=PROJECT,
                stdout=log,
                stderr=log,
            )

    def run(
        self, module: str, arguments: list[str], variables: Mapping[str, str], given: bytes
    ) -> bytes:
        """What a program of the benchmark prints. It gets this input, and the server's processor.

        Raises:
            NotStarted: it ended with an error.
        """
        pinned = [sys.executable, "-m", "benchmarks.speed.pinned", str(self.processors.server)]
        done = subprocess.run(
            [*pinned, sys.executable, "-m", module, *arguments],
            env={**self.environment, **variables},
            cwd=PROJECT,
            input=given,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise NotStarted(f"{module}: {done.stderr.decode(errors='replace')[-2000:]}")
        return done.stdout

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


def tree_cpu_seconds(root: psutil.Process) -> float:
    """User and system seconds of a process, its children, and those that have ended."""
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def pin_tree(root: psutil.Process, processor: int) -> None:
    """Move a process and its children; what they start later comes along."""
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            for thread in process.threads():
                with suppress(ProcessLookupError):
                    os.sched_setaffinity(thread.id, {processor})
