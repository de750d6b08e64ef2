"""What the API answers: RESO resources as typed structs, encoded under their RESO names.

Source: RESO Data Dictionary 2.0, resources Property, Media, OpenHouse and HistoryTransactional. A
page of resources has the form of RESO Web API Core 2.0, which is OData's: `value` and
`@odata.nextLink`. An error has the form of RFC 9457.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from listings.rows import Card, Detail, HistoryItem, OpenHouseTime, Photo

_UPPER = {"yn", "url"}


def reso_name(column: str) -> str:
    """`waterfront_yn` → `WaterfrontYN`."""
    words = column.split("_")
    return "".join(word.upper() if word in _UPPER else word.capitalize() for word in words)


class Resource(Struct, frozen=True, kw_only=True):
    """Base of all resources. Numbers are JSON numbers; what is not known is null or empty."""


class FirstMedia(Resource, frozen=True, rename=reso_name):
    """A photo in a list."""

    media_url: str


class Media(Resource, frozen=True, rename=reso_name):
    """A photo. Photos come in their order."""

    media_url: str
    short_description: str


class OpenHouse(Resource, frozen=True, rename=reso_name):
    """A time at which the home can be visited."""

    open_house_start_time: datetime
    open_house_end_time: datetime
    open_house_type: str


class HistoryTransactional(Resource, frozen=True, rename=reso_name):
    """A past change."""

    change_type: str
    previous_value: str
    new_value: str
    modification_timestamp: datetime


class ListedProperty(Resource, frozen=True, rename=reso_name):
    """A listing in a list, with its first photo."""

    listing_key: str
    standard_status: str
    property_type: str
    property_sub_type: str
    list_price: Decimal
    close_price: Decimal | None
    bedrooms_total: int | None
    bathrooms_total_integer: int | None
    living_area: Decimal | None
    lot_size_square_feet: Decimal | None
    unparsed_address: str
    city: str
    state_or_province: str
    postal_code: str
    original_entry_timestamp: datetime
    media: tuple[FirstMedia, ...]


class Property(Resource, frozen=True, rename=reso_name):
    """A listing with all that its page shows."""

    listing_key: str
    listing_id: str
    standard_status: str
    property_type: str
    property_sub_type: str
    list_price: Decimal
    original_list_price: Decimal | None
    close_price: Decimal | None
    close_date: date | None
    original_entry_timestamp: datetime
    bedrooms_total: int | None
    bathrooms_total_integer: int | None
    bathrooms_full: int | None
    bathrooms_half: int | None
    living_area: Decimal | None
    lot_size_square_feet: Decimal | None
    year_built: int | None
    stories_total: int | None
    garage_spaces: Decimal | None
    association_fee: Decimal | None
    association_fee_frequency: str
    tax_annual_amount: Decimal | None
    waterfront_yn: bool
    pool_private_yn: bool
    new_construction_yn: bool
    view: tuple[str, ...]
    heating: tuple[str, ...]
    cooling: tuple[str, ...]
    appliances: tuple[str, ...]
    unparsed_address: str
    unit_number: str
    city: str
    state_or_province: str
    postal_code: str
    county_or_parish: str
    subdivision_name: str
    latitude: Decimal | None
    longitude: Decimal | None
    parcel_number: str
    public_remarks: str
    virtual_tour_url_unbranded: str
    list_agent_full_name: str
    list_agent_email: str
    list_agent_preferred_phone: str
    list_office_name: str
    list_office_email: str
    list_office_phone: str
    media: tuple[Media, ...]
    open_house: tuple[OpenHouse, ...]
    history_transactional: tuple[HistoryTransactional, ...]


class Properties(Resource, frozen=True, omit_defaults=True):
    """Some listings of a search, in its order."""

    value: tuple[ListedProperty, ...]
    # Where the next ones are, on this site; left out when there are no more.
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")


class Problem(Resource, frozen=True, omit_defaults=True):
    """Why there is no answer (RFC 9457)."""

    title: str
    status: int
    errors: dict[str, str] = {}  # parameter → what is allowed


# The columns that a row and its resource have in common.
_LISTED = set(ListedProperty.__struct_fields__) & set(Card.__struct_fields__)
_OWN = set(Property.__struct_fields__) & set(Detail.__struct_fields__)
_OWN -= {"view", "heating", "cooling", "appliances"}  # which hold lists, comma-separated
_encoder = msgspec.json.Encoder(decimal_format="number")


def encode(resource: Resource) -> str:
    """JSON, with every amount to its last cent."""
    return _encoder.encode(resource).decode()


def listed(card: Card) -> ListedProperty:
    """The resource that a card tells of."""
    return ListedProperty(
        **_fields(card, _LISTED),
        unparsed_address=card.address,
        media=(FirstMedia(media_url=card.photo_url),) if card.photo_url else (),
    )


def in_full(listing: Detail) -> Property:
    """The resource that a listing's own row tells of."""
    agent, office = listing.agent, listing.office
    return Property(
        **_fields(listing, _OWN),
        view=_values(listing.view),
        heating=_values(listing.heating),
        cooling=_values(listing.cooling),
        appliances=_values(listing.appliances),
        list_agent_full_name=agent.member_full_name if agent else "",
        list_agent_email=agent.member_email if agent else "",
        list_agent_preferred_phone=agent.member_preferred_phone if agent else "",
        list_office_name=office.office_name if office else "",
        list_office_email=office.office_email if office else "",
        list_office_phone=office.office_phone if office else "",
        media=tuple(Media(**_all(photo)) for photo in listing.photos),
        open_house=tuple(OpenHouse(**_all(time)) for time in listing.open_houses),
        history_transactional=tuple(
            HistoryTransactional(**_all(change)) for change in listing.history
        ),
    )


def _fields(row: Card | Detail, names: set[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _all(row: Photo | OpenHouseTime | HistoryItem) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}


def _values(text: str) -> tuple[str, ...]:
    return tuple(value.strip() for value in text.split(",") if value.strip())
