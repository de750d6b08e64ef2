"""What visitors can open."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from listings import views
from listings.models import KEY_PATTERN
from listings.photos import photo


class KeyConverter(StringConverter):
    """A RESO key, as the models allow it."""

    regex = KEY_PATTERN.strip("^$")


register_converter(KeyConverter, "key")

urlpatterns = [
    path("", views.home, name="home"),
    path("listings/", views.property_list, name="property-list"),
    path("listings/<key:listing_key>/", views.property_detail, name="property-detail"),
    path("photos/<slug:scene>/<key:key>.svg", photo, name="photo"),
    path("robots.txt", views.robots, name="robots"),
]
