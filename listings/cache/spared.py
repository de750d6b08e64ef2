"""Database queries that this process has asked, and those that the cache has spared it.

What a hit spares is known exactly: a fill counts the queries that it asks, adds what each hit among
its parts has spared, and keeps the sum with the value. So asked and spared together are what would
have been asked without any cache.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from listings.cache.plain_numbers import Count

asked = Count()  # by all threads
by_hits = Count()  # spared by hits of both layers; the near cache knows its own


class _OfThread(threading.local):
    number = 0


_of_thread = _OfThread()


def asked_by_this_thread() -> int:
    """Queries that this thread has asked so far."""
    return _of_thread.number


def count_queries(connection: BaseDatabaseWrapper, **_: object) -> None:
    """A receiver of `connection_created`: queries of this connection are counted from now on."""
    if _note not in connection.execute_wrappers:
        # In front: who has added one for a while takes the last one away.
        connection.execute_wrappers.insert(0, _note)


def _note(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    _of_thread.number += 1
    asked.number += 1
    return execute(sql, params, many, context)
