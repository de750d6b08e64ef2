"""What pages show, as frozen typed rows: the form in which queryset entries are cached.

Never model instances and never pickles: a row holds the columns that a page shows and nothing
else, so `private_remarks` cannot reach a page by way of a row.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct


class Row(Struct, frozen=True, array_like=True):
    """Base of all rows. Encoded as an array, in the order in which fields are declared."""


class Card(Row, frozen=True):
    """One listing in a list."""

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
    address: str  # empty where the seller withholds it
    city: str
    state_or_province: str
    postal_code: str
    original_entry_timestamp: datetime
    photo_url: str  # empty without a photo


class Photo(Row, frozen=True):
    media_url: str
    short_description: str


class OpenHouseTime(Row, frozen=True):
    open_house_start_time: datetime
    open_house_end_time: datetime
    open_house_type: str


class HistoryItem(Row, frozen=True):
    change_type: str
    previous_value: str
    new_value: str
    modification_timestamp: datetime


class AgentCard(Row, frozen=True):
    """Who to call. Texts are empty where they are not known."""

    member_full_name: str
    member_email: str
    member_preferred_phone: str


class OfficeCard(Row, frozen=True):
    office_name: str
    office_phone: str
    office_email: str


class Detail(Row, frozen=True):
    """One listing with all that its own page shows."""

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
    view: str
    heating: str
    cooling: str
    appliances: str
    unparsed_address: str  # empty where the seller withholds it
    unit_number: str
    city: str
    city_key: str
    state_or_province: str
    postal_code: str
    county_or_parish: str
    subdivision_name: str
    latitude: Decimal | None  # none where the seller withholds the address
    longitude: Decimal | None
    parcel_number: str
    public_remarks: str
    virtual_tour_url_unbranded: str
    agent: AgentCard | None
    office: OfficeCard | None
    photos: tuple[Photo, ...]
    open_houses: tuple[OpenHouseTime, ...]  # those that have not ended, soonest first
    history: tuple[HistoryItem, ...]  # newest first


class Missing(Row, frozen=True):
    """A listing that no visitor may see: 404 if never public, 410 if it once was."""

    gone: bool


class City(Row, frozen=True):
    """A city and how many listings it has on the market."""

    city_key: str
    city: str
    state_or_province: str
    count: int
