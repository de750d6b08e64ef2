"""The API's answers as cached pages, in the partitions of what they tell of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from django.urls import reverse

from listings import queries
from listings.api.resources import Problem, Properties, Property, encode, in_full, listed
from listings.cache import partitions
from listings.cache.dependencies import Place, Search
from listings.keyset import as_text, cards_after, from_text
from listings.pages import Page, Subject, cached_page
from listings.rows import Missing
from listings.search import InvalidSearch, PropertySearch
from listings.views import LISTING_KEY

PAGE_SIZE = 50
JSON = "application/json; charset=utf-8"
PROBLEM = "application/problem+json; charset=utf-8"


class Slice(NamedTuple):
    """The listings of a search that follow a place in its order; without a place, the first."""

    search: PropertySearch
    after: Place | None = None

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> Slice:
        """The slice that a query string means: that of a search, and `after`.

        Raises:
            InvalidSearch: naming every parameter that is not allowed, and what is.
        """
        errors: dict[str, str] = {}
        search, after = PropertySearch(), None
        try:
            search = PropertySearch.parse(parameters)
            if text := parameters.get("after", "").strip():
                after = from_text(search.sort, text)
        except InvalidSearch as error:
            errors |= error.errors
        except ValueError as error:
            errors["after"] = str(error)
        if parameters.get("page", "").strip():
            errors["page"] = "must be left out: follow @odata.nextLink"
        if errors:
            raise InvalidSearch(errors)
        return cls(search, after)

    def canonical(self) -> str:
        """The query string of this slice."""
        parts = [self.search.canonical()]
        if self.after is not None:
            parts.append(urlencode({"after": as_text(self.after)}))
        return "&".join(filter(None, parts))


SLICE: Subject[Slice] = Subject(
    from_query=Slice.parse,
    to_text=Slice.canonical,
    from_text=lambda text: Slice.parse(dict(parse_qsl(text))),
    partition=lambda about: partitions.of_city(about.search.city_key),
    scope=lambda about: Search(about.search.found()),
    query=Slice.canonical,
)


@cached_page(SLICE, "api:properties")
def api_properties(about: Slice) -> Page:
    search = about.search
    cards = cards_after(search, about.after, PAGE_SIZE)
    next_link = None
    if len(cards) == PAGE_SIZE:
        last = search.sort.place(partial(getattr, cards[-1]))
        next_link = f"{reverse('api:properties')}?{Slice(search, last).canonical()}"
    return _json(Properties(value=tuple(map(listed, cards)), next_link=next_link))


@cached_page(LISTING_KEY, "api:property", is_quick=True)
def api_property(listing_key: str) -> Page:
    listing = queries.detail(listing_key)
    if isinstance(listing, Missing):
        return problem(HTTPStatus.GONE if listing.gone else HTTPStatus.NOT_FOUND)
    return _json(in_full(listing))


def problem(status: HTTPStatus, errors: Mapping[str, str] | None = None) -> Page:
    """Why there is no such listing, or which parameters are not allowed."""
    told = Problem(title=status.phrase, status=status.value, errors=dict(errors or {}))
    return Page(encode(told), status.value, PROBLEM)


def _json(resource: Properties | Property) -> Page:
    return Page(encode(resource), content_type=JSON)
