"""Windows of a search that begin after a place instead of at a page: as deep as anybody likes.

A place is where a row stands in an order (`Sort.place`), so rows that come or go before it shift
nothing, and the database starts reading there instead of counting its way.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import msgspec
from django.db.models import Q, QuerySet

from listings import cards, querysets, words
from listings.cache.dependencies import Place, Window
from listings.columns import KEY_PATTERN, LONGEST_KEY
from listings.models import Property
from listings.rows import Card
from listings.search import PropertySearch
from listings.sort import Sort

MOST_CENTS = 10**14  # of a price or an area: what the columns hold
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,18}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = (  # microseconds
    (moment - _EPOCH) // timedelta(microseconds=1)
    for moment in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
)
_KEY = re.compile(KEY_PATTERN)
# Made once, at import: see `listings.cache.entries`.
_CARDS = msgspec.msgpack.Decoder(tuple[Card, ...])


def as_text(place: Place) -> str:
    """A place as it stands in an address: `-5000000,A-1`."""
    return ",".join(map(str, place))


def from_text(sort: Sort, text: str) -> Place:
    """The place that a text names in this order; the only text that does.

    Raises:
        ValueError: it names none.
    """
    *numbers, key = text.split(",")
    if len(key) <= LONGEST_KEY and _KEY.fullmatch(key) and all(map(_WHOLE.fullmatch, numbers)):
        place: Place = (*map(int, numbers), key)
        if _is_place(sort, place):
            return place
    raise ValueError("must be taken from @odata.nextLink, with the same sort")


def cards_after(search: PropertySearch, after: Place | None, most: int) -> tuple[Card, ...]:
    """The next cards of a search behind a place, in its order; from the first on without one."""

    def load() -> querysets.Loaded[tuple[Card, ...]]:
        shown, window = loaded(search, after, most)
        return shown, (window,)

    start = "" if after is None else as_text(after)
    entry = querysets.search_entry("cards_after", search, f"{most} {start} {search.canonical()}")
    return querysets.cached(_CARDS, entry, load)


def loaded(
    search: PropertySearch, after: Place | None, most: int
) -> tuple[tuple[Card, ...], Window]:
    """The same, asked of the database, and what can change it."""
    everything = Property.objects.all()
    shown: tuple[Card, ...] = ()
    for rows in [everything] if after is None else _behind(everything, search.sort, after):
        if len(shown) < most:
            first_of = words.first if search.q else cards.first
            shown += first_of(rows, search, most - len(shown))
    places = [search.sort.place(partial(getattr, card)) for card in shown]
    first, last = (places[0], places[-1]) if places else (None, None)
    full = len(shown) == most
    return shown, Window(search.found(), search.sort, first, last, 0, full, after=after)


def _behind(rows: QuerySet[Property], sort: Sort, after: Place) -> tuple[QuerySet[Property], ...]:
    """The rows behind a place, in parts of which each can be read from an index on."""
    *_, key = after
    later_key = Q(pk__gt=key)
    number = int(after[-2])
    if sort is Sort.NEWEST:
        moment = _EPOCH - timedelta(microseconds=number)
        return (_from(rows, "original_entry_timestamp", "lt", moment, later_key),)
    if sort is Sort.PRICE:
        return (_from(rows, "list_price", "gt", Decimal(number) / 100, later_key),)
    if sort is Sort.PRICE_DOWN:
        return (_from(rows, "list_price", "lt", Decimal(-number) / 100, later_key),)
    unknown = rows.filter(living_area__isnull=True)
    if after[0]:
        return (unknown.filter(later_key),)
    area = Decimal(-number) / 100
    return _from(rows, "living_area", "lt", area, later_key), unknown


def _from(
    rows: QuerySet[Property], column: str, beyond: str, value: object, later_key: Q
) -> QuerySet[Property]:
    # The first condition says nothing new, but it is one that an index can start from.
    return rows.filter(
        Q(**{f"{column}__{beyond}e": value}), Q(**{f"{column}__{beyond}": value}) | later_key
    )


def _is_place(sort: Sort, place: Place) -> bool:
    match sort, place:
        case Sort.NEWEST, (int(moment), str()):
            return _FIRST <= -moment <= _LAST
        case Sort.PRICE, (int(cents), str()):
            return 0 <= cents < MOST_CENTS
        case Sort.PRICE_DOWN, (int(cents), str()):
            return 0 <= -cents < MOST_CENTS
        case Sort.LIVING_AREA_DOWN, (0, int(cents), str()):
            return 0 <= -cents < MOST_CENTS
        case Sort.LIVING_AREA_DOWN, (1, 0, str()):
            return True
    return False
