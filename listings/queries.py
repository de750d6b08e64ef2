"""The queryset layer: what pages ask of the database, kept for an hour as typed rows.

Every function here is cache-aside through `read`: a hit decodes rows, a miss asks the database
and keeps the rows, an empty result is kept like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import TypeVar

import msgspec
from django.db.models import Case, F, OuterRef, Q, Value, When
from django.utils import timezone

from listings import cards, city_tally, counting, words
from listings.cache import partitions
from listings.cache.dependencies import Facets, Place, Rows, Window
from listings.cache.entries import Entry, Layer
from listings.cache.filling import ends_at
from listings.json_rows import Array, in_json, rows_in_json
from listings.models import ListingHistory, Media, OpenHouse, Property
from listings.prepared import A_KEY, A_MOMENT, Planned
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
from listings.search import PAGE_SIZE, PropertySearch
from listings.vocabulary import GONE, PUBLIC, MediaCategory, OpenHouseStatus, OpenHouseType

T = TypeVar("T")

BY_KEY = "key"  # the order of `get_all_properties`, which no visitor can choose
# Pages of a search whose cards are asked for and kept together: what comes or goes on one moves all
# that follow, and who wants the first often wants the second. With 100 reads a write that saves a
# quarter of the queries which writes cost.
TOGETHER = 2
CHUNK = 1_000  # rows of `get_all_properties` in one entry


def _if_named(relation: str, card: type[AgentCard | OfficeCard]) -> Case:
    """Who stands behind a listing, or null without a name, which comes first."""
    columns = [f"{relation}__{name}" for name in card.__struct_fields__]
    return Case(When(**{f"{columns[0]}__gt": ""}, then=Array(*columns)))


# Made once, at import: see `listings.cache.entries`.
_CARDS = msgspec.msgpack.Decoder(tuple[Card, ...])
_BY_WORDS = msgspec.msgpack.Decoder(tuple[tuple[Card, ...], int])
_DETAIL_IN_JSON = msgspec.json.Decoder(Detail)
_CITIES = msgspec.msgpack.Decoder(tuple[City, ...])
_DETAIL_OR_NONE = msgspec.msgpack.Decoder(tuple[Detail | None, Missing])

# column of a row → what it is in the database, where the two differ
_DETAIL = {
    **{name: cards.unless_withheld(name) for name in ("latitude", "longitude")},
    **{
        name: cards.unless_withheld(name, Value(""))
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
    if search.q:
        return _by_words(search, lambda shown, _: _of_page(shown, search, most))
    together = _together(search)
    entry = search_entry("window", together, together.canonical())
    load = partial(_load_window, together)
    return cached_part(_CARDS, entry, load, lambda shown: _of_page(shown, search, most))


def window_and_count(search: PropertySearch) -> tuple[tuple[Card, ...], int]:
    """The same, and how many listings the search finds; 1,001 stands for any number over 1,000."""
    if not search.q:
        return window(search), counting.count(search)

    def both(shown: tuple[Card, ...], number: int) -> Loaded[tuple[tuple[Card, ...], int]]:
        found, dependencies = _of_page(shown, search)
        _, more = counting.capped(search, number)
        return (found, number), (*dependencies, *more)

    return _by_words(search, both)


def _by_words(search: PropertySearch, part: Callable[[tuple[Card, ...], int], Loaded[T]]) -> T:
    """A part of the cards that words find and of how many they find, which are kept together."""
    together = _together(search)
    entry = search_entry("by_words", together, together.canonical())
    return cached_part(_BY_WORDS, entry, partial(_load_by_words, together), lambda one: part(*one))


def _together(search: PropertySearch) -> PropertySearch:
    return replace(search, page=search.page - _skipped_pages(search))


def _skipped_pages(search: PropertySearch) -> int:
    """How many of the pages that are kept together come before this one."""
    return (search.page - 1) % TOGETHER


def _of_page(
    shown: tuple[Card, ...], search: PropertySearch, most: int = 0
) -> Loaded[tuple[Card, ...]]:
    size, start = most or PAGE_SIZE, _skipped_pages(search) * PAGE_SIZE
    return _of_window(shown[start:][:size], search, size)


def _load_window(search: PropertySearch) -> Loaded[tuple[Card, ...]]:
    size = TOGETHER * PAGE_SIZE
    return _of_window(cards.in_window(search, size, _start(search)), search, size)


def _load_by_words(search: PropertySearch) -> Loaded[tuple[tuple[Card, ...], int]]:
    size = TOGETHER * PAGE_SIZE
    shown, number = words.window_and_count(search, size, _start(search))
    _, dependencies = _of_window(shown, search, size)
    number, more = counting.capped(search, number)
    return (shown, number), (*dependencies, *more)


def _of_window(
    shown: tuple[Card, ...], search: PropertySearch, size: int
) -> Loaded[tuple[Card, ...]]:
    """These cards, and what can change them, where up to so many are shown from a page on."""
    first, last = _ends(shown, lambda card: search.sort.place(partial(getattr, card)))
    full = len(shown) == size
    return shown, (Window(search.found(), search.sort, first, last, _start(search), full),)


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
        rows = city_tally.largest_first()
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
        chunk = cards.of(found)
        first, last = _ends(chunk, lambda card: (card.listing_key,))
        full = len(chunk) == CHUNK
        return chunk, (Window(search.found(), BY_KEY, first, last, 0, full, after=(after,)),)

    return cached(_CARDS, search_entry("chunk", search, f"{city_key} {after}"), load)


def _ends(
    shown: Sequence[Card], place: Callable[[Card], Place]
) -> tuple[Place | None, Place | None]:
    return (place(shown[0]), place(shown[-1])) if shown else (None, None)


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
