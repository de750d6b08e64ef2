"""Cards: what the database is asked for the listings of a page, in the order of a search."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from django.db.models import Case, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, Coalesce

from listings import prepared
from listings.json_rows import in_json
from listings.models import Media, Property
from listings.prepared import A_WINDOW, Statement
from listings.rows import Card
from listings.search import PropertySearch
from listings.sort import Sort
from listings.vocabulary import MediaCategory

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


def first(rows: QuerySet[Property], search: PropertySearch, most: int) -> tuple[Card, ...]:
    """The first of these rows that a search without words finds, in its order."""
    return _of(statement(_sorted(search.filter(rows), search.sort, slice(most))))


def of(rows: QuerySet[Property]) -> tuple[Card, ...]:
    """These rows, in their order."""
    return _of(statement(rows.values_list(_card())))


def _card() -> Cast:
    return in_json(*(_CARD.get(name, F(name)) for name in Card.__struct_fields__))


def of_keys(keys: QuerySet[Property, Any] | RawSQL, sort: Sort) -> QuerySet[Property, Any]:
    """The columns of cards, of listings with these keys, in this order."""
    return Property.objects.filter(pk__in=keys).order_by(*sort.order).values_list(_card())


def decoded(cards: Iterable[str]) -> tuple[Card, ...]:
    """What `of_keys` finds, as cards."""
    return _CARDS_IN_JSON.decode(f"[{','.join(cards)}]")


def statement(asked: QuerySet[Property, Any]) -> Statement:
    """What this asks the database."""
    return Statement(*asked.query.sql_with_params())


def _sorted(
    found: QuerySet[Property], sort: Sort, window: slice = A_WINDOW
) -> QuerySet[Property, Any]:
    """The keys are found first: an index knows all that searches filter by, and the table is read
    for the few rows that are shown only. At a million listings that takes a fortieth of the time
    when a filter fits few of them.
    """
    return of_keys(found.order_by(*sort.order)[window].values("pk"), sort)


def _of(asked: Statement) -> tuple[Card, ...]:
    return decoded(row for (row,) in asked.rows())
