"""Statements that processes send to PostgreSQL, counted there, by the role that each one has.

Counted by pg_stat_statements, which comes with PostgreSQL. Roles are told apart because whoever
warms asks the same as whoever answers a visitor.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql

# For `servers`: the database must know of it at its start.
SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track_utility": "off",
}
# What pages are made of, planned at each call or once: then its text begins with PREPARE. Not:
# whether a kept connection still lives, and how wanted pages are.
_COUNTED = """
    SELECT coalesce(sum(calls), 0)
    FROM pg_stat_statements JOIN pg_roles ON pg_roles.oid = userid
    WHERE rolname = %s AND query ~ 'listings_(property|media|openhouse|listinghistory)'
        AND query ~* '^ *(prepare \\w+ as )?(select|with)'
"""


class Statements:
    """Counts reads of listings. `url` is the database's, with a role that may do anything."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection = psycopg2.connect(url)
        self._connection.autocommit = True
        self._do("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")

    def as_role(self, role: str) -> str:
        """The URL with which a process is this role. It may do whatever the original one may."""
        parts = urlsplit(self._url)
        name = sql.Identifier(role)
        create = "CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}"
        self._do(sql.SQL(create).format(name, sql.Literal(parts.password)))
        login = f"{role}:{parts.password}@{parts.hostname}:{parts.port}"
        return urlunsplit(parts._replace(netloc=login))

    def so_far(self, role: str) -> int:
        """Statements of this role since the server has started."""
        with self._connection.cursor() as cursor:
            cursor.execute(_COUNTED, [role])
            (number,) = cursor.fetchone() or (0,)
        return int(number)

    def close(self) -> None:
        self._connection.close()

    def _do(self, statement: str | sql.Composed) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
