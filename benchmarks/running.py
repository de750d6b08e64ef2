"""The platform's processes on servers of a benchmark's own, started as `make run` starts them."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message

from benchmarks.servers import PROJECT
from web.local_servers import Guardian, Stage, ports

PROCESSES = ("web", "invalidation-worker", "warming-worker", "relay")
START_SECONDS = 60.0


class SiteError(Exception):
    """The site does not start."""


@dataclass(frozen=True, slots=True)
class Running:
    """The site's port, and the processes by their names."""

    port: int
    processes: dict[str, subprocess.Popen[bytes]]


@contextmanager
def site(
    environment: Mapping[str, str], own: Mapping[str, Mapping[str, str]] | None = None
) -> Iterator[Running]:
    """The running site. `own` are variables of single processes, by their names.

    Raises:
        SiteError: it does not answer within a minute.
    """
    own = own or {}
    shared = {**environment, "PORT": str(ports.free_port()), "METRICS_PORT": "0"}
    port = int(shared["PORT"])
    guardian = Guardian()
    running = Running(port, {})
    try:
        for name in PROCESSES:
            running.processes[name] = guardian.spawn(
                [sys.executable, "-m", "web.services", name],
                Stage.CLIENT,
                cwd=PROJECT,
                env={**shared, **own.get(name, {})},
                stdout=sys.stderr,
                stderr=sys.stderr,
            )
        _await_ready(port)
        yield running
    finally:
        guardian.close()


def ask(port: int, path: str) -> Message:
    """The headers of an answer.

    Raises:
        OSError: nobody answers, or it is an error.
    """
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return answer.headers  # type: ignore[no-any-return]


def _await_ready(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            ask(port, "/readyz")
        except OSError as error:  # nobody listens yet, or 503
            if time.monotonic() > deadline:
                raise SiteError(f"the site is not ready: {error}") from error
            time.sleep(0.05)
        else:
            return
