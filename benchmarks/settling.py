"""Waiting until the running platform has nothing left to do, and starting it afresh."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.running import ask
from invalidation_worker import change_log
from listings.cache.store import store
from listings.models import PagePopularity

DEADLINE_SECONDS = 60.0
# Longer than processes keep their counts to themselves, and than a page waits to be warmed again.
STILL_SECONDS = 1.2
LOOK_SECONDS = 0.05


class NotSettledError(Exception):
    """The platform did not come to rest."""


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Returns when the condition holds.

    Raises:
        NotSettledError: it does not within a minute.
    """
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise NotSettledError(f"not within {DEADLINE_SECONDS:g} s: {what}")
        time.sleep(LOOK_SECONDS)


def settle(look: Callable[[], object]) -> None:
    """Returns when every change is applied and what `look` sees has not changed for a while."""
    eventually(lambda: change_log.oldest_age_seconds() is None, "every change is applied")
    last, since = look(), time.monotonic()

    def is_still() -> bool:
        nonlocal last, since
        if (now := look()) != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since > STILL_SECONDS

    eventually(is_still, "the platform is at rest")


def forget_all() -> None:
    """Empty caches, and nobody knows what visitors want."""
    store("pipeline").flush()
    PagePopularity.objects.all().delete()


def await_near(port: int) -> None:
    """Returns when pages come from the web process' memory: everything is trusted again."""
    eventually(lambda: "near" in cache_status(port), "the home page comes from the near cache")


def cache_status(port: int) -> str:
    """How the home page is answered (RFC 9211)."""
    return str(ask(port, "/")["Cache-Status"])
