"""What words find, in the order of a search: which listings are shown, and how many there are.

PostgreSQL takes what words find to be spread evenly over any order, and words to be independent of
one another. So it read nearly all of a million listings in the order of their living area for words
in land, which land has none of; and put 64,000 in order for `walk-in closet`, which it took to be
2,400. How to look is therefore not left to it:

- few are all looked for, and put in order;
- of many, the first in the order are looked through for the words;
- if these do not fill the page, all that is found is put in order.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from listings import cards, prepared
from listings.models import Property
from listings.prepared import A_WINDOW, Statement
from listings.rows import Card
from listings.search import PropertySearch, Sort

_FEW = 1_500  # listings: more than all pages of a search show
_LOOKED_THROUGH = 30_000  # listings, in 30 ms: of words that one in 20 has, they fill every page
_ALL = 1_000_000_000  # listings: that there is a limit keeps PostgreSQL from looking in order


def window_and_count(search: PropertySearch, size: int, start: int) -> tuple[tuple[Card, ...], int]:
    """So many cards, behind the first `start`, and how many listings the search finds; 1,501
    stands for any number over 1,500. To find them is what takes long, so both are asked at once.
    """
    found = prepared.of_search(search, _found)
    in_order = prepared.of_search(replace(search, q=""), _in_order)
    return _asked(search, found, in_order, size, start)


def first(rows: QuerySet[Property], search: PropertySearch, most: int) -> tuple[Card, ...]:
    """The first of these rows that the search finds, in its order."""
    found = _found(search.filter(rows), search.sort)
    in_order = _in_order(replace(search, q="").filter(rows), search.sort)
    return _asked(search, cards.statement(found), cards.statement(in_order), most, 0)[0]


def _asked(
    search: PropertySearch, found: Statement, in_order: Statement, size: int, start: int
) -> tuple[tuple[Card, ...], int]:
    few, looked_through = found.limited(_FEW + 1), in_order.limited(_LOOKED_THROUGH)
    every, shown_cards = found.limited(_ALL), _cards(search.sort)
    number, ahead = "(SELECT count(*) FROM few)", "(SELECT count(*) FROM ahead)"
    window = f"ORDER BY {_order(search.sort)} LIMIT {size} OFFSET {start}"
    sql = f"""
        WITH few AS MATERIALIZED ({few.sql}), ahead AS MATERIALIZED (
            SELECT pk, place FROM ({looked_through.sql}) AS one
            WHERE {number} > {_FEW} AND search_document @@ websearch_to_tsquery('english', %s)
            {window}
        ), shown AS MATERIALIZED (
            (SELECT pk FROM few WHERE {number} <= {_FEW} {window})
            UNION ALL
            SELECT pk FROM ahead
            UNION ALL
            (
                SELECT pk FROM ({every.sql}) AS one
                WHERE {number} > {_FEW} AND {ahead} < {size} {window}
            )
        )
        SELECT ARRAY({shown_cards.sql}), {number}
    """
    parameters = [*few.parameters, *looked_through.parameters, search.q, *every.parameters]
    ((found_cards, count),) = Statement(sql, [*parameters, *shown_cards.parameters]).rows()
    return cards.decoded(found_cards), count


def _order(sort: Sort) -> str:
    by, _ = sort.order
    direction = "DESC" if by.descending else "ASC"
    return f"place {direction}{' NULLS LAST' if by.nulls_last else ''}, pk"


def _found(found: QuerySet[Property], sort: Sort) -> QuerySet[Property, Any]:
    """The keys of those found and where each stands, in any order."""
    by, _ = sort.order
    return found.order_by().values("pk", place=by.expression)[A_WINDOW]


def _in_order(found: QuerySet[Property], sort: Sort) -> QuerySet[Property, Any]:
    by, _ = sort.order
    rows = found.order_by(*sort.order).values("pk", "search_document", place=by.expression)
    return rows[A_WINDOW]


@cache
def _cards(sort: Sort) -> Statement:
    return cards.statement(cards.of_keys(RawSQL("SELECT pk FROM shown", ()), sort))
