"""The same addresses as ours; under `cached/`, the same views behind `cache_page`.

Names are those that the models' `get_absolute_url` asks for.
"""

from django.urls import URLPattern, path, register_converter
from django.views.decorators.cache import cache_page

from benchmarks.ordinary import api, browsing, views
from benchmarks.settings import TTL_SECONDS
from listings.urls import KeyConverter

register_converter(KeyConverter, "key")

PAGES: list[URLPattern] = [
    path("", views.home, name="home"),
    path("listings/", views.property_list, name="property-list"),
    path("listings/<key:listing_key>/", views.property_detail, name="property-detail"),
    path("cities/", browsing.city_list, name="city-list"),
    path("cities/<city:city>/", browsing.city_page, name="city"),
    path(
        "fragments/similar/<city:city>/<key:listing_key>/",
        browsing.similar_homes,
        name="similar-homes",
    ),
    path("fragments/facets/", browsing.search_facets, name="search-facets"),
    path("feeds/listings.atom", browsing.feed, name="feed"),
    path("api/v1/properties", api.properties, name="api-properties"),
    path("api/v1/properties/<key:listing_key>", api.property_resource, name="api-property"),
]

_cached = cache_page(TTL_SECONDS)

urlpatterns = [
    *PAGES,
    path("cached/", _cached(views.home)),
    path("cached/listings/", _cached(views.property_list)),
    path("cached/listings/<key:listing_key>/", _cached(views.property_detail)),
]
