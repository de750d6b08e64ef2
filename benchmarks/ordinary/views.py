"""The home page, lists and details, as an ordinary Django developer would write them."""

from __future__ import annotations

from typing import Any

from django.core.paginator import EmptyPage, Paginator
from django.db.models import Count, Max, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from benchmarks.ordinary.chips import chips
from benchmarks.ordinary.structured_data import structured_data
from listings.models import ListingHistory, Media, OpenHouse, Property
from listings.search import COUNT_CAP, PAGE_SIZE, InvalidSearch, PropertySearch
from listings.views import HOME_CARDS, HOME_CITIES
from listings.vocabulary import (
    ON_MARKET,
    PUBLIC,
    MediaCategory,
    OpenHouseStatus,
    OpenHouseType,
    PropertySubType,
    PropertyType,
)

PHOTOS = Prefetch(
    "media_set",
    Media.objects.filter(media_category=MediaCategory.PHOTO).order_by("order", "media_key"),
    to_attr="photos",
)
HISTORY = Prefetch(
    "listinghistory_set",
    ListingHistory.objects.order_by("-modification_timestamp", "history_transactional_key"),
    to_attr="history",
)
CHOICES: dict[str, Any] = {
    "property_types": PropertyType.values,
    "property_sub_types": PropertySubType.values,
    "statuses": [str(status) for status in PUBLIC],
    "numbers": (1, 2, 3, 4, 5),
    "sorts": (
        ("newest", "Newest"),
        ("price", "Price, low to high"),
        ("-price", "Price, high to low"),
        ("-living_area", "Living area"),
    ),
}
NOUNS = {
    "Land": ("lot", "lots"),
    "Farm": ("farm", "farms"),
    "Business Opportunity": ("business", "businesses"),
    "Commercial Sale": ("property", "properties"),
    "Commercial Lease": ("property", "properties"),
}


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    newest = shown(PropertySearch())[:HOME_CARDS]
    context = {"newest": newest, "cities": cities()[:HOME_CITIES], **CHOICES}
    return render(request, "ordinary/home.html", context)


@require_safe
def property_list(request: HttpRequest) -> HttpResponse:
    try:
        search = PropertySearch.parse(request.GET)
    except InvalidSearch as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain")
    paginator = Paginator(shown(search), PAGE_SIZE)
    try:
        homes = list(paginator.page(search.page))
    except EmptyPage:
        homes = []
    city = homes[0].city if search.city and homes else search.city.replace("-", " ").title()
    page_count = -(-min(paginator.count, COUNT_CAP) // PAGE_SIZE)
    first = max(1, min(search.page - 2, page_count - 4))
    last = min(page_count, max(search.page + 2, 5))
    context = {
        "search": search,
        "homes": homes,
        "count": paginator.count,
        "page_count": page_count,
        "pages": range(first, last + 1),
        "city": city,
        "noun": NOUNS.get(search.property_type, ("home", "homes"))[paginator.count != 1],
        "chips": chips(search, city),
        **CHOICES,
    }
    return render(request, "ordinary/list.html", context)


@require_safe
def property_detail(request: HttpRequest, listing_key: str) -> HttpResponse:
    listing = get_object_or_404(whole(), pk=listing_key)
    context = {"listing": listing, "structured_data": structured_data(listing)}
    return render(request, "ordinary/detail.html", context)


def shown(search: PropertySearch) -> QuerySet[Property]:
    """What a search finds, in its order, each with its photos."""
    # The one column that no ordinary model has: reading it would make every row dearer.
    found = search.filter(Property.objects.defer("search_document"))
    return found.order_by(*search.sort.order).prefetch_related(PHOTOS)


def public() -> QuerySet[Property]:
    """Everything that has a page."""
    return Property.objects.filter(
        standard_status__in=PUBLIC, internet_entire_listing_display_yn=True
    ).defer("search_document")


def whole() -> QuerySet[Property]:
    """The same, with all that a page shows."""
    owned = public().select_related("list_agent", "list_office")
    return owned.prefetch_related(PHOTOS, HISTORY, _open_houses())


def cities() -> QuerySet[Property, Any]:
    """Every city with homes on the market, the largest first."""
    return (
        Property.objects.filter(internet_entire_listing_display_yn=True)
        .filter(standard_status__in=ON_MARKET)
        .exclude(city_key="")
        .values("city_key")
        .annotate(name=Max("city"), state=Max("state_or_province"), count=Count("pk"))
        .order_by("-count", "city_key")
    )


def _open_houses() -> Prefetch[Any, Any, Any]:
    to_come = OpenHouse.objects.filter(
        Q(open_house_end_time__gt=timezone.now()),
        open_house_status=OpenHouseStatus.ACTIVE,
        open_house_type__in=(OpenHouseType.PUBLIC, OpenHouseType.LIVESTREAM_PUBLIC),
    )
    ordered = to_come.order_by("open_house_start_time", "open_house_key")
    return Prefetch("openhouse_set", ordered, to_attr="open_houses")
