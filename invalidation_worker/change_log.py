"""Taking events out of the change log, so that a worker that dies gives them back."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from django.db import connection

from invalidation_worker.models import ChangeEvent

_TABLE = ChangeEvent._meta.db_table

# SKIP LOCKED: several workers never wait for one another. The rows go when the caller commits;
# any other end brings them back. Never by `id > last`: ids are not given in the order of commits.
# A worker that freezes with rows in hand loses them to the others after 5 s. The commit need not
# wait for the disk: if the server crashes before it is there, the rows are back and applied again.
_CLAIM = f"""
    SET LOCAL idle_in_transaction_session_timeout = '5s';
    SET LOCAL synchronous_commit = off;
    WITH claimed AS MATERIALIZED (
        SELECT id FROM {_TABLE} ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
    )
    DELETE FROM {_TABLE} USING claimed WHERE {_TABLE}.id = claimed.id
    RETURNING pg_current_xact_id()::text::bigint,
        (SELECT last_value - (NOT is_called)::int FROM {_TABLE}_id_seq),
        {_TABLE}.id, table_name, operation, before::text, after::text, transaction_id, logged_at
"""
_DISCARD = f"""
    WITH discarded AS (
        DELETE FROM {_TABLE} WHERE id IN (SELECT id FROM {_TABLE} FOR UPDATE SKIP LOCKED)
        RETURNING table_name, operation
    )
    SELECT table_name, operation, count(*) FROM discarded GROUP BY table_name, operation
"""

Image = dict[str, Any]  # column → value; numbers are int or Decimal, times are text


class Row(NamedTuple):
    """One row of the change log as it stands there, images in JSON."""

    id: int
    table: str
    operation: str
    before: str | None
    after: str | None
    transaction_id: int
    logged_at: datetime


class Event(NamedTuple):
    """The same, images decoded: the shown columns of one row before and after."""

    id: int
    table: str
    operation: str
    before: Image | None
    after: Image | None
    transaction_id: int
    logged_at: datetime

    def images(self) -> tuple[Image, ...]:
        """Those of before and after that there are; none for a whole table."""
        return tuple(image for image in (self.before, self.after) if image is not None)


class Mark(NamedTuple):
    """One transaction's look at the log's sequence."""

    transaction: int  # its own id
    issued: int  # ids that the log had given out


class Claimed(NamedTuple):
    """Rows that are this transaction's to apply."""

    rows: list[Row]
    mark: Mark | None  # none: there were no rows


_decoder = msgspec.json.Decoder(Image, float_hook=Decimal)


def claim(most: int) -> Claimed:
    """Up to so many events, oldest first, for this transaction. Call it inside one."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [most])
        found = cursor.fetchall()
    rows = sorted(Row(*row) for _, _, *row in found)  # RETURNING has no order
    return Claimed(rows, Mark(*found[0][:2]) if found else None)


def decoded(row: Row) -> Event:
    """
    Raises:
        msgspec.MsgspecError: an image is no object; no trigger writes such.
    """
    return Event(*row._replace(before=_image(row.before), after=_image(row.after)))  # type: ignore[arg-type]


def discard_all() -> Counter[tuple[str, str]]:
    """Take every event that nobody else holds, for this transaction.

    Returns how many there were of each table and operation.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DISCARD)
        found = cursor.fetchall()
    return Counter({(table, operation): number for table, operation, number in found})


def is_longer_than(events: int) -> bool:
    """Whether more events than this wait, without counting them all."""
    return ChangeEvent.objects.order_by("id")[events : events + 1].exists()


def oldest_age_seconds() -> float | None:
    """How long the oldest event has waited, by the database's clock; None: nothing waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT extract(epoch FROM clock_timestamp() - logged_at)::float FROM {_TABLE} "
            "ORDER BY id LIMIT 1"
        )
        row = cursor.fetchone()
    return float(row[0]) if row else None


def _image(text: str | None) -> Image | None:
    return None if text is None else _decoder.decode(text)
