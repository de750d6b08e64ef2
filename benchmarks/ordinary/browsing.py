"""Cities, similar homes, facets and feeds, as an ordinary Django developer would write them."""

from __future__ import annotations

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Abs
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from benchmarks.ordinary.facets import facets
from benchmarks.ordinary.views import cities, public, shown
from listings.browsing import ATOM, CITY_CARDS
from listings.search import PAGE_SIZE, InvalidSearch, PropertySearch
from listings.similar import MOST


@require_safe
def city_list(request: HttpRequest) -> HttpResponse:
    return render(request, "ordinary/cities.html", {"cities": cities()})


@require_safe
def city_page(request: HttpRequest, city: str) -> HttpResponse:
    search = PropertySearch(city=city)
    newest = list(shown(search)[:CITY_CARDS])
    if not newest:
        raise Http404
    count, refinements = facets(search)
    context = {
        "search": search,
        "newest": newest,
        "first": newest[0],
        "count": count,
        "refinements": refinements,
    }
    return render(request, "ordinary/city.html", context)


@require_safe
def similar_homes(request: HttpRequest, city: str, listing_key: str) -> HttpResponse:
    listing = get_object_or_404(public(), pk=listing_key, city_key=city)
    alike = shown(PropertySearch(city=city, property_type=listing.property_type))
    nearest = alike.exclude(pk=listing_key).order_by(
        Abs(F("list_price") - listing.list_price), "pk"
    )
    context = {"listing": listing, "homes": nearest[:MOST]}
    return render(request, "ordinary/similar.html", context)


@require_safe
def search_facets(request: HttpRequest) -> HttpResponse:
    try:
        search = PropertySearch.parse(request.GET)
    except InvalidSearch as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain")
    _, refinements = facets(search)
    context = {"search": search, "refinements": refinements}
    return render(request, "ordinary/facets.html", context)


@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    try:
        found = PropertySearch.from_canonical(PropertySearch.parse(request.GET).found())
    except InvalidSearch as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain")
    context = {"search": found, "homes": shown(found)[:PAGE_SIZE], "site_url": settings.SITE_URL}
    return render(request, "ordinary/feed.xml", context, content_type=ATOM)
