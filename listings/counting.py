"""How many listings a search finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from django.db import connection
from django.db.models import QuerySet

from listings import prepared
from listings.cache.dependencies import Count
from listings.models import Property
from listings.prepared import A_WINDOW
from listings.querysets import Loaded, cached, search_entry
from listings.search import COUNT_CAP, COUNT_TO, PropertySearch
from listings.sort import Sort

# Transactions with a lower id were over when this statement, which has one snapshot, began.
FINISHED = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"

_NUMBER = msgspec.msgpack.Decoder(int)  # made once, at import: see `listings.cache.entries`


def count(search: PropertySearch) -> int:
    """How many listings a search finds; 1,001 stands for any number over 1,000."""

    def load() -> Loaded[int]:
        number, finished = count_now(search)
        if number > COUNT_CAP:
            return COUNT_CAP + 1, (Count(search.found(), True, number, finished),)
        return capped(search, number)

    return cached(_NUMBER, search_entry("count", search, search.found()), load)


def capped(search: PropertySearch, number: int) -> Loaded[int]:
    """This number of listings that a search finds, or 1,001 for more, and what can change it."""
    return min(number, COUNT_CAP + 1), (Count(search.found(), capped=number > COUNT_CAP),)


class Counted(NamedTuple):
    """How many listings there are, and in the sight of which transactions."""

    number: int  # 1,500 stands for any number above
    finished: int  # transactions with a lower id were over when it was counted


def count_now(search: PropertySearch) -> Counted:
    """How many listings a search finds, asked of the database."""
    return counts_now([search])[0]


def counts_now(
    searches: Sequence[PropertySearch], narrower: Sequence[Iterable[int]] = ()
) -> list[Counted]:
    """How many each of these searches finds, asked of the database at once.

    `narrower` has, for each of them, the positions of those that find nothing that it does not
    find: where one of these finds as many as are counted, the wider one is not looked at.
    """
    parts: list[str] = []
    parameters: list[Any] = []
    for at, search in enumerate(searches):
        sql, values = prepared.of_search(search, keys).limited(COUNT_TO)
        counted = f"(SELECT count(*) FROM ({sql}) AS found)"
        if narrower and (full := [f"{_number_of(one)} = {COUNT_TO}" for one in narrower[at]]):
            counted = f"CASE WHEN {' OR '.join(full)} THEN {COUNT_TO} ELSE {counted} END"
        parts.append(f"counted_{at} AS MATERIALIZED (SELECT {counted} AS number)")
        parameters += values
    with connection.cursor() as cursor:
        # Nothing is recursive, but so a part may name one that comes later.
        numbers = ", ".join(map(_number_of, range(len(searches))))
        cursor.execute(
            f"WITH RECURSIVE {', '.join(parts)} SELECT ARRAY[{numbers}], {FINISHED}", parameters
        )
        found, finished = cursor.fetchone()
        return [Counted(number, finished) for number in found]


def _number_of(at: int) -> str:
    return f"(SELECT number FROM counted_{at})"


def keys(found: QuerySet[Property], _: Sort) -> QuerySet[Property, Any]:
    """Those of the rows of a search, in any order."""
    return found.order_by().values("pk")[A_WINDOW]
