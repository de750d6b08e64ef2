"""What runs in this folder: the servers' addresses, for as long as their supervisor lives.

Settings import this module, so it needs neither Django's settings nor the wheels of the servers.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from django.core.exceptions import ImproperlyConfigured

from web import secret_file

PROJECT = Path(__file__).resolve().parent.parent
VAR = PROJECT / "var"
PROBE_SECONDS = 0.5  # who only asks whether a supervisor lives holds its lock for microseconds
CLEANING_SECONDS = 15.0  # ending everything behind a dead supervisor takes at most 10


class AlreadyRunningError(Exception):
    """Another supervisor holds this folder."""


def url(name: str, var: Path = VAR) -> str:
    """The local stack's URL for DATABASE_URL, CACHE_URL or BROKER_URL.

    Raises:
        ImproperlyConfigured: nothing runs here.
    """
    found = _addresses(var).get(name)
    if found is None:
        raise ImproperlyConfigured(
            f"{name} is not set and no local servers run in this folder: "
            f"start them with `make run`, or set {name}"
        )
    return found


def secret_key(var: Path = VAR) -> str:
    """The key that this folder keeps for Django; made at first use."""
    return secret_file.read_or_create(var / "secret_key")


def publish(addresses: Mapping[str, str], var: Path = VAR) -> None:
    """Tells every process of this folder the URLs. Only the holder of `claim` may."""
    secret_file.replace(var / "stack.json", json.dumps(dict(addresses), indent=2) + "\n")


@contextmanager
def claim(var: Path = VAR) -> Iterator[int]:
    """Makes this process the one supervisor of the folder; what it published ends with it.

    Gives the descriptor of a second lock. Whoever cleans up behind a dead supervisor keeps it
    open, so that the next one waits until that is done.

    Raises:
        AlreadyRunningError: another process is the supervisor.
    """
    var.mkdir(parents=True, exist_ok=True)
    published = var / "stack.json"
    with (var / "stack.lock").open("a") as alive, (var / "stack.cleaning").open("a") as cleaning:
        _lock(alive, PROBE_SECONDS)
        _lock(cleaning, CLEANING_SECONDS)
        try:
            published.unlink(missing_ok=True)
            yield cleaning.fileno()
        finally:
            published.unlink(missing_ok=True)


def _lock(file: TextIO, patience_seconds: float) -> None:
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise AlreadyRunningError(
                    "The local stack of this folder runs already: use that one, "
                    "or stop it with Ctrl-C in its terminal"
                ) from error
        time.sleep(0.05)


def _addresses(var: Path) -> dict[str, str]:
    """What a living supervisor has published. A file whose writer is dead counts as nothing."""
    try:
        with (var / "stack.lock").open() as lock:
            if not _held(lock.fileno()):
                return {}
            published: dict[str, str] = json.loads((var / "stack.json").read_text())
            return published
    except FileNotFoundError:
        return {}


def _held(lock: int) -> bool:
    # A lock, not a process id: ids are used again, and the kernel frees a dead process's lock.
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(lock, fcntl.LOCK_UN)
    return False
