"""The queryset layer: what pages ask of the database, kept for an hour as typed rows.

Every function here is cache-aside through `read`: a hit decodes rows, a miss asks the database
and keeps the rows, an empty result is kept like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import msgspec
from django.db import models
from django.db.models import Case, F, Max, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, Coalesce
from django.db.models.lookups import GreaterThan, LessThanOrEqual
from django.utils import timezone

from listings import counting, prepared
from listings.cache import partitions
from listings.cache.dependencies import Facets, Place, Rows, Window
from listings.cache.entries import Entry, Layer
from listings.cache.filling import ends_at
from listings.json_rows import Array, in_json, rows_in_json
from listings.models import ListingHistory, Media, OpenHouse, Property
from listings.prepared import A_KEY, A_MOMENT, A_WINDOW, Planned, Statement
from listings.querysets import Loaded, cached, cached_part, search_entry
from listings.rows import (
    AgentCard,
    Card,
    City,
    Detail,
    HistoryItem,
    Missing,
    OfficeCard,
    OpenHouseTime,
    Photo,
)
from listings.search import PAGE_SIZE, PropertySearch, Sort
from listings.vocabulary import GONE, PUBLIC, MediaCategory, OpenHouseStatus, OpenHouseType

BY_KEY = "key"  # the order of `get_all_properties`, which no visitor can choose
_FEW = 1_500  # listings: more than all pages of a search show
# Pages of a search whose cards are asked for and kept together: what comes or goes on one moves all
# that follow, and who wants the first often wants the second. With 100 reads a write that saves a
# quarter of the queries which writes cost.
TOGETHER = 2
CHUNK = 1_000  # rows of `get_all_properties` in one entry


def _unless_withheld(column: str, instead: Value | None = None) -> Case:
    """A column that tells where the home is: kept back when its seller wishes so."""
    return Case(When(internet_address_display_yn=True, then=F(column)), default=instead)


def _if_named(relation: str, card: type[AgentCard | OfficeCard]) -> Case:
    """Who stands behind a listing, or null without a name, which comes first."""
    columns = [f"{relation}__{name}" for name in card.__struct_fields__]
    return Case(When(**{f"{columns[0]}__gt": ""}, then=Array(*columns)))


_first_photo = Coalesce(
    Subquery(
        Media.objects.filter(property=OuterRef("pk"), media_category=MediaCategory.PHOTO)
        .order_by("order", "media_key")
        .values("media_url")[:1]
    ),
    Value(""),
)
# Made once, at import: see `listings.cache.entries`.
_CARDS = msgspec.msgpack.Decoder(tuple[Card, ...])
_CARDS_IN_JSON = msgspec.json.Decoder(tuple[Card, ...])
_DETAIL_IN_JSON = msgspec.json.Decoder(Detail)
_CITIES = msgspec.msgpack.Decoder(tuple[City, ...])
_DETAIL_OR_NONE = msgspec.msgpack.Decoder(tuple[Detail | None, Missing])

# column of a row → what it is in the database, where the two differ
_CARD = {
    "address": _unless_withheld("unparsed_address", Value("")),
    "photo_url": _first_photo,
}
_DETAIL = {
    **{name: _unless_withheld(name) for name in ("latitude", "longitude")},
    **{
        name: _unless_withheld(name, Value(""))
        for name in ("unparsed_address", "unit_number", "parcel_number")
    },
    "agent": _if_named("list_agent", AgentCard),
    "office": _if_named("list_office", OfficeCard),
    "photos": rows_in_json(
        Media.objects.filter(property=OuterRef("pk"), media_category=MediaCategory.PHOTO).order_by(
            "order", "media_key"
        ),
        *Photo.__struct_fields__,
    ),
    "open_houses": rows_in_json(
        OpenHouse.objects.filter(
            Q(open_house_end_time__gt=A_MOMENT),
            property=OuterRef("pk"),
            open_house_status=OpenHouseStatus.ACTIVE,
            open_house_type__in=(OpenHouseType.PUBLIC, OpenHouseType.LIVESTREAM_PUBLIC),
        ).order_by("open_house_start_time", "open_house_key"),
        *OpenHouseTime.__struct_fields__,
    ),
    "history": rows_in_json(
        ListingHistory.objects.filter(property=OuterRef("pk")).order_by(
            "-modification_timestamp", "history_transactional_key"
        ),
        *HistoryItem.__struct_fields__,
    ),
}


def window(search: PropertySearch, most: int = 0) -> tuple[Card, ...]:
    """The cards on one page of a search, in its order: 24, or `most` if that is given."""
    size = most or PAGE_SIZE
    skipped = (search.page - 1) % TOGETHER
    both = replace(search, page=search.page - skipped)

    def part(cards: tuple[Card, ...]) -> Loaded[tuple[Card, ...]]:
        return _of_window(cards[skipped * PAGE_SIZE :][:size], search, size)

    entry = search_entry("window", both, both.canonical())
    return cached_part(_CARDS, entry, lambda: _load_window(both), part)


def _load_window(search: PropertySearch) -> Loaded[tuple[Card, ...]]:
    size = TOGETHER * PAGE_SIZE
    return _of_window(_cards(_asked_window(search, size, _start(search))), search, size)


def _of_window(
    cards: tuple[Card, ...], search: PropertySearch, size: int
) -> Loaded[tuple[Card, ...]]:
    """These cards, and what can change them, where up to so many are shown from a page on."""
    first, last = _ends(cards, lambda card: search.sort.place(partial(getattr, card)))
    full = len(cards) == size
    return cards, (Window(search.found(), search.sort, first, last, _start(search), full),)


def _start(search: PropertySearch) -> int:
    return (search.page - 1) * PAGE_SIZE


def detail(listing_key: str) -> Detail | Missing:
    """One listing with all that its page shows, or why there is none."""

    def load() -> Loaded[tuple[Detail | None, Missing]]:
        found = _load_detail(listing_key)
        shown = "detail" if found[0] else "presence"
        return found, (Rows((listing_key,), shown),)

    partition = partitions.of_property(listing_key)
    scope = Rows((listing_key,), "detail")
    entry = Entry(Layer.QUERYSET, partition, "detail", listing_key, scope)
    found = cached(_DETAIL_OR_NONE, entry, load)
    return found[0] or found[1]


def cities() -> tuple[City, ...]:
    """Every city with listings on the market, the largest first."""
    everything = PropertySearch()

    def load() -> Loaded[tuple[City, ...]]:
        on_market = everything.filter(Property.objects.exclude(city_key=""))
        found = on_market.values("city_key").order_by()
        found = found.annotate(
            name=Max("city"), state=Max("state_or_province"), n=models.Count("pk")
        )
        rows = found.order_by("-n", "city_key").values_list("city_key", "name", "state", "n")
        return tuple(City(*row) for row in rows), (Facets(everything.found(), "cities"),)

    return cached(_CITIES, search_entry("cities", everything, ""), load)


def get_all_properties() -> Iterator[Card]:
    """Every listing on the market, city by city, in the order of their keys.

    Comes in chunks of at most 1,000 rows, each an entry of its own: a change costs one city's
    chunks, never the whole inventory. Chunks are read one after the other, so a listing that
    moves between cities meanwhile may come twice or not at all.
    """
    for city_key in (*(city.city_key for city in cities()), ""):  # and those without a city
        after = ""
        while chunk := _chunk(city_key, after):
            yield from chunk
            if len(chunk) < CHUNK:
                break
            after = chunk[-1].listing_key


def _chunk(city_key: str, after: str) -> tuple[Card, ...]:
    search = PropertySearch(city=city_key)

    def load() -> Loaded[tuple[Card, ...]]:
        rows = Property.objects.filter(city_key=city_key, pk__gt=after)
        found = PropertySearch().filter(rows).order_by("pk")[:CHUNK]
        cards = _cards(_statement(found.values_list(_card())))
        first, last = _ends(cards, lambda card: (card.listing_key,))
        full = len(cards) == CHUNK
        return cards, (Window(search.found(), BY_KEY, first, last, 0, full, after=(after,)),)

    return cached(_CARDS, search_entry("chunk", search, f"{city_key} {after}"), load)


def _ends(
    cards: Sequence[Card], place: Callable[[Card], Place]
) -> tuple[Place | None, Place | None]:
    return (place(cards[0]), place(cards[-1])) if cards else (None, None)


def _card() -> Cast:
    return in_json(*(_CARD.get(name, F(name)) for name in Card.__struct_fields__))


def _asked_window(search: PropertySearch, size: int, start: int) -> Statement:
    """Asks for the cards of a sorted search, so many behind the first `start`."""
    if not search.q:
        return prepared.of_search(search, _sorted_cards).limited(size, start)
    few = prepared.of_search(search, counting.keys).limited(_FEW + 1)
    return _with_few(few, prepared.of_search(search, _of_few_or_many).limited(size, start))


def _sorted_cards(
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
    first, second = (part.order_by(*sort.order).values("pk")[window] for part in parts)
    return _of_keys(first.union(second, all=True), sort)


def _with_few(few: Statement, asked: Statement) -> Statement:
    """One statement of what `_of_few_or_many` asks and of the keys that it looks at first."""
    sql = f"WITH few AS MATERIALIZED ({few.sql}) {asked.sql}"
    return Statement(sql, [*few.parameters, *asked.parameters])


def _of_keys(some: QuerySet[Property, Any], sort: Sort) -> QuerySet[Property, Any]:
    """The columns of cards, of some rows of a sorted search.

    Their keys are found first: an index knows all that searches filter by, and the table is read
    for the few rows that are shown only. At a million listings that takes a fortieth of the time
    when a filter fits few of them.
    """
    rows = Property.objects.filter(pk__in=some.values("pk")).order_by(*sort.order)
    return rows.values_list(_card())


def _cards(asked: Statement) -> tuple[Card, ...]:
    return _CARDS_IN_JSON.decode(f"[{','.join(row for (row,) in asked.rows())}]")


def _load_detail(listing_key: str) -> tuple[Detail | None, Missing]:
    found = _detail_of_key().rows({"key": listing_key, "now": timezone.now()})
    if not found:
        gone = Property.objects.filter(
            pk=listing_key, standard_status__in=GONE, internet_entire_listing_display_yn=True
        )
        return None, Missing(gone=gone.exists())
    shown = _DETAIL_IN_JSON.decode(found[0][0])
    if shown.open_houses:  # the row goes out of date when the first of them ends
        ends_at(min(time.open_house_end_time for time in shown.open_houses).timestamp())
    return shown, Missing(gone=False)


@cache
def _detail_of_key() -> Planned:
    """One statement for the listing and all that belongs to it."""
    rows = Property.objects.filter(
        pk=A_KEY, standard_status__in=PUBLIC, internet_entire_listing_display_yn=True
    ).order_by()
    columns = [_DETAIL.get(name, F(name)) for name in Detail.__struct_fields__]
    asked = rows.values_list(in_json(*columns))
    return Planned("detail_of_key", asked, {"key": A_KEY, "now": A_MOMENT})


def cards(found: QuerySet[Property], search: PropertySearch, most: int) -> tuple[Card, ...]:
    """The first of these rows of a search, in its order, as cards, asked of the database."""
    window = slice(most)
    if not search.q:
        return _cards(_statement(_sorted_cards(found, search.sort, window)))
    few = _statement(found.order_by().values("pk")[: _FEW + 1])
    return _cards(_with_few(few, _statement(_of_few_or_many(found, search.sort, window))))


def _statement(asked: QuerySet[Property, Any]) -> Statement:
    return Statement(*asked.query.sql_with_params())
