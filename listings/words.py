"""What words find, in the order of a search: which listings are shown, and how many there are.

PostgreSQL takes what words find to be spread evenly over any order, and words to be independent of
one another. So it read nearly all of a million listings in the order of their living area for words
in land, which land has none of; and put 64,000 in order for `walk-in closet`, which it took to be
2,400. How to look is therefore not left to it:

- Some are looked for: over all cities in a sixteenth of the listings, if that has enough, which
  spares going through all that have the words; else anywhere. If they are few, these are all.
- Of many, the first in the order are looked through for the words.
- If these do not fill the page, all are looked for that stand no further behind than enough of
  those that are known.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.lookups import Exact, GreaterThanOrEqual, LessThanOrEqual

from listings import cards, prepared, word_index
from listings.models import Property
from listings.prepared import A_WINDOW, Statement
from listings.rows import Card
from listings.search import PropertySearch
from listings.sort import Sort

_FEW = 1_500  # listings: more than all pages of a search show
# Over all cities 40 listings are looked through for each one that is wanted, so that words that one
# in 30 has fill most pages; and never more than 30,000, which take 30 ms.
_ONE_IN = 40
_LOOKED_THROUGH = 30_000
# One that the sixteenth shows stands for 16 or more, so there should be enough as far ahead as an
# eighth of those that are wanted; if not, there are as far ahead as all of these. Where it shows
# the oldest, and the newest are wanted, far more than enough may stand there.
_AHEAD_OF = 8
_STANDS = {
    Sort.NEWEST: word_index.ENTERED,
    Sort.PRICE: word_index.PRICE,
    Sort.PRICE_DOWN: word_index.PRICE,
    Sort.LIVING_AREA_DOWN: word_index.LIVING_AREA,
}
_ALL = 1_000_000_000  # listings: that there is a limit keeps PostgreSQL from looking in order


def window_and_count(search: PropertySearch, size: int, start: int) -> tuple[tuple[Card, ...], int]:
    """So many cards, behind the first `start`, and how many listings the search finds; 1,501
    stands for any number over 1,500. To find them is what takes long, so both are asked at once.
    """
    asked = _Asked(
        found=prepared.of_search(search, _found),
        of_sixteenth=prepared.of_search(search, _of_sixteenth),
        as_near=prepared.of_search(search, _as_near),
        in_order=prepared.of_search(replace(search, q=""), _in_order),
    )
    return _answered(asked, search, size, start)


def first(rows: QuerySet[Property], search: PropertySearch, most: int) -> tuple[Card, ...]:
    """The first of these rows that the search finds, in its order."""
    found, sort = search.filter(rows), search.sort
    asked = _Asked(
        found=cards.statement(_found(found, sort)),
        of_sixteenth=cards.statement(_of_sixteenth(found, sort)),
        as_near=cards.statement(_as_near(found, sort)),
        in_order=cards.statement(_in_order(replace(search, q="").filter(rows), sort)),
    )
    return _answered(asked, search, most, 0)[0]


class _Asked(NamedTuple):
    """Statements for the keys of listings and where each stands."""

    found: Statement  # all that the search finds
    of_sixteenth: Statement  # some of it
    as_near: Statement  # what stands as far ahead as `bound`
    in_order: Statement  # in the order of the search, whatever their words


def _answered(
    asked: _Asked, search: PropertySearch, size: int, start: int
) -> tuple[tuple[Card, ...], int]:
    for ahead_of in (_AHEAD_OF, 1):
        ((found_cards, number),) = _statement(asked, search, size, start, ahead_of).rows()
        if len(found_cards) == size or number < _enough(start + size):
            break
    return cards.decoded(found_cards), min(number, _FEW + 1)


def _statement(
    asked: _Asked, search: PropertySearch, size: int, start: int, ahead_of: int
) -> Statement:
    wanted = start + size
    enough = _enough(wanted)
    # What helps over all cities does not in one: a sixteenth of it seldom has enough, and where a
    # listing stands is known among those of all cities.
    everywhere = not search.city
    look_at = min(_ONE_IN * wanted, _LOOKED_THROUGH) if everywhere else _LOOKED_THROUGH
    sixteenth, every = asked.of_sixteenth.limited(enough), asked.found.limited(_ALL)
    looked_through, as_near = asked.in_order.limited(look_at), asked.as_near.limited(_ALL)
    shown_cards = _cards(search.sort)
    order = _order(search.sort)
    window = f"ORDER BY {order} LIMIT {size} OFFSET {start}"
    number, of_sixteenth = "(SELECT count(*) FROM few)", "(SELECT count(*) FROM sixteenth)"
    many, sampled = f"{number} = {enough}", f"{of_sixteenth} = {enough}"
    sql = f"""
        WITH sixteenth AS MATERIALIZED (
            SELECT pk, place FROM ({sixteenth.sql}) AS one WHERE {everywhere}
        ), few AS MATERIALIZED (
            SELECT pk, place FROM sixteenth WHERE {sampled}
            UNION ALL
            (SELECT pk, place FROM ({every.sql}) AS one WHERE NOT {sampled} LIMIT {enough})
        ), ahead AS MATERIALIZED (
            SELECT pk FROM ({looked_through.sql}) AS one
            WHERE {many} AND search_document @@ websearch_to_tsquery('english', %s)
            {window}
        ), bound AS MATERIALIZED (
            SELECT place FROM few ORDER BY {order} LIMIT 1
            OFFSET CASE WHEN {sampled} THEN {(wanted - 1) // ahead_of} ELSE {wanted - 1} END
        ), shown AS MATERIALIZED (
            (SELECT pk FROM few WHERE NOT {many} {window})
            UNION ALL
            SELECT pk FROM ahead
            UNION ALL
            (
                SELECT pk FROM ({as_near.sql}) AS one
                WHERE {many} AND (SELECT count(*) FROM ahead) < {size} {window}
            )
        )
        SELECT ARRAY({shown_cards.sql}), {number}
    """
    parameters = [
        *sixteenth.parameters,
        *every.parameters,
        *looked_through.parameters,
        search.q,
        *as_near.parameters,
        *shown_cards.parameters,
    ]
    return Statement(sql, parameters)


def _enough(wanted: int) -> int:
    """If so many are found, there are more than a few, and the page is full."""
    return max(_FEW + 1, wanted)


def _order(sort: Sort) -> str:
    by, _ = sort.order
    direction = "DESC" if by.descending else "ASC"
    return f"place {direction}{' NULLS LAST' if by.nulls_last else ''}, pk"


def _found(found: QuerySet[Property], sort: Sort) -> QuerySet[Property, Any]:
    """The keys of what is found, in any order, and where it stands."""
    return found.order_by().values("pk", place=_STANDS[sort])[A_WINDOW]


def _of_sixteenth(found: QuerySet[Property], sort: Sort) -> QuerySet[Property, Any]:
    return _found(found.filter(Exact(word_index.SIXTEENTH, 0)), sort)


def _as_near(found: QuerySet[Property], sort: Sort) -> QuerySet[Property, Any]:
    by, _ = sort.order
    as_near = GreaterThanOrEqual if by.descending else LessThanOrEqual
    return _found(found.filter(as_near(_STANDS[sort], RawSQL("SELECT place FROM bound", ()))), sort)


def _in_order(found: QuerySet[Property], sort: Sort) -> QuerySet[Property, Any]:
    by, _ = sort.order
    rows = found.order_by(*sort.order).values("pk", "search_document", place=by.expression)
    return rows[A_WINDOW]


@cache
def _cards(sort: Sort) -> Statement:
    return cards.statement(cards.of_keys(RawSQL("SELECT pk FROM shown", ()), sort))
