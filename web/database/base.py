"""The database backend: `base` is the name that Django looks for."""

from __future__ import annotations

import select
import time
from typing import Any

from django.db.backends.postgresql import base
from psycopg2 import InterfaceError
from psycopg2.extensions import connection, cursor

from listings.cache.turns import waiting

# A server that ends closes its connections, which is seen here at once. One that loses its power,
# or a firewall that forgets a connection, does not: then only an answer tells, so what has been
# idle for longer than this is asked, as by Django itself.
TRUSTED_SECONDS = 5.0


class PoliteCursor(cursor):
    """Lets others compute while it waits for the server."""

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 - its name in the base
        with waiting:
            super().execute(query, vars)


class DatabaseWrapper(base.DatabaseWrapper):
    """Sends no `SELECT 1` ahead of a request's queries where the socket tells as much."""

    health_check_done: bool
    _looked_at = float("-inf")  # when it was last looked at, of the monotonic clock

    def get_new_connection(self, conn_params: dict[str, Any]) -> connection:
        """As Django makes it, with our cursors."""
        made: connection = super().get_new_connection(conn_params)
        made.cursor_factory = PoliteCursor
        return made

    def close_if_health_check_failed(self) -> None:
        """Once a request, ahead of its first query."""
        if self.connection is not None and not self.health_check_done:
            now = time.monotonic()
            self.health_check_done = now - self._looked_at < TRUSTED_SECONDS and self._is_silent()
            self._looked_at = now
        super().close_if_health_check_failed()

    def _is_silent(self) -> bool:
        """Whether nothing has come from the server since its last answer: not even its end."""
        incoming = select.poll()
        try:
            incoming.register(self.connection.fileno(), select.POLLIN)
        except (InterfaceError, ValueError):
            return False  # it has been closed here already
        return not incoming.poll(0)
