"""Rows of any number, put aside in the database to be grouped by the listing they tell of.

A temporary table rather than a dictionary: a file is read once and its size does not matter here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Generic, NamedTuple

from django.db import Error, connection
from msgspec import json

from listings.copying import copy_rows
from listings.importing.format import Row

_TABLE = "import_stage"
_COLUMNS = ("source_key", "changed_at", "line", "payload")
_BATCH = 5_000  # rows of one COPY: about 2 MB


class Group(NamedTuple, Generic[Row]):
    """The rows of one listing, oldest first, and the line of the last one."""

    line: int
    rows: list[Row]
    repeated: int  # rows left out because a later line tells of the same moment


class Stage(Generic[Row]):
    """Rows of one type, for the time of a `with`. One at a time on a connection."""

    def __init__(self, row_type: type[Row]) -> None:
        self._decode = json.Decoder(row_type).decode
        self._waiting: list[tuple[str, datetime, int, str]] = []

    def __enter__(self) -> Stage[Row]:
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TEMPORARY TABLE {_TABLE}"
                " (source_key text, changed_at timestamptz, line bigint, payload text)"
            )
        return self

    def __exit__(self, *error: object) -> None:
        # A connection that is lost has taken it along, and what has gone wrong is to be told.
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {_TABLE}")

    def add(self, source_key: str, changed_at: datetime, line: int, row: Row) -> None:
        self._waiting.append((source_key, changed_at, line, json.encode(row).decode()))
        if len(self._waiting) >= _BATCH:
            self._write()

    def count(self) -> int:
        """How many listings the rows tell of."""
        self._write()
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(DISTINCT source_key) FROM {_TABLE}")
            return int(cursor.fetchone()[0])

    def groups(self) -> Iterator[Group[Row]]:
        """Every listing's rows; those of the caller's transactions may end in between."""
        self._write()
        with connection.chunked_cursor() as cursor:
            cursor.execute(
                f"SELECT source_key, changed_at, line, payload FROM {_TABLE}"
                ' ORDER BY source_key COLLATE "C", changed_at, line'
            )
            for _, found in groupby(cursor, key=itemgetter(0)):
                rows = list(found)
                latest = {changed_at: payload for _, changed_at, _, payload in rows}
                yield Group(
                    line=rows[-1][2],
                    rows=[self._decode(payload) for payload in latest.values()],
                    repeated=len(rows) - len(latest),
                )

    def _write(self) -> None:
        if self._waiting:
            with connection.cursor() as cursor:
                copy_rows(cursor, _TABLE, _COLUMNS, self._waiting)
            self._waiting.clear()
