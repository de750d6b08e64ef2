"""Homes like another one: in its city, of its type, on the market, and nearest to it in price."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from listings import querysets
from listings.cache import partitions
from listings.cache.dependencies import Dependency, Rows
from listings.cache.entries import Entry, Layer
from listings.keyset import loaded
from listings.models import Property
from listings.rows import Card
from listings.search import PropertySearch
from listings.vocabulary import PUBLIC

MOST = 6

# Made once, at import: see `listings.cache.entries`.
_CARDS_OR_NONE: msgspec.msgpack.Decoder[tuple[Card, ...] | None] = msgspec.msgpack.Decoder(
    tuple[Card, ...] | None
)


def similar(city_key: str, listing_key: str) -> tuple[Card, ...] | None:
    """Up to six homes, the nearest in price first; none: no public listing of this key is in
    this city.

    The city must be told, because what its events change lives in its partition.
    """

    def load() -> querysets.Loaded[tuple[Card, ...] | None]:
        own = Rows((listing_key,), "likeness")
        public = Property.objects.filter(
            pk=listing_key,
            city_key=city_key,
            standard_status__in=PUBLIC,
            internet_entire_listing_display_yn=True,
        )
        row = public.values_list("property_type", "list_price").first()
        if row is None:
            return None, (own,)
        found, windows = _around(city_key, *row)
        found.pop(listing_key, None)
        nearest = sorted(found.values(), key=lambda card: _distance(card, row[1]))[:MOST]
        return tuple(nearest), (own, *windows)

    partition = partitions.of_city(city_key)
    entry = Entry(Layer.QUERYSET, partition, "similar", f"{city_key} {listing_key}")
    return querysets.cached(_CARDS_OR_NONE, entry, load)


def _around(
    city_key: str, property_type: str, list_price: Decimal
) -> tuple[dict[str, Card], list[Dependency]]:
    """The nearest homes that cost as much or more, and those that cost as much or less."""
    kind = {"city": city_key, "property_type": property_type}
    found: dict[str, Card] = {}
    windows: list[Dependency] = []
    for bound, sort in (("list_price_min", "price"), ("list_price_max", "-price")):
        search = PropertySearch.parse({**kind, bound: str(list_price), "sort": sort})
        cards, window = loaded(search, after=None, most=MOST + 1)  # the home itself is among them
        found |= {card.listing_key: card for card in cards}
        windows.append(window)
    return found, windows


def _distance(card: Card, list_price: Decimal) -> tuple[Decimal, str]:
    return abs(card.list_price - list_price), card.listing_key
