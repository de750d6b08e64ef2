"""What visitors can open."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter, StringConverter

from listings import browsing, views
from listings.api.routes import api
from listings.columns import KEY_PATTERN, LONGEST_KEY
from listings.photos import photo
from listings.places import city_key
from listings.readers import LONGEST_CITY


class KeyConverter(StringConverter):
    """A RESO key as the models allow it, so that longer ones take no room in the cache."""

    regex = KEY_PATTERN.strip("^$")

    def to_python(self, value: str) -> str:
        if len(value) > LONGEST_KEY:
            raise ValueError(value)
        return value


class CityConverter(StringConverter):
    """A city in any spelling, as its key."""

    def to_python(self, value: str) -> str:
        key = city_key(value)
        if not key or len(value) > LONGEST_CITY:
            raise ValueError(value)
        return key


class NumberConverter(IntConverter):
    """A whole number from 1 to 9999, in its one spelling."""

    regex = "[1-9][0-9]{0,3}"


register_converter(KeyConverter, "key")
register_converter(CityConverter, "city")
register_converter(NumberConverter, "number")

urlpatterns = [
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
    path("sitemap.xml", browsing.sitemap, name="sitemap"),
    path("sitemaps/<city:city>/<number:number>.xml", browsing.city_sitemap, name="city-sitemap"),
    path("api/v1/", api.urls),
    path("photos/<slug:scene>/<key:key>.svg", photo, name="photo"),
    path("robots.txt", views.robots, name="robots"),
    path("favicon.ico", views.favicon, name="favicon"),
]
