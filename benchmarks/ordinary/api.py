"""The API as an ordinary Django site would have it: model instances made into JSON.

Of a search only the first listings are here: the workload asks for no others.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from benchmarks.ordinary.views import shown, whole
from listings.api.pages import PAGE_SIZE, Slice
from listings.api.resources import reso_name
from listings.models import Property
from listings.search import InvalidSearch

LISTED = (
    *("listing_key", "standard_status", "property_type", "property_sub_type", "list_price"),
    *("close_price", "bedrooms_total", "bathrooms_total_integer", "living_area"),
    *("lot_size_square_feet", "city", "state_or_province", "postal_code"),
    "original_entry_timestamp",
)
IN_FULL = (
    *LISTED,
    *("listing_id", "original_list_price", "close_date", "bathrooms_full", "bathrooms_half"),
    *("year_built", "stories_total", "garage_spaces", "association_fee"),
    *("association_fee_frequency", "tax_annual_amount", "waterfront_yn", "pool_private_yn"),
    *("new_construction_yn", "county_or_parish", "subdivision_name", "public_remarks"),
    "virtual_tour_url_unbranded",
)
LISTS = ("view", "heating", "cooling", "appliances")
# What a seller may keep back, and what is told instead.
WITHHELD = {
    "unparsed_address": "",
    "unit_number": "",
    "parcel_number": "",
    "latitude": None,
    "longitude": None,
}
OPEN_HOUSE = ("open_house_start_time", "open_house_end_time", "open_house_type")
HISTORY = ("change_type", "previous_value", "new_value", "modification_timestamp")


class Encoder(DjangoJSONEncoder):
    """Amounts are numbers and moments are whole, as in the API that this is compared with."""

    def default(self, o: Any) -> Any:
        if isinstance(o, Decimal):
            return float(o)
        if isinstance(o, datetime):
            return o.isoformat().replace("+00:00", "Z")
        return super().default(o)


@require_safe
def properties(request: HttpRequest) -> HttpResponse:
    try:
        asked = Slice.parse(request.GET)
    except InvalidSearch as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain")
    if asked.after is not None:
        return HttpResponseBadRequest("after: is not here", content_type="text/plain")
    homes = list(shown(asked.search)[:PAGE_SIZE])
    answer: dict[str, Any] = {"value": [_listed(home) for home in homes]}
    if len(homes) == PAGE_SIZE:
        last = asked.search.sort.place(partial(getattr, homes[-1]))
        following = Slice(asked.search, last).canonical()
        answer["@odata.nextLink"] = f"{reverse('api-properties')}?{following}"
    return JsonResponse(answer, encoder=Encoder)


@require_safe
def property_resource(request: HttpRequest, listing_key: str) -> HttpResponse:
    return JsonResponse(_in_full(get_object_or_404(whole(), pk=listing_key)), encoder=Encoder)


def _listed(home: Property) -> dict[str, Any]:
    photos: list[Any] = home.photos  # type: ignore[attr-defined]
    return {
        **_named(home, LISTED),
        "UnparsedAddress": home.unparsed_address if home.internet_address_display_yn else "",
        "Media": [{"MediaURL": photo.media_url} for photo in photos[:1] if photo.media_url],
    }


def _in_full(listing: Any) -> dict[str, Any]:
    told = listing.internet_address_display_yn
    agent, office = listing.list_agent, listing.list_office
    if agent is None or not agent.member_full_name:
        agent = None
    if office is None or not office.office_name:
        office = None
    return {
        **_named(listing, IN_FULL),
        **{
            reso_name(name): getattr(listing, name) if told else instead
            for name, instead in WITHHELD.items()
        },
        **{
            reso_name(name): [
                value.strip() for value in getattr(listing, name).split(",") if value.strip()
            ]
            for name in LISTS
        },
        "ListAgentFullName": agent.member_full_name if agent else "",
        "ListAgentEmail": agent.member_email if agent else "",
        "ListAgentPreferredPhone": agent.member_preferred_phone if agent else "",
        "ListOfficeName": office.office_name if office else "",
        "ListOfficeEmail": office.office_email if office else "",
        "ListOfficePhone": office.office_phone if office else "",
        "Media": [_named(photo, ("media_url", "short_description")) for photo in listing.photos],
        "OpenHouse": [_named(time, OPEN_HOUSE) for time in listing.open_houses],
        "HistoryTransactional": [_named(change, HISTORY) for change in listing.history],
    }


def _named(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {reso_name(name): getattr(row, name) for name in names}
