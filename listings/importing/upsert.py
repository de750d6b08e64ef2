"""A batch of listings into the tables, touching only the rows that differ.

PostgreSQL compares the batch with what is stored before anything is written: `ON CONFLICT DO
UPDATE` alone would lock, and so rewrite, even the rows that its WHERE leaves as they are.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from itertools import chain

from django.db import connection
from django.db.backends.utils import CursorWrapper

from listings.copying import columns as columns_of
from listings.copying import copy
from listings.importing.format import Imported
from listings.models import ListingHistory, Media, Property
from listings.records import PropertyRecord

_TABLE = Property._meta.db_table
_INCOMING = "import_incoming"


class Outcome(enum.StrEnum):
    """What became of a listing."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"  # what is stored was modified later
    CLASH = "clash"  # its listing key, or its source's key, belongs to another listing


def upsert(batch: Sequence[Imported], columns: Sequence[str]) -> dict[str, Outcome]:
    """Write a batch, inside the caller's transaction; tells what became of each listing key.

    A new listing is written whole, a known one in these `columns` only. A listing is known by its
    originating system and key. History that is missing is added to all but skipped listings.

    Raises:
        django.db.Error: the database refuses the batch.
    """
    with connection.cursor() as cursor:
        _put_aside(cursor, [one.property for one in batch])
        outcomes = _compare(cursor, columns)
        writable = [key for key, what in outcomes.items() if what in (Outcome.NEW, Outcome.CHANGED)]
        if writable:
            outcomes |= _write(cursor, columns, writable)
        cursor.execute(f"DROP TABLE {_INCOMING}")
        _add_media(cursor, [one for one in batch if outcomes[one[0].listing_key] is Outcome.NEW])
        settled = {Outcome.NEW, Outcome.CHANGED, Outcome.UNCHANGED}
        _add_history(cursor, [one for one in batch if outcomes[one[0].listing_key] in settled])
    return outcomes


def _put_aside(cursor: CursorWrapper, records: Sequence[PropertyRecord]) -> None:
    columns = ", ".join(columns_of(PropertyRecord))
    cursor.execute(
        f"CREATE TEMPORARY TABLE {_INCOMING} AS SELECT {columns} FROM {_TABLE} WITH NO DATA"
    )
    copy(cursor, records, _INCOMING)
    cursor.execute(f"ANALYZE {_INCOMING}")  # the planner would expect an empty table


def _compare(cursor: CursorWrapper, columns: Sequence[str]) -> dict[str, Outcome]:
    cursor.execute(
        f"""
        SELECT theirs.listing_key,
               CASE WHEN other.listing_key IS NOT NULL OR ours.listing_key <> theirs.listing_key
                    THEN 'clash'
                    WHEN ours.listing_key IS NULL THEN 'new'
                    WHEN ours.modification_timestamp > theirs.modification_timestamp THEN 'skipped'
                    WHEN {_row("ours", columns)} IS NOT DISTINCT FROM {_row("theirs", columns)}
                    THEN 'unchanged'
                    ELSE 'changed'
               END
        FROM {_INCOMING} theirs
        LEFT JOIN {_TABLE} ours
               ON ours.originating_system_name = theirs.originating_system_name
              AND ours.originating_system_key = theirs.originating_system_key
              AND ours.originating_system_key <> ''
        LEFT JOIN {_TABLE} other
               ON other.listing_key = theirs.listing_key
              AND (other.originating_system_name <> theirs.originating_system_name
                   OR other.originating_system_key <> theirs.originating_system_key)
        """
    )
    return {key: Outcome(what) for key, what in cursor.fetchall()}


def _write(
    cursor: CursorWrapper, columns: Sequence[str], keys: Sequence[str]
) -> dict[str, Outcome]:
    """Insert or update. Somebody may have written since the comparison, so it is repeated."""
    every = ", ".join(columns_of(PropertyRecord))
    assignments = ", ".join(f"{name} = excluded.{name}" for name in columns)
    cursor.execute(
        f"""
        INSERT INTO {_TABLE} AS ours ({every})
        SELECT {every} FROM {_INCOMING} WHERE listing_key = ANY(%s) ORDER BY listing_key
        ON CONFLICT (originating_system_name, originating_system_key)
              WHERE originating_system_key <> ''
        DO UPDATE SET {assignments}
        WHERE ours.modification_timestamp <= excluded.modification_timestamp
          AND {_row("ours", columns)} IS DISTINCT FROM {_row("excluded", columns)}
        RETURNING listing_key, xmax = 0
        """,
        [list(keys)],
    )
    written = {key: Outcome.NEW if new else Outcome.CHANGED for key, new in cursor.fetchall()}
    return {key: written.get(key, Outcome.SKIPPED) for key in keys}


def _add_media(cursor: CursorWrapper, batch: Sequence[Imported]) -> None:
    media = {record.media_key: record for record in chain.from_iterable(one.media for one in batch)}
    there = Media.objects.filter(pk__in=media).values_list("pk", flat=True) if media else ()
    copy(cursor, [media[key] for key in media.keys() - set(there)])


def _add_history(cursor: CursorWrapper, batch: Sequence[Imported]) -> None:
    history = {
        record.history_transactional_key: record
        for record in chain.from_iterable(one.history for one in batch)
    }
    stored = ListingHistory.objects.filter(pk__in=history)
    there = stored.values_list("pk", flat=True) if history else ()
    copy(cursor, [history[key] for key in history.keys() - set(there)])


def _row(table: str, columns: Sequence[str]) -> str:
    return f"({', '.join(f'{table}.{name}' for name in columns)})"
