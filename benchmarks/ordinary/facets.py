"""How many listings each refinement of a search would find, in one query."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from listings.facets import OFFERED
from listings.models import Property
from listings.search import COUNT_CAP, FIELDS, PropertySearch
from listings.sort import Sort


@dataclass(frozen=True)
class Refinement:
    """A search that sets one field more."""

    field: str
    label: str
    value: str
    count: int
    query: str  # of the refined search


LABELS = {"bedrooms_min": "Beds", "list_price_max": "Max price", "property_type": "Property type"}


def facets(search: PropertySearch) -> tuple[int, list[Refinement]]:
    """How many listings a search finds, and its refinements that narrow it, by field."""
    offered = list(_offered(search))
    total, *counts = (
        search.filter(Property.objects.all())
        .aggregate(
            total=Count("pk"),
            **{
                f"offer_{number}": Count("pk", filter=Q(**{FIELDS[field][0]: value}))
                for number, (field, value) in enumerate(offered)
            },
        )
        .values()
    )
    return total, [
        Refinement(field, LABELS[field], str(value), count, _narrowed(search, field, value))
        for (field, value), count in zip(offered, counts, strict=True)
        if count and (count < total or count > COUNT_CAP)
    ]


def _offered(search: PropertySearch) -> Iterator[tuple[str, Any]]:
    least = search.list_price_min
    for field in sorted(OFFERED):
        if getattr(search, field) in ("", None):
            for value in OFFERED[field]:
                if field != "list_price_max" or least is None or least <= value:
                    yield field, value


def _narrowed(search: PropertySearch, field: str, value: object) -> str:
    return search.canonical(**{"sort": Sort.NEWEST, "page": 1, field: value})
