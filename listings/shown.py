"""The columns that pages show or search, table by table: declared here, once.

The change log's triggers are generated from this, so a write that touches none of these columns
logs nothing, and a column that is added to a page must be added here to be seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models

from listings.models import Agent, ListingHistory, Media, Office, OpenHouse, Property
from listings.search import SEARCHED


@dataclass(frozen=True, slots=True)
class Shown:
    """One table as visitors see it. Names are database columns."""

    model: type[models.Model]
    columns: tuple[str, ...]  # without the key

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def key(self) -> str:
        return str(self.model._meta.pk.column)


SHOWN = (
    Shown(
        Property,
        (
            "listing_id",
            "standard_status",
            "property_type",
            "property_sub_type",
            "list_price",
            "original_list_price",
            "close_price",
            "close_date",
            "original_entry_timestamp",
            "bedrooms_total",
            "bathrooms_total_integer",
            "bathrooms_full",
            "bathrooms_half",
            "living_area",
            "lot_size_square_feet",
            "year_built",
            "stories_total",
            "garage_spaces",
            "association_fee",
            "association_fee_frequency",
            "tax_annual_amount",
            "waterfront_yn",
            "pool_private_yn",
            "new_construction_yn",
            "view",
            "heating",
            "cooling",
            "appliances",
            "unparsed_address",
            "unit_number",
            "city",
            "city_key",
            "state_or_province",
            "postal_code",
            "county_or_parish",
            "subdivision_name",
            "latitude",
            "longitude",
            "parcel_number",
            "public_remarks",
            "virtual_tour_url_unbranded",
            "list_agent_key",
            "list_office_key",
            "internet_entire_listing_display_yn",
            "internet_address_display_yn",
        ),
    ),
    Shown(
        Media,
        ("listing_key", "media_url", "media_category", "order", "short_description"),
    ),
    Shown(
        OpenHouse,
        (
            "listing_key",
            "open_house_start_time",
            "open_house_end_time",
            "open_house_status",
            "open_house_type",
        ),
    ),
    Shown(
        ListingHistory,
        (
            "resource_record_key",
            "change_type",
            "previous_value",
            "new_value",
            "modification_timestamp",
        ),
    ),
    Shown(Agent, ("member_full_name", "member_email", "member_preferred_phone")),
    Shown(Office, ("office_name", "office_phone", "office_email")),
)


# A transaction that sets this to `on` is logged as changes of whole tables, one event a statement.
# Caches are flushed for such an event, so it can drop too much and never too little.
LOG_WHOLE_TABLES = "listings.log_whole_tables"

# What a listing shows of its other rows, as if it were columns of its own. Of its photos, cards
# show the first one only, which is the column `cover`.
OF_OTHER_TABLES = {
    Media._meta.db_table: "media",
    OpenHouse._meta.db_table: "open_houses",
    ListingHistory._meta.db_table: "history",
    Agent._meta.db_table: "agent",
    Office._meta.db_table: "office",
}

# Sets of columns, by the names that dependencies use.
COLUMN_SETS = {
    # what a card in a list shows
    "card": frozenset(
        {
            "standard_status",
            "property_type",
            "property_sub_type",
            "list_price",
            "close_price",
            "bedrooms_total",
            "bathrooms_total_integer",
            "living_area",
            "lot_size_square_feet",
            "unparsed_address",
            "internet_address_display_yn",
            "city",
            "state_or_province",
            "postal_code",
            "original_entry_timestamp",
            "cover",
        }
    ),
    # what the listing's own page shows
    "detail": frozenset(SHOWN[0].columns) | frozenset(OF_OTHER_TABLES.values()),
    # whether there is such a page
    "presence": frozenset({"standard_status", "internet_entire_listing_display_yn"}),
    # what full text looks at
    "words": frozenset(
        {
            "unparsed_address",
            "internet_address_display_yn",
            "city",
            "subdivision_name",
            "property_sub_type",
            "public_remarks",
        }
    ),
    # by what the list of cities counts
    "cities": frozenset({"city_key", "city", "state_or_province"}),
    # by what a search can be narrowed
    "facets": frozenset({"property_type", "bedrooms_total"}),  # prices are counted, see `facets.py`
    # which homes are similar
    "likeness": frozenset(
        {
            "standard_status",
            "internet_entire_listing_display_yn",
            "city_key",
            "property_type",
            "list_price",
        }
    ),
    # which listings there are, whatever they are like
    "keys": frozenset(),
}
# what any list can show, or search by
COLUMN_SETS["lists"] = SEARCHED.union(
    *(
        COLUMN_SETS[name]
        for name in ("card", "presence", "words", "cities", "facets", "likeness", "keys")
    )
)
