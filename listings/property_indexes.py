"""The indexes of listings: for every filter and sort of a search, at a million of them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from listings.sort import Sort
from listings.vocabulary import ON_MARKET
from listings.word_index import word_index

# What searches filter by, besides the city and the words.
_FILTERED = (
    "internet_entire_listing_display_yn",
    "standard_status",
    "state_or_province",
    "postal_code",
    "property_type",
    "property_sub_type",
    "list_price",
    "bedrooms_total",
    "bathrooms_total_integer",
    "living_area",
    "year_built",
)
_NAMES = {
    Sort.NEWEST: "newest",
    Sort.PRICE: "price",
    Sort.PRICE_DOWN: "price_down",
    Sort.LIVING_AREA_DOWN: "area_down",
}


def property_indexes() -> list[models.Index]:
    """All of them, but for those of keys and of constraints."""
    return [
        *_sort_indexes("property_all"),
        *_sort_indexes("property_city", "city_key"),
        *_market_indexes(),
        # What was sold long ago stands far down in the order of all.
        models.Index(
            F("standard_status"),
            *Sort.NEWEST.order,
            include=["city_key", *_FILTERED[2:]],
            condition=Q(internet_entire_listing_display_yn=True),
            name="property_status_newest",
        ),
        *(
            models.Index(fields=[column], name=f"property_{column}"[:30])  # Django's limit
            for column in (
                "property_sub_type",
                "postal_code",
                "bedrooms_total",
                "list_agent",
                "list_office",
            )
        ),
        word_index("property_words"),
    ]


def _sort_indexes(prefix: str, *first: str) -> list[models.Index]:
    """An index for each sort. All that searches filter by is in it, so that a page's keys are found
    without the table.
    """
    return [
        models.Index(
            *map(F, first),
            *sort.order,
            name=f"{prefix}_{name}",
            include=[column for column in _FILTERED if F(column) != sort.order[0].expression],
        )
        for sort, name in _NAMES.items()
    ]


def _market_indexes() -> list[models.Index]:
    """Indexes of what is on the market that answer counts by themselves, without the table.

    At a million listings they take 600 MB (`docs/benchmarks.md` tells what for). Large homes are
    dear ones, so the cheapest of them are found by their number of rooms, not in the order of
    prices; and what is let is cheap, so the dearest of it are found in the order of its own type.
    Land has no rooms: to tell that of all of it, the index of types has all that is filtered by.
    Those of states, bathrooms and years have what refinements are told apart by.
    """
    on_market = Q(internet_entire_listing_display_yn=True, standard_status__in=ON_MARKET)
    kind = ["property_type", "property_sub_type", "bedrooms_total"]
    sorted_by = ["listing_key", "list_price", "living_area", "original_entry_timestamp"]
    refined_by = ["property_type", "bedrooms_total"]
    left_out = {"internet_entire_listing_display_yn", "property_type", "list_price"}
    columns: dict[str, tuple[list[str], list[str]]] = {
        "city": (["city_key", "listing_key"], []),
        "city_kind": (["city_key", *kind], sorted_by),
        "kind": (kind, sorted_by),
        "type_price": (
            ["property_type", "list_price"],
            ["listing_key", "city_key", *(one for one in _FILTERED if one not in left_out)],
        ),
        "state": (["state_or_province", "city_key"], ["listing_key", "list_price", *refined_by]),
        "beds": (["bedrooms_total"], ["listing_key", "list_price"]),
        "baths": (
            ["bathrooms_total_integer"],
            ["city_key", "year_built", *sorted_by, *refined_by],
        ),
        "year": (
            ["year_built"],
            ["city_key", "bathrooms_total_integer", "listing_key", "list_price", *refined_by],
        ),
        "price": (["list_price"], ["listing_key"]),
    }
    return [
        models.Index(fields=keys, include=more, condition=on_market, name=f"property_market_{name}")
        for name, (keys, more) in columns.items()
    ]
