"""pytest plugin: real PostgreSQL, cache and broker for one test run.

They start before Django's settings are imported, on free ports, in a temporary folder, and end
with the run however it ends. Nothing of the developer's own environment reaches the tests.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from web.local_servers import (
    NO_DURABILITY,
    Guardian,
    LocalServerError,
    LocalServers,
    Server,
)

PROJECT = Path(__file__).resolve().parent.parent

guardian: Guardian  # ends what tests start through it
stack: LocalServers  # the servers of this run: `stack.database`, `stack.cache`, `stack.broker`


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None, object, object]:
    """pytest-django imports the settings in this hook; a wrapper comes before it."""
    try:
        _start()
    except LocalServerError as error:
        raise pytest.UsageError(str(error)) from error
    return (yield)


def pytest_unconfigure() -> None:
    if "guardian" in globals():
        guardian.close()
        shutil.rmtree(stack.cache.folder.parent, ignore_errors=True)


@pytest.fixture
def cache_server() -> Iterator[Server]:
    """The cache server, to stop, kill, freeze and start; it runs again afterwards."""
    yield from _restored(stack.cache)


@pytest.fixture
def broker_server() -> Iterator[Server]:
    """The broker, to stop, kill, freeze and start; it runs again afterwards."""
    yield from _restored(stack.broker)


@pytest.fixture
def database_server() -> Iterator[Server]:
    """PostgreSQL, to stop, kill and start; it runs again afterwards."""
    yield from _restored(stack.database)


def _restored(server: Server) -> Iterator[Server]:
    try:
        yield server
    finally:
        server.thaw()
        if not server.running:
            server.start()


def _start() -> None:
    global guardian, stack  # noqa: PLW0603 - one run has one set of servers
    postgres_bin = os.environ.get("POSTGRES_BIN", "")
    folder = Path(tempfile.mkdtemp(prefix="listings-tests-"))
    folder.chmod(0o711)  # root's PostgreSQL runs as another user, who must pass through
    guardian = Guardian()
    stack = LocalServers.in_folder(folder, guardian, NO_DURABILITY)
    stack.database.bin_folder = postgres_bin
    _forget_environment()
    # Nobody collects files while a process of another run looks for them.
    os.environ["STATIC_ROOT"] = str(folder / "static")
    for name, server in stack.by_variable().items():
        server.start()
        os.environ[name] = server.url


def _forget_environment() -> None:
    """Sets every variable of the project to its default, here and in the tests' processes.

    Empty means default, and a `.env` file gives only what the environment lacks.
    """
    example = (PROJECT / ".env.example").read_text()
    for name in re.findall(r"^# ([A-Z_]+)=", example, re.MULTILINE):
        os.environ[name] = ""
        os.environ[f"{name}_FILE"] = ""
    os.environ["METRICS_PORT"] = "0"  # several runs at once cannot have the same ports
    os.environ["SECRET_KEY"] = "known to the tests only"
