"""Queries that Django compiles once for each shape, and that are then only given values.

Compiling the window of a search takes the ORM longer than PostgreSQL takes to answer it. What is
asked stays written with the ORM, once; from the second time on its SQL is at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from django.db import DatabaseError, connection
from django.db.models import QuerySet
from psycopg2.errors import DuplicatePreparedStatement
from psycopg2.extensions import AsIs
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from listings.models import Property
from listings.search import PropertySearch
from listings.sort import Sort

MOST_SHAPES = 1_024  # of searches, 6 kB each; a shape beyond them is compiled again

Row = tuple[Any, ...]
Built = Callable[[QuerySet[Property], Sort], QuerySet[Property, Any]]

A_KEY = "?key?"
A_MOMENT = datetime(9999, 12, 31, tzinfo=UTC)
_SIZE, _START = 1_000_003, 1_000_033
A_WINDOW = slice(_START, _START + _SIZE)
_LIMIT = f" LIMIT {_SIZE} OFFSET {_START}"  # what Django makes of that window


class Statement(NamedTuple):
    """SQL as a cursor takes it."""

    sql: str
    parameters: Sequence[Any]

    def limited(self, size: int, start: int = 0) -> Statement:
        """The same with a window of so many rows, behind the first `start`, for `A_WINDOW`."""
        limit = f" LIMIT {size} OFFSET {start}" if start else f" LIMIT {size}"
        return Statement(self.sql.replace(_LIMIT, limit), self.parameters)

    def rows(self) -> list[Row]:
        """What the database answers."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self.parameters)
            rows: list[Row] = cursor.fetchall()
            return rows


class Prepared:
    """One query for any values. It is built with probes, which show where each value belongs.

    Raises:
        ValueError: a probe is not a parameter of the query, exactly once and as it is.
    """

    def __init__(self, queryset: QuerySet[Any, Any], probes: Mapping[str, object]) -> None:
        self._sql, parameters = queryset.query.sql_with_params()
        by_probe = {probe: name for name, probe in probes.items()}
        # psycopg2 looks long for what to make of a member of an enumeration: plain texts are quick.
        self._parameters = [str(one) if isinstance(one, str) else one for one in parameters]
        self._places = [
            (place, by_probe[parameter])
            for place, parameter in enumerate(parameters)
            if parameter in by_probe
        ]
        if sorted(name for _, name in self._places) != sorted(probes):
            raise ValueError(f"cannot be prepared for any {', '.join(probes)}: {self._sql}")

    def statement(self, values: Mapping[str, object]) -> Statement:
        """The query for these values, by the names of the probes."""
        parameters = self._parameters.copy()
        for place, name in self._places:
            parameters[place] = values[name]
        return Statement(self._sql, parameters)


# The names that the server knows, by connection: threads may make equal queries at the same time.
_planned: WeakKeyDictionary[Connection, set[str]] = WeakKeyDictionary()


class Planned:
    """A prepared query by key, which the server plans once for each connection, under this name.

    Planning it takes PostgreSQL four times as long as answering it. Not for searches, whose best
    plan depends on the values. A pooler that gives every transaction another connection forgets
    the plan; who has one tells Django so with `DISABLE_SERVER_SIDE_CURSORS`.
    """

    def __init__(
        self, name: str, queryset: QuerySet[Any, Any], probes: Mapping[str, object]
    ) -> None:
        self._name = name
        self._prepared = Prepared(queryset, probes)
        self._numbers = {probe: AsIs(f"${number}") for number, probe in enumerate(probes, 1)}
        self._execute = f"EXECUTE {name} ({', '.join(['%s'] * len(probes))})"

    def rows(self, values: Mapping[str, Any]) -> list[Row]:
        """What the database answers for these values, by the names of the probes."""
        if connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
            return self._prepared.statement(values).rows()
        with connection.cursor() as cursor:
            names = _planned.setdefault(connection.connection, set())
            if self._name not in names:
                self._plan()
                names.add(self._name)
            try:
                cursor.execute(self._execute, [values[probe] for probe in self._numbers])
            except DatabaseError:
                names.discard(self._name)  # the server may have forgotten it
                raise
            rows: list[Row] = cursor.fetchall()
            return rows

    def _plan(self) -> None:
        sql, parameters = self._prepared.statement(self._numbers)
        # Nothing is asked yet, so this is not a query to count.
        with (
            connection.wrap_database_errors,
            connection.connection.cursor() as cursor,
            suppress(DuplicatePreparedStatement),  # it was interrupted, or an error told nothing
        ):
            cursor.execute(f"PREPARE {self._name} AS {sql}", parameters)


def of_search(search: PropertySearch, built: Built) -> Statement:
    """What `built`, a function of a module, makes of the rows of a search, for all of its pages:
    it cuts `A_WINDOW` out of them, and `limited` says which window that is.
    """
    values = {name: value for name in _PROBES if (value := getattr(search, name)) not in ("", None)}
    return _of_shape(tuple(values), search.sort, built).statement(values)


@lru_cache(MOST_SHAPES)
def _of_shape(names: tuple[str, ...], sort: Sort, built: Built) -> Prepared:
    probes = {name: _PROBES[name] for name in names}
    probe: PropertySearch = replace(PropertySearch(sort=sort), **probes)
    queryset = built(probe.filter(Property.objects.all()), sort)
    if _LIMIT not in str(queryset.query):
        raise ValueError(f"{built.__name__} does not cut A_WINDOW out of its rows")
    return Prepared(queryset, probes)


def _probe(number: int, kind: str) -> Any:
    """A value that is no other field's, and that no query has of its own."""
    if "int" in kind:
        return 1_001 + number  # fits a small integer
    return Decimal(1_001 + number) if "Decimal" in kind else f"?{number}?"


# field of a search that is a value in its query → its probe
_PROBES = {
    field.name: _probe(number, str(field.type))
    for number, field in enumerate(fields(PropertySearch))
    if field.name not in ("sort", "page")
}
