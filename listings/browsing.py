"""Pages beside search and detail: cities, fragments of other pages, feeds and sitemaps.

A fragment is a page of its own, in the partition of what can change it. Other pages link to it, and
a script puts its main part in the place of the link.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import NamedTuple

from django.conf import settings
from django.template.loader import render_to_string

from listings import queries
from listings.cache import partitions
from listings.cache.dependencies import Search
from listings.facets import facets
from listings.pages import Page, Subject, cached_page
from listings.search import PropertySearch
from listings.similar import similar
from listings.sitemap import keys_in_city, pages_of
from listings.views import NOTHING, html_page

CITY_CARDS = 12

ATOM = "application/atom+xml; charset=utf-8"
XML = "application/xml; charset=utf-8"
# What no document may hold, escaped or not (XML 1.0, fifth edition, production 2).
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class HomeInCity(NamedTuple):
    """A listing, and the city in which it is asked for."""

    city: str
    listing_key: str


class CityPart(NamedTuple):
    """One of the sitemaps of a city, counted from 1."""

    city: str
    number: int


def _of_city(city: str) -> Search:
    return Search(PropertySearch(city=city).found())


CITY: Subject[str] = Subject(
    from_query=lambda query, city: city,
    to_text=str,
    from_text=str,
    partition=partitions.of_city,
    scope=_of_city,
    route=lambda city: {"city": city},
)
HOME_IN_CITY: Subject[HomeInCity] = Subject(
    from_query=lambda query, city, listing_key: HomeInCity(city, listing_key),
    to_text=" ".join,
    from_text=lambda text: HomeInCity(*text.split(" ")),
    partition=lambda about: partitions.of_city(about.city),
    scope=lambda about: None,
    route=HomeInCity._asdict,
)
CITY_PART: Subject[CityPart] = Subject(
    from_query=lambda query, city, number: CityPart(city, number),
    to_text=lambda part: f"{part.city} {part.number}",
    from_text=lambda text: CityPart(text.split(" ")[0], int(text.split(" ")[1])),
    partition=lambda part: partitions.of_city(part.city),
    scope=lambda part: _of_city(part.city),
    route=lambda part: {"city": part.city, "number": str(part.number)},
)
# A search without order and page.
FOUND: Subject[PropertySearch] = Subject(
    from_query=lambda query: PropertySearch.from_canonical(PropertySearch.parse(query).found()),
    to_text=PropertySearch.found,
    from_text=PropertySearch.from_canonical,
    partition=lambda search: partitions.of_city(search.city_key),
    scope=lambda search: Search(search.found()),
    query=PropertySearch.found,
)


@cached_page(NOTHING)
def city_list(_: None) -> Page:
    return html_page("cities", cities=queries.cities())


@cached_page(CITY)
def city_page(city: str) -> Page:
    search = PropertySearch(city=city)
    newest = queries.window(search, CITY_CARDS)
    if not newest:
        return _nothing()
    return html_page("city", search=search, newest=newest, found=facets(search))


@cached_page(HOME_IN_CITY)
def similar_homes(about: HomeInCity) -> Page:
    homes = similar(about.city, about.listing_key)
    if homes is None:
        return _nothing()
    return html_page("similar", listing_key=about.listing_key, city_key=about.city, homes=homes)


@cached_page(FOUND)
def search_facets(search: PropertySearch) -> Page:
    return html_page("facets", search=search, found=facets(search))


@cached_page(FOUND)
def feed(search: PropertySearch) -> Page:
    return xml_page("feed", ATOM, search=search, homes=queries.window(search))


@cached_page(NOTHING)
def sitemap(_: None) -> Page:
    parts = [
        CityPart(city.city_key, number)
        for city in queries.cities()
        for number in pages_of(city.count)
    ]
    return xml_page("sitemap", XML, parts=parts)


@cached_page(CITY_PART)
def city_sitemap(part: CityPart) -> Page:
    keys = keys_in_city(part.city, part.number)
    return xml_page("city_sitemap", XML, part=part, keys=keys) if keys else _nothing()


def xml_page(template: str, content_type: str, **context: object) -> Page:
    """A document for machines, well-formed whatever the texts in it hold."""
    context["site_url"] = settings.SITE_URL
    body = render_to_string(f"listings/{template}.xml", context, using="jinja2")
    return Page(_NOT_IN_XML.sub("", body), content_type=content_type)


def _nothing() -> Page:
    return html_page("404", HTTPStatus.NOT_FOUND)
