"""Facets: how many listings of a search each of its refinements would find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from django.db.models import QuerySet

from listings import counting, prepared, querysets
from listings.cache.dependencies import Count, Dependency, Facets
from listings.counting import Counted
from listings.models import Property
from listings.prepared import A_WINDOW, Statement
from listings.rows import Row
from listings.search import COUNT_CAP, COUNT_TO, FIELDS, PropertySearch
from listings.search_index import wanted
from listings.sort import Sort
from listings.vocabulary import PropertyType

# field of a search → the values that are offered for it
OFFERED: dict[str, tuple[Any, ...]] = {
    "property_type": tuple(PropertyType.values),
    "bedrooms_min": (1, 2, 3, 4, 5),
    "list_price_max": tuple(map(Decimal, (300_000, 500_000, 750_000, 1_000_000, 2_000_000))),
}


# Characters of a canonical search that is offered refinements. Each of these names the search again
# in what the entry depends on, and that is kept where nothing can evict it.
LONGEST = 300

# Of so many listings, not less than are counted, all refinements are counted at once. If there are
# more, these are some of them, which are enough for each refinement that has many.
LOOKED_AT = 15_000
_OPERATORS = {"": "=", "gte": ">=", "lte": "<="}  # of the lookups that `FIELDS` reads in SQL


class Refinement(Row, frozen=True):
    """A search that sets one field more, and how many listings it finds."""

    field: str
    value: str
    count: int  # 1,001 stands for any number over 1,000
    query: str  # of the refined search, in canonical form


class Facetted(Row, frozen=True):
    """How many listings a search finds, and how it can be narrowed."""

    count: int  # 1,001 stands for any number over 1,000
    refinements: tuple[Refinement, ...]


# Made once, at import: see `listings.cache.entries`.
_FACETTED = msgspec.msgpack.Decoder(Facetted)


def facets(search: PropertySearch) -> Facetted:
    """The refinements of a search that find something, and fewer than it finds itself."""

    def load() -> querysets.Loaded[Facetted]:
        offered = list(_offered(search)) if len(search.found()) <= LONGEST else []
        tally = _tally(search, offered)
        total, *numbers = tally.numbers
        if total > COUNT_CAP:
            return _counted(search, offered, tally)
        # Most new prices pass no bound that is offered.
        prices = (
            Count(refined.found(), capped=False)
            for field, _, refined in offered
            if field == "list_price_max"
        )
        return _facetted(total, offered, numbers), (Facets(search.found(), "facets"), *prices)

    entry = querysets.search_entry("facets", search, search.found())
    return querysets.cached(_FACETTED, entry, load)


Offer = tuple[str, Any, PropertySearch]  # a field, its value, and the search that it makes


def _offered(search: PropertySearch) -> Iterator[Offer]:
    """What the search does not say yet, and does not exclude."""
    least = search.list_price_min
    for field, values in OFFERED.items():
        if getattr(search, field) in ("", None):
            for value in values:
                if field != "list_price_max" or least is None or least <= value:
                    refined = PropertySearch.from_canonical(search.found())
                    yield field, value, replace(refined, **{field: value})


class _Tally(NamedTuple):
    """Of up to 15,001 listings that a search finds."""

    numbers: list[int]  # of all, then of each offer
    finished: int  # see `Counted`


def _tally(search: PropertySearch, offered: list[Offer]) -> _Tally:
    some = prepared.of_search(search, _columns).limited(LOOKED_AT + 1)
    tests = [f"FILTER (WHERE {_test(field)})" for field, _, _ in offered]
    counts = ", ".join(f"count(*) {test}" for test in ["", *tests])
    sql = f"SELECT ARRAY[{counts}], {counting.FINISHED} FROM ({some.sql}) AS found"
    parameters = [*(value for _, value, _ in offered), *some.parameters]
    return _Tally(*Statement(sql, parameters).rows()[0])


def _columns(found: QuerySet[Property], _: Sort) -> QuerySet[Property, Any]:
    columns = {FIELDS[field][0].split("__")[0] for field in OFFERED}
    asked: QuerySet[Property, Any] = found.order_by().values(*sorted(columns))
    return asked[A_WINDOW]


def _test(field: str) -> str:
    column, _, lookup = FIELDS[field][0].partition("__")
    return f"{column} {_OPERATORS[lookup]} %s"


def _counted(
    search: PropertySearch, offered: list[Offer], tally: _Tally
) -> tuple[Facetted, tuple[Dependency, ...]]:
    """Of a search that finds more than can be counted: each refinement is a count of its own, so
    that what changes among thousands is seen only where a number changes.
    """
    searches = [search, *(refined for _, _, refined in offered)]
    # A bound above what is counted would outlive a change of whole tables: see `capped.skip_ids`.
    counted = [Counted(min(number, COUNT_TO), tally.finished) for number in tally.numbers]
    if tally.numbers[0] > LOOKED_AT:  # the numbers are only so many at least
        unknown = [at for at, (number, _) in enumerate(counted) if number < COUNT_TO]
        for at, one in zip(unknown, _count([searches[at] for at in unknown]), strict=True):
            counted[at] = one
    dependencies = [
        Count(one.found(), True, number, finished)
        if number > COUNT_CAP
        else Count(one.found(), capped=False)
        for one, (number, finished) in zip(searches, counted, strict=True)
    ]
    total, *numbers = (min(number, COUNT_CAP + 1) for number, _ in counted)
    return _facetted(total, offered, numbers), tuple(dependencies)


def _count(searches: list[PropertySearch]) -> list[Counted]:
    wants = [wanted(one.found()) for one in searches]
    narrower = [
        [at for at, other in enumerate(wants) if other is not want and other.is_within(want)]
        for want in wants
    ]
    return counting.counts_now(searches, narrower) if searches else []


def _facetted(total: int, offered: list[Offer], numbers: Iterable[int]) -> Facetted:
    return Facetted(
        total,
        tuple(
            Refinement(field, str(value), number, refined.found())
            for (field, value, refined), number in zip(offered, numbers, strict=True)
            if number > 0 and (number < total or number > COUNT_CAP)
        ),
    )
