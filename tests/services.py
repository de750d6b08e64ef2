"""The platform's processes on the test database, started as `make run` starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPMessage
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from tests import servers
from tests.waiting import eventually
from web.local_servers import Stage, ports


@dataclass
class Response:
    status: int
    headers: HTTPMessage
    text: str

    @property
    def cache(self) -> str:
        return self.headers["Cache-Status"]


@dataclass
class Services:
    """Starts and ends processes by name; `get` asks the web process."""

    port: int
    log_path: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)  # besides those of all tests

    def start(self, *names: str) -> None:
        environment = {**services_environment(), "PORT": str(self.port), **self.variables}
        for name in names:
            with self.log_path.open("ab") as log:
                self.processes[name] = servers.guardian.spawn(
                    [sys.executable, "-m", "web.services", name],
                    Stage.CLIENT,
                    env=environment,
                    cwd=settings.BASE_DIR,
                    stdout=log,
                    stderr=log,
                )
        if "web" in names:
            eventually(self._answers, 30)

    def start_missing(self, *names: str) -> None:
        """Starts those that have been ended, or never started."""
        self.start(*(name for name in names if name not in self.processes))

    def end(self, name: str) -> None:
        servers.guardian.end(self.processes.pop(name))

    def kill(self, name: str) -> None:
        """As a crash: SIGKILL to the process and all its children."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        servers.guardian.end(process)

    def get(self, path: str) -> Response:
        try:
            with urllib.request.urlopen(self.url(path), timeout=30) as response:
                return Response(response.status, response.headers, response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Response(error.code, error.headers, error.read().decode())

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def _answers(self) -> bool:
        try:
            return self.get("/robots.txt").status == 200
        except OSError:
            return False


def services_environment() -> dict[str, str]:
    """The variables of a process that works on the test database. It finds the static files."""
    _collect_static_files()
    url = urlsplit(os.environ["DATABASE_URL"])
    database = urlunsplit(url._replace(path=f"/{connection.settings_dict['NAME']}"))
    return {**os.environ, "DATABASE_URL": database}


@cache
def _collect_static_files() -> None:
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput"]
    subprocess.run(collect, cwd=settings.BASE_DIR, check=True, capture_output=True)


@pytest.fixture
def services(platform, tmp_path) -> Iterator[Services]:
    """Processes of this test alone; none runs at first."""
    yield from _ended_afterwards(tmp_path)


@pytest.fixture(scope="module")
def shared_services(tmp_path_factory) -> Iterator[Services]:
    """Processes that the tests of a module share; each test starts those that are missing."""
    yield from _ended_afterwards(tmp_path_factory.mktemp("services"))


def _ended_afterwards(folder: Path) -> Iterator[Services]:
    services = Services(ports.free_port(), folder / "services.log")
    try:
        yield services
    finally:
        for name in list(services.processes):
            services.end(name)
        if services.log_path.exists():
            print(services.log_path.read_text(errors="replace")[-20_000:])
