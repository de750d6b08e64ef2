"""A script of the cache server, run with less ado: what visitors wait for asks three times a page.

redis-py's own way takes as much time again as the round trip: it measures each command for
OpenTelemetry and looks for scripts in pipelines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis
from redis.commands.core import Script
from redis.connection import ConnectionInterface
from redis.exceptions import NoScriptError


class QuickScript:
    """Runs one script on connections of its client's pool, with the client's retries."""

    def __init__(self, client: redis.Redis, script: Script) -> None:
        self._pool = client.connection_pool
        self._script = script

    def __call__(self, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        """What the script returns.

        Raises:
            redis.RedisError: the server does not answer, or refuses.
        """
        words = ("EVALSHA", self._script.sha, len(keys), *keys, *args)
        connection = self._pool.get_connection()
        try:
            return connection.retry.call_with_retry(
                lambda: _ask(connection, words),
                lambda _: connection.disconnect(),  # type: ignore[no-untyped-call]
            )
        except NoScriptError:
            pass  # a server that has been started, or flushed of its scripts, since
        finally:
            self._pool.release(connection)
        return self._script(keys, args)  # which loads it first


def _ask(connection: ConnectionInterface, words: Sequence[str | bytes | int]) -> Any:
    connection.send_command(*words)  # type: ignore[no-untyped-call]
    return connection.read_response()
