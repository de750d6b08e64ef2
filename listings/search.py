"""`PropertySearch`: one definition of a search, read in two ways.

`filter(queryset)` says it in SQL; `matches(row)` says it of one row in memory, so that a change
can be judged without asking the database. Each field is declared once, in `FIELDS`, with both
readings side by side; a property test holds them equal on a real PostgreSQL.
"""

from __future__ import annotations

import operator
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote_plus

from django.contrib.postgres.search import SearchQuery
from django.db.models import Q, QuerySet

from listings import readers
from listings.cache.dependencies import Answer
from listings.models import Property
from listings.sort import Sort
from listings.vocabulary import ON_MARKET, PUBLIC, STATES, PropertySubType, PropertyType

PAGE_SIZE = 24
LAST_PAGE = 42  # 42 × 24 = 1,008: as far as the capped count reaches
COUNT_CAP = 1_000
# So far is counted, at half the cost again, so that up to 500 listings may go before the database
# must be asked whether there are still more than 1,000.
COUNT_TO = 1_500


class InvalidSearch(ValueError):
    """Some parameters are not allowed. `errors` maps each one's name to a sentence."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {why}" for name, why in errors.items()))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True)
class PropertySearch:
    """What a visitor asked for. Equal searches have equal `canonical()` query strings.

    Build one with `parse`; the constructor trusts its arguments.
    """

    city: str = ""  # a city key
    state_or_province: str = ""
    postal_code: str = ""
    property_type: str = ""
    property_sub_type: str = ""
    standard_status: str = ""  # empty: whatever is on the market
    list_price_min: Decimal | None = None
    list_price_max: Decimal | None = None
    bedrooms_min: int | None = None
    bathrooms_min: int | None = None
    living_area_min: int | None = None
    living_area_max: int | None = None
    year_built_min: int | None = None
    q: str = ""
    sort: Sort = Sort.NEWEST
    page: int = 1

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> PropertySearch:
        """The search that a query string means. Unknown and empty parameters are ignored.

        Raises:
            InvalidSearch: naming every parameter that is not allowed, and what is.
        """
        values: dict[str, Any] = {}
        errors: dict[str, str] = {}
        for name, read in _READERS.items():
            raw = parameters.get(name)
            if raw and (raw := raw.strip(string.whitespace)):
                try:
                    values[name] = read(raw)
                except ValueError as error:
                    errors[name] = str(error)
        for least, most in (
            ("list_price_min", "list_price_max"),
            ("living_area_min", "living_area_max"),
        ):
            if least in values and most in values and values[least] > values[most]:
                errors[least] = f"must not be more than {most}"
        if errors:
            raise InvalidSearch(errors)
        return cls(**values)

    def canonical(self, **changes: object) -> str:
        """The query string of this search: fields in one order, those at their default left out.

        `changes` replace fields first, as in `search.canonical(page=2)`.
        """
        pairs = []
        for name, default in _DEFAULTS:
            value = changes[name] if name in changes else getattr(self, name)
            if value != default:
                pairs.append(f"{name}={quote_plus(str(value))}")
        return "&".join(pairs)

    @classmethod
    def from_canonical(cls, text: str) -> PropertySearch:
        """The search of a canonical query string."""
        if "%" in text or "+" in text:
            return cls.parse(dict(parse_qsl(text)))
        # The same, three times as fast: a new worker reads thousands at once.
        pairs = (pair.partition("=") for pair in text.split("&"))
        return cls.parse({name: value for name, _, value in pairs if value})

    def found(self) -> str:
        """The canonical query string of what is found: without order and page."""
        return self.canonical(sort=Sort.NEWEST, page=1)

    @property
    def city_key(self) -> str | None:
        """The one city to which this search is confined, if it is."""
        return self.city or None

    def filter(self, queryset: QuerySet[Property]) -> QuerySet[Property]:
        """The rows of this search, unordered, all pages."""
        queryset = queryset.filter(
            internet_entire_listing_display_yn=True, standard_status__in=self.statuses()
        )
        for name, (lookup, _) in FIELDS.items():
            value = getattr(self, name)
            if value not in ("", None):
                queryset = queryset.filter(Q(**{lookup: value}))
        if self.q:
            words = SearchQuery(self.q, search_type="websearch", config="english")
            queryset = queryset.filter(search_document=words)
        return queryset

    def matches(self, row: Mapping[str, Any]) -> Answer:
        """Whether a row is in this search, on any page. `row` maps column names to values.

        Values may come as the database's JSON image has them: numbers as int, float or text.
        """
        if not row["internet_entire_listing_display_yn"]:
            return Answer.NO
        if row["standard_status"] not in self.statuses():
            return Answer.NO
        for name, (lookup, holds) in FIELDS.items():
            value = getattr(self, name)
            if value not in ("", None):
                column = row[lookup.split("__")[0]]
                if column is None or not holds(column, value):
                    return Answer.NO
        return Answer.MAYBE if self.q else Answer.YES

    def statuses(self) -> tuple[str, ...]:
        """The statuses that this search finds."""
        return (self.standard_status,) if self.standard_status else ON_MARKET


# `fields` takes as long as all the rest of `canonical`.
_DEFAULTS = [(field.name, field.default) for field in fields(PropertySearch)]


def at_least(column: object, bound: Decimal | int) -> bool:
    return Decimal(str(column)) >= bound


def at_most(column: object, bound: Decimal | int) -> bool:
    return Decimal(str(column)) <= bound


# field → (its reading in SQL, its reading in memory)
FIELDS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "city": ("city_key", operator.eq),
    "state_or_province": ("state_or_province", operator.eq),
    "postal_code": ("postal_code", operator.eq),
    "property_type": ("property_type", operator.eq),
    "property_sub_type": ("property_sub_type", operator.eq),
    "list_price_min": ("list_price__gte", at_least),
    "list_price_max": ("list_price__lte", at_most),
    "bedrooms_min": ("bedrooms_total__gte", at_least),
    "bathrooms_min": ("bathrooms_total_integer__gte", at_least),
    "living_area_min": ("living_area__gte", at_least),
    "living_area_max": ("living_area__lte", at_most),
    "year_built_min": ("year_built__gte", at_least),
}


# The columns that decide whether a row is in a search; full text has columns of its own.
SEARCHED = frozenset(
    {"standard_status", "internet_entire_listing_display_yn"}
    | {lookup.split("__")[0] for lookup, _ in FIELDS.values()}
)


def _sort(raw: str) -> Sort:
    if raw not in Sort.__members__.values():
        raise ValueError(f"must be one of {', '.join(Sort)}")
    return Sort(raw)


_READERS: dict[str, Callable[[str], Any]] = {
    "city": readers.city,
    "state_or_province": readers.one_of(STATES),
    "postal_code": lambda raw: readers.text(10)(raw.upper()),
    "property_type": readers.one_of(PropertyType.values),
    "property_sub_type": readers.one_of(PropertySubType.values),
    "standard_status": readers.one_of([str(status) for status in PUBLIC]),
    "list_price_min": readers.price,
    "list_price_max": readers.price,
    "bedrooms_min": readers.whole(0, 100),
    "bathrooms_min": readers.whole(0, 100),
    "living_area_min": readers.whole(0, 10_000_000),
    "living_area_max": readers.whole(0, 10_000_000),
    "year_built_min": readers.whole(1600, 2200),
    "q": lambda raw: readers.text(200)(raw.lower()),  # full text knows no case
    "sort": _sort,
    "page": readers.whole(1, LAST_PAGE),
}
