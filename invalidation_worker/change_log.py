"""Taking events out of the change log, so that a worker that dies gives them back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from django.db import connection

from invalidation_worker.models import ChangeEvent, DeadLetter

_TABLE = ChangeEvent._meta.db_table

# SKIP LOCKED: several workers never wait for one another. The rows go when the caller commits;
# any other end brings them back. Never by `id > last`: ids are not given in the order of commits.
_CLAIM = f"""
    WITH claimed AS MATERIALIZED (
        SELECT id FROM {_TABLE} ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
    )
    DELETE FROM {_TABLE} USING claimed WHERE {_TABLE}.id = claimed.id
    RETURNING {_TABLE}.id, table_name, operation, before::text, after::text, transaction_id,
        logged_at
"""

Image = dict[str, Any]  # column → value; numbers are int or Decimal, times are text


class Event(msgspec.Struct, frozen=True):
    """One changed row: its shown columns before and after."""

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


_decoder = msgspec.json.Decoder(Image, float_hook=Decimal)


def claim(most: int) -> list[Event]:
    """Up to so many events, oldest first, for this transaction. Call it inside one."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [most])
        rows = sorted(cursor.fetchall())  # RETURNING has no order
    return [
        Event(key, table, operation, _image(before), _image(after), transaction_id, logged_at)
        for key, table, operation, before, after, transaction_id, logged_at in rows
    ]


def discard_all() -> int:
    """Take every event that nobody else holds, for this transaction. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {_TABLE} WHERE id IN (SELECT id FROM {_TABLE} FOR UPDATE SKIP LOCKED)"
        )
        return int(cursor.rowcount)


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


def bury(events: Iterable[Event], reason: str) -> None:
    """Keep events that could not be decided, for a person to read."""
    DeadLetter.objects.bulk_create(
        DeadLetter(
            event_id=event.id,
            table_name=event.table,
            operation=event.operation,
            before=msgspec.to_builtins(event.before),
            after=msgspec.to_builtins(event.after),
            logged_at=event.logged_at,
            reason=reason,
        )
        for event in events
    )


def _image(text: str | None) -> Image | None:
    return None if text is None else _decoder.decode(text)
