"""Records into their tables, with few large COPY statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

from django.db import models
from django.db.backends.utils import CursorWrapper

from listings.models import Agent, ListingHistory, Media, Office, OpenHouse, Property
from listings.records import (
    AgentRecord,
    HistoryRecord,
    MediaRecord,
    OfficeRecord,
    OpenHouseRecord,
    PropertyRecord,
    Record,
    as_csv,
    records_as_csv,
)

MODELS: dict[type[Record], type[models.Model]] = {
    OfficeRecord: Office,
    AgentRecord: Agent,
    PropertyRecord: Property,
    MediaRecord: Media,
    OpenHouseRecord: OpenHouse,
    HistoryRecord: ListingHistory,
}

# Bytes read at once by COPY. Each read takes the interpreter lock from a busy thread, which
# keeps it for up to 5 ms, so the usual 8 kB would stall a chunk of 4 MB for seconds.
_PIECE = 1 << 20


def columns(kind: type[Record]) -> tuple[str, ...]:
    """The columns' names in the database, in the order of the fields."""
    return tuple(str(field.column) for field in _fields(kind))


def copy(cursor: CursorWrapper, records: Sequence[Record], table: str = "") -> None:
    """Write records of one kind with a single COPY, into their own table or another like it.

    Raises:
        django.db.Error: a constraint refuses a row; then none of them is written.
    """
    if records:
        copy_csv(cursor, type(records[0]), records_as_csv(records), table)


def copy_csv(cursor: CursorWrapper, kind: type[Record], rows: bytes, table: str = "") -> None:
    """The same for what `records_as_csv` gave for records of this kind."""
    never_null = [str(field.column) for field in _fields(kind) if not field.null]
    _copy(cursor, table or MODELS[kind]._meta.db_table, columns(kind), never_null, rows)


def copy_rows(
    cursor: CursorWrapper, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Write rows of plain values, none of which may be NULL, with a single COPY."""
    _copy(cursor, table, columns, columns, as_csv(rows))


def _copy(
    cursor: CursorWrapper,
    table: str,
    columns: Sequence[str],
    never_null: Sequence[str],
    rows: bytes,
) -> None:
    """CSV has one spelling for NULL and for an empty text: in a column of `never_null` it is the
    text, in any other it is NULL.
    """
    statement = (
        f"COPY {_quoted(table)} ({', '.join(map(_quoted, columns))}) FROM STDIN WITH"
        f" (FORMAT csv, FORCE_NOT_NULL ({', '.join(map(_quoted, never_null))}))"
    )
    with cursor.db.wrap_database_errors:  # Django does so for execute() only
        cursor.copy_expert(statement, BytesIO(rows), _PIECE)


def _fields(kind: type[Record]) -> list[models.Field[Any, Any]]:
    by_name = {field.attname: field for field in MODELS[kind]._meta.concrete_fields}
    return [by_name[name] for name in kind.__struct_fields__]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
