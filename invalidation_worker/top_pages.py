"""Which pages to fill first when the cache is cold."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from listings import browsing, popularity, queries, views
from listings.models import Property
from listings.popularity import PageKey
from listings.search import PropertySearch
from listings.site import PAGES


def top_pages(number: int) -> list[PageKey]:
    """So many pages, or fewer if there are no more: the most wanted, then where visits begin.

    Raises:
        django.db.Error: the database does not answer.
    """
    wanted = [page for page in popularity.most_wanted(number) if page[0] in PAGES]
    if len(wanted) == number:
        return wanted
    return list(islice(dict.fromkeys(chain(wanted, _entrances(number))), number))


def _entrances(listings: int) -> Iterator[PageKey]:
    """The home page, all listings, the cities that the home page links, the newest listings.

    A city is its landing page and its list. The fragments of these pages follow when visitors
    come.
    """
    everything = PropertySearch()
    yield views.home.name, ""
    yield views.property_list.name, everything.canonical()
    for city in queries.cities()[: views.HOME_CITIES]:
        yield browsing.city_page.name, city.city_key
        yield views.property_list.name, PropertySearch(city=city.city_key).canonical()
    newest = everything.filter(Property.objects.all()).order_by(*everything.sort.order)
    for key in newest.values_list("pk", flat=True)[:listings]:
        yield views.property_detail.name, key
