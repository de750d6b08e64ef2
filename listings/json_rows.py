"""Rows that PostgreSQL writes as JSON arrays, which msgspec reads straight into a `Row`.

A driver makes an object of every column of every row, and a statement of every list that belongs
to a row. As one text, a listing and its lists cost the web process half of that.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Expression, F, Func, JSONField, QuerySet, TextField
from django.db.models.functions import Cast


class Array(Func):
    """Its expressions in their order, as a JSON array."""

    function = "json_build_array"
    output_field = JSONField()


def in_json(*columns: Expression | F | str) -> Cast:
    """A row with these columns, as a text: what comes as JSON, psycopg2 would read by itself."""
    return Cast(Array(*columns), TextField())


def rows_in_json(rows: QuerySet[Any], *columns: str) -> Func:
    """The rows of a subquery, in their order, for one column of a row."""
    arrays = ArraySubquery(rows.values_list(Array(*columns)))
    return Func(arrays, function="array_to_json", output_field=JSONField())
