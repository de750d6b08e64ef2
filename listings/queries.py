"""The queryset layer: what pages ask of the database, kept for an hour as typed rows.

Every function here is cache-aside through `read`: a hit decodes rows, a miss asks the database
and keeps the rows, an empty result is kept like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec
from django.db.models import Case, Count, F, Max, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from listings.cache import partitions
from listings.cache.entries import Entry, Layer
from listings.cache.reading import Content, ends_at, read
from listings.models import ListingHistory, Media, OpenHouse, Property
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
from listings.search import COUNT_CAP, PAGE_SIZE, PropertySearch, Sort
from listings.vocabulary import GONE, PUBLIC, MediaCategory, OpenHouseStatus, OpenHouseType

T = TypeVar("T")

CHUNK = 1_000  # rows of `get_all_properties` in one entry


def _unless_withheld(column: str, instead: Value | None = None) -> Case:
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
}


def window(search: PropertySearch) -> tuple[Card, ...]:
    """The cards on one page of a search: at most 24, in its order."""

    def load() -> tuple[Card, ...]:
        start = (search.page - 1) * PAGE_SIZE
        found = search.filter(Property.objects.all()).order_by(*search.sort.order)
        return _cards(found[start : start + PAGE_SIZE])

    partition = partitions.of_city(search.city_key)
    return _cached(tuple[Card, ...], "window", partition, search.canonical(), load)


def count(search: PropertySearch) -> int:
    """How many listings a search finds; 1,001 stands for any number over 1,000."""

    def load() -> int:
        found = search.filter(Property.objects.all()).values("pk").order_by()
        return found[: COUNT_CAP + 1].count()

    arguments = search.canonical(sort=Sort.NEWEST, page=1)
    return _cached(int, "count", partitions.of_city(search.city_key), arguments, load)


def detail(listing_key: str) -> Detail | Missing:
    """One listing with all that its page shows, or why there is none."""
    partition = partitions.of_property(listing_key)
    found = _cached(
        tuple[Detail | None, Missing],
        "detail",
        partition,
        listing_key,
        lambda: _load_detail(listing_key),
    )
    return found[0] or found[1]


def cities() -> tuple[City, ...]:
    """Every city with listings on the market, the largest first."""

    def load() -> tuple[City, ...]:
        on_market = PropertySearch().filter(Property.objects.exclude(city_key=""))
        found = on_market.values("city_key").order_by()
        found = found.annotate(name=Max("city"), state=Max("state_or_province"), n=Count("pk"))
        rows = found.order_by("-n", "city_key").values_list("city_key", "name", "state", "n")
        return tuple(City(*row) for row in rows)

    return _cached(tuple[City, ...], "cities", partitions.EVERYWHERE, "", load)


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
    def load() -> tuple[Card, ...]:
        found = PropertySearch().filter(Property.objects.filter(city_key=city_key, pk__gt=after))
        return _cards(found.order_by("pk")[:CHUNK])

    partition = partitions.of_city(city_key)
    return _cached(tuple[Card, ...], "chunk", partition, f"{city_key} {after}", load)


def _cards(found: Any) -> tuple[Card, ...]:
    columns = [_CARD.get(name, F(name)) for name in Card.__struct_fields__]
    return tuple(Card(*row) for row in found.values_list(*columns))


def _load_detail(listing_key: str) -> tuple[Detail | None, Missing]:
    relations = ("agent", "office", "photos", "open_houses", "history")
    own = [name for name in Detail.__struct_fields__ if name not in relations]
    row = (
        Property.objects.filter(
            pk=listing_key, standard_status__in=PUBLIC, internet_entire_listing_display_yn=True
        )
        .values_list(
            *(_DETAIL.get(name, F(name)) for name in own),
            *(F(f"list_agent__{name}") for name in AgentCard.__struct_fields__),
            *(F(f"list_office__{name}") for name in OfficeCard.__struct_fields__),
        )
        .first()
    )
    if row is None:
        gone = Property.objects.filter(
            pk=listing_key, standard_status__in=GONE, internet_entire_listing_display_yn=True
        )
        return None, Missing(gone=gone.exists())
    values = iter(row)
    fields = {name: next(values) for name in own}
    agent = AgentCard(*(next(values) or "" for _ in AgentCard.__struct_fields__))
    office = OfficeCard(*values)
    shown = Detail(
        **fields,
        agent=agent if agent.member_full_name else None,
        office=office if office.office_name else None,
        photos=_photos(listing_key),
        open_houses=_open_houses(listing_key),
        history=_history(listing_key),
    )
    return shown, Missing(gone=False)


def _photos(listing_key: str) -> tuple[Photo, ...]:
    photos = Media.objects.filter(property=listing_key, media_category=MediaCategory.PHOTO)
    rows = photos.order_by("order", "media_key").values_list(*Photo.__struct_fields__)
    return tuple(Photo(*row) for row in rows)


def _open_houses(listing_key: str) -> tuple[OpenHouseTime, ...]:
    """Those still to come. The row goes out of date when the first of them ends."""
    to_come = OpenHouse.objects.filter(
        Q(open_house_end_time__gt=timezone.now()),
        property=listing_key,
        open_house_status=OpenHouseStatus.ACTIVE,
        open_house_type__in=(OpenHouseType.PUBLIC, OpenHouseType.LIVESTREAM_PUBLIC),
    ).order_by("open_house_start_time", "open_house_key")
    rows = to_come.values_list(*OpenHouseTime.__struct_fields__)
    times = tuple(OpenHouseTime(*row) for row in rows)
    if times:
        ends_at(min(time.open_house_end_time for time in times).timestamp())
    return times


def _history(listing_key: str) -> tuple[HistoryItem, ...]:
    changes = ListingHistory.objects.filter(property=listing_key)
    ordered = changes.order_by("-modification_timestamp", "history_transactional_key")
    return tuple(HistoryItem(*row) for row in ordered.values_list(*HistoryItem.__struct_fields__))


def _cached(kind: type[T], name: str, partition: str, arguments: str, load: Callable[[], T]) -> T:
    loaded: list[T] = []  # so that a miss need not decode what it has just encoded

    def content() -> Content:
        loaded.append(load())
        return Content(msgspec.msgpack.encode(loaded[0]))

    answer = read(Entry(Layer.QUERYSET, partition, name, arguments), content)
    return loaded[0] if loaded else _decode(kind, answer.content.body)


_decoders: dict[Any, msgspec.msgpack.Decoder[Any]] = {}


def _decode(kind: type[T], body: bytes) -> T:
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.msgpack.Decoder(kind)
    value: T = decoder.decode(body)
    return value
