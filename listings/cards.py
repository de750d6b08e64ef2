"""Cards: what the database is asked for the listings of a page, in the order of a search."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from django.db import models
from django.db.models import Case, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, Coalesce
from django.db.models.lookups import GreaterThan, LessThanOrEqual

from listings import counting, prepared
from listings.json_rows import in_json
from listings.models import Media, Property
from listings.prepared import A_WINDOW, Statement
from listings.rows import Card
from listings.search import PropertySearch, Sort
from listings.vocabulary import MediaCategory

_FEW = 1_500  # listings: more than all pages of a search show, and more than are counted
_CARDS_IN_JSON = msgspec.json.Decoder(tuple[Card, ...])  # made once: see `listings.cache.entries`


def unless_withheld(column: str, instead: Value | None = None) -> Case:
    """A column that tells where the home is: kept back when its seller wishes so."""
    return Case(When(internet_address_display_yn=True, then=F(column)), default=instead)


_first_photo = Coalesce(
    Subquery(
        Media.objects.filter(property=OuterRef("pk"), media_category=MediaCategory.PHOTO)
        .order_by("order", "media_key")
        .values("media_url")[:1]
    ),
    Value(""),
)
# column of a card → what it is in the database, where the two differ
_CARD = {
    "address": unless_withheld("unparsed_address", Value("")),
    "photo_url": _first_photo,
}


def in_window(search: PropertySearch, size: int, start: int) -> tuple[Card, ...]:
    """So many of a search without words, behind the first `start`."""
    return _of(prepared.of_search(search, _sorted).limited(size, start))


def by_words(search: PropertySearch, size: int, start: int) -> tuple[tuple[Card, ...], int]:
    """The same of a search with words, and how many listings it finds; 1,501 stands for any number
    over 1,500. To find them is what takes long, so both are asked for at once.
    """
    few = prepared.of_search(search, counting.keys).limited(_FEW + 1)
    return _with_few(few, prepared.of_search(search, _of_few_or_many).limited(size, start))


def first(found: QuerySet[Property], search: PropertySearch, most: int) -> tuple[Card, ...]:
    """The first of these rows of a search, in its order."""
    window = slice(most)
    if not search.q:
        return _of(_statement(_sorted(found, search.sort, window)))
    few = _statement(found.order_by().values("pk")[: _FEW + 1])
    return _with_few(few, _statement(_of_few_or_many(found, search.sort, window)))[0]


def of(rows: QuerySet[Property]) -> tuple[Card, ...]:
    """These rows, in their order."""
    return _of(_statement(rows.values_list(_card())))


def _card() -> Cast:
    return in_json(*(_CARD.get(name, F(name)) for name in Card.__struct_fields__))


def _sorted(
    found: QuerySet[Property], sort: Sort, window: slice = A_WINDOW
) -> QuerySet[Property, Any]:
    return _of_keys(found.order_by(*sort.order)[window], sort)


def _of_few_or_many(
    found: QuerySet[Property], sort: Sort, window: slice = A_WINDOW
) -> QuerySet[Property, Any]:
    """The same for words. `few` has the keys of all that is found, unless that is many.

    PostgreSQL takes what words find to be spread evenly over any order, and likes to read it in
    that order until a page is full. Of a million listings it read nearly all, in 3.9 s, for words
    in land by living area, which land has none of. So the order is read only for many.
    """
    number = RawSQL("SELECT count(*) FROM few", (), models.IntegerField())  # once a statement
    few = Property.objects.filter(pk__in=RawSQL("SELECT pk FROM few", ()))
    parts = (few.filter(LessThanOrEqual(number, _FEW)), found.filter(GreaterThan(number, _FEW)))
    of_few, of_many = (part.order_by(*sort.order).values("pk")[window] for part in parts)
    return _of_keys(of_few.union(of_many, all=True), sort)


def _of_keys(some: QuerySet[Property, Any], sort: Sort) -> QuerySet[Property, Any]:
    """The columns of cards, of some rows of a sorted search.

    Their keys are found first: an index knows all that searches filter by, and the table is read
    for the few rows that are shown only. At a million listings that takes a fortieth of the time
    when a filter fits few of them.
    """
    rows = Property.objects.filter(pk__in=some.values("pk")).order_by(*sort.order)
    return rows.values_list(_card())


def _with_few(few: Statement, asked: Statement) -> tuple[tuple[Card, ...], int]:
    """What `_of_few_or_many` asks, and how many keys it looked at first, in one statement."""
    sql = f"""
        WITH few AS MATERIALIZED ({few.sql})
        SELECT ARRAY({asked.sql}), (SELECT count(*) FROM few)
    """
    ((cards, number),) = Statement(sql, [*few.parameters, *asked.parameters]).rows()
    return _decoded(cards), number


def _of(asked: Statement) -> tuple[Card, ...]:
    return _decoded(row for (row,) in asked.rows())


def _decoded(cards: Iterable[str]) -> tuple[Card, ...]:
    return _CARDS_IN_JSON.decode(f"[{','.join(cards)}]")


def _statement(asked: QuerySet[Property, Any]) -> Statement:
    return Statement(*asked.query.sql_with_params())
