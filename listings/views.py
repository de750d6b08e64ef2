"""What visitors see. Each page is a function of what it is about; `cached_page` does the rest."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse

from listings import queries
from listings.cache import partitions
from listings.cache.dependencies import Rows, Search
from listings.pages import Page, Subject, cached_page
from listings.rows import Missing
from listings.search import COUNT_CAP, PAGE_SIZE, InvalidSearch, PropertySearch

HOME_CARDS = 12
HOME_CITIES = 24

NOTHING: Subject[None] = Subject(
    from_query=lambda query: None,
    to_text=lambda nothing: "",
    from_text=lambda text: None,
    partition=lambda nothing: partitions.EVERYWHERE,
    scope=lambda nothing: None,
)
SEARCH: Subject[PropertySearch] = Subject(
    from_query=PropertySearch.parse,
    to_text=PropertySearch.canonical,
    from_text=PropertySearch.from_canonical,
    partition=lambda search: partitions.of_city(search.city_key),
    scope=lambda search: Search(search.found()),
    query=PropertySearch.canonical,
)
LISTING_KEY: Subject[str] = Subject(
    from_query=lambda query, listing_key: listing_key,
    to_text=str,
    from_text=str,
    partition=partitions.of_property,
    scope=lambda listing_key: Rows((listing_key,), "detail"),
    route=lambda listing_key: {"listing_key": listing_key},
)


@cached_page(NOTHING)
def home(_: None) -> Page:
    newest = queries.window(PropertySearch(), HOME_CARDS)
    return html_page("home", newest=newest, cities=queries.cities()[:HOME_CITIES])


@cached_page(SEARCH)
def property_list(search: PropertySearch) -> Page:
    cards, count = queries.window_and_count(search)
    city_name = cards[0].city if search.city and cards else search.city.replace("-", " ").title()
    pages = -(-min(count, COUNT_CAP) // PAGE_SIZE)
    return html_page(
        "list", search=search, cards=cards, count=count, page_count=pages, city_name=city_name
    )


@cached_page(LISTING_KEY, is_quick=True)
def property_detail(listing_key: str) -> Page:
    listing = queries.detail(listing_key)
    if isinstance(listing, Missing):
        status = HTTPStatus.GONE if listing.gone else HTTPStatus.NOT_FOUND
        return html_page(str(status.value), status)
    return html_page("detail", listing=listing)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: says which parameter is wrong, and what is allowed."""
    errors = exception.errors if isinstance(exception, InvalidSearch) else {}
    return _uncached("400", HTTPStatus.BAD_REQUEST, errors=errors)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _uncached("404", HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    return _uncached("500", HTTPStatus.INTERNAL_SERVER_ERROR)


def unavailable(request: HttpRequest) -> HttpResponse:
    """503, for when there is no database or too much to do. Needs neither."""
    response = _uncached("503", HTTPStatus.SERVICE_UNAVAILABLE)
    response["Retry-After"] = "1"
    return response


def robots(request: HttpRequest) -> HttpResponse:
    """`robots.txt`: everything may be read but the admin, parts of pages, and searches many
    filters deep.
    """
    lines = (
        "User-agent: *",
        "Disallow: /admin/",
        "Disallow: /fragments/",
        "Disallow: /*?*&*&*&",
        f"Sitemap: {settings.SITE_URL}{reverse('sitemap')}",
    )
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


def favicon(request: HttpRequest) -> HttpResponse:
    """Where browsers look for the icon of pages that name none, as those of the admin."""
    return redirect(static("listings/favicon.svg"))


def html_page(template: str, status: int = HTTPStatus.OK, **context: object) -> Page:
    """What a public template makes of this context."""
    return Page(render_to_string(f"listings/{template}.html", context, using="jinja2"), int(status))


def _uncached(template: str, status: int, **context: object) -> HttpResponse:
    page = html_page(template, status, **context)
    response = HttpResponse(page.body, status=page.status, content_type=page.content_type)
    response["Cache-Control"] = "no-store"
    return response
