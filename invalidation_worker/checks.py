"""Settings that are allowed one by one and ruin the platform together."""

from __future__ import annotations

from typing import Any

import redis
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

# The clients' defaults, and the names under which a machine most often knows itself.
DEFAULT_HOST, DEFAULT_PORT, DEFAULT_DATABASE = "localhost", 6379, 0
LOOPBACK = {"127.0.0.1", "::1", DEFAULT_HOST}


@register
def cache_and_broker_are_apart(app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    """An error if flushing the cache would also empty the queue."""
    if _place(settings.CACHE_URL) != _place(settings.BROKER_URL):
        return []
    return [
        Error(
            "CACHE_URL and BROKER_URL name the same database of the same server: "
            "flushing the cache would take the queue with it.",
            hint="Give each a server of its own: the cache forgets when its memory is full, "
            "the broker must not.",
            id="invalidation_worker.E001",
        )
    ]


def _place(url: str) -> tuple[str, int, int]:
    """Host or socket, port, database."""
    # As the client reads it: the database may also stand in the query string.
    parts = redis.Redis.from_url(url).get_connection_kwargs()
    database = int(parts.get("db", DEFAULT_DATABASE))
    if "path" in parts:
        return str(parts["path"]), 0, database
    host = str(parts.get("host", DEFAULT_HOST)).lower()
    port = int(parts.get("port", DEFAULT_PORT))
    return DEFAULT_HOST if host in LOOPBACK else host, port, database
