"""What full text finds, of rows that need not be in the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from django.db import connection

from listings.models import Property
from listings.shown import COLUMN_SETS

_SEARCH_DOCUMENT = Property._meta.get_field("search_document")


def found_by_words(
    words: Sequence[str], rows: Sequence[Mapping[str, object]]
) -> Iterator[tuple[int, int]]:
    """Which of these texts of a search (`q`) full text finds in which rows, as pairs of indexes.

    Rows map the columns that are searched to values. They need not be in any table: the database
    is asked as if they were.
    """
    document, parameters = _SEARCH_DOCUMENT.generated_sql(connection)
    columns = [{name: row[name] for name in COLUMN_SETS["words"]} for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH document AS MATERIALIZED (
                SELECT ordinality - 1 AS number, {document} AS words
                FROM jsonb_populate_recordset(NULL::{Property._meta.db_table}, %s::jsonb)
                    WITH ORDINALITY
            ), asked AS MATERIALIZED (
                SELECT ordinality - 1 AS number, websearch_to_tsquery('english', words) AS query
                FROM unnest(%s::text[]) WITH ORDINALITY AS texts (words)
            )
            SELECT asked.number, document.number FROM document, asked
            WHERE document.words @@ asked.query
            """,
            [*parameters, msgspec.json.encode(columns).decode(), list(words)],
        )
        yield from cursor.fetchall()
