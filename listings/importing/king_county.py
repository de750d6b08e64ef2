"""House sales of King County, Washington, as the county publishes them: one row for each sale.

A parcel's latest sale is its listing, and earlier ones are its history. Values go in as they are:
a house of 33 bedrooms is in the county's records, and is not ours to correct. What cannot be (a
negative price, a date that does not exist, a ZIP code outside the county) makes a bad row.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import ceil

from listings.drawings import photo_url
from listings.importing.format import Format, Imported
from listings.importing.king_county_places import CITY_BY_ZIP_CODE
from listings.importing.king_county_sales import FIELDS, Sale, parse
from listings.records import HistoryRecord, MediaRecord, PropertyRecord
from listings.vocabulary import ChangeType, PropertySubType, PropertyType, StandardStatus

SYSTEM = "King County"

# What this source says of a listing. Other columns are the editors' and stay as they are.
COLUMNS = tuple(
    "standard_status mls_status property_type property_sub_type list_price original_list_price "
    "close_price close_date status_change_timestamp original_entry_timestamp "
    "modification_timestamp bedrooms_total bathrooms_total_integer bathrooms_full bathrooms_half "
    "living_area lot_size_square_feet year_built stories_total waterfront_yn view city "
    "state_or_province postal_code county_or_parish latitude longitude parcel_number "
    "public_remarks".split()
)


def listing(sales: Sequence[Sale], as_sold: bool = False) -> Imported:
    """One parcel's sales, oldest first, as a listing for sale, or sold, at the last price."""
    last = sales[-1]
    key = f"KC-{last.parcel}"
    record = PropertyRecord(
        listing_key=key,
        listing_id=last.parcel,
        originating_system_name=SYSTEM,
        originating_system_key=last.parcel,
        standard_status=StandardStatus.CLOSED if as_sold else StandardStatus.ACTIVE,
        mls_status="Sold" if as_sold else "Active",
        property_type=PropertyType.RESIDENTIAL,
        property_sub_type=PropertySubType.SINGLE_FAMILY_RESIDENCE,
        list_price=last.price,
        original_list_price=last.price,
        close_price=last.price if as_sold else None,
        close_date=last.sold.date() if as_sold else None,
        status_change_timestamp=last.sold,
        original_entry_timestamp=last.sold,
        modification_timestamp=last.sold,
    )
    _describe(record, last)
    front = MediaRecord(
        media_key=f"{key}-m0",
        property_id=key,
        media_url=photo_url("house", f"{key}-m0"),
        short_description="Front",
        modification_timestamp=last.sold,
    )
    return Imported(record, [front], _history(key, sales))


def _describe(record: PropertyRecord, sale: Sale) -> None:
    full = int(sale.bathrooms)
    # RESO counts whole rooms. A fraction is one room that lacks something: .5 has no bath, .75
    # only a shower. The columns know full and half ones, so each fraction is one half bathroom.
    half = int(sale.bathrooms > full)
    record.bathrooms_full, record.bathrooms_half = full, half
    record.bathrooms_total_integer = full + half
    record.bedrooms_total = sale.bedrooms
    record.living_area, record.lot_size_square_feet = sale.living_area, sale.lot
    record.year_built = sale.built
    record.stories_total = ceil(sale.floors)  # one and a half floors are two to climb
    record.waterfront_yn = sale.waterfront
    # The county rates a view without saying of what.
    record.view = "See Remarks" if sale.view else ""
    record.city, record.state_or_province = CITY_BY_ZIP_CODE[sale.zip_code], "WA"
    record.postal_code, record.county_or_parish = sale.zip_code, "King"
    record.latitude, record.longitude = sale.latitude, sale.longitude
    record.parcel_number = sale.parcel
    record.public_remarks = _remarks(sale, record.city)


_CONDITIONS = ("poor", "fair", "average", "good", "very good")  # 1 to 5
_VIEWS = ("fair", "average", "good", "excellent")  # 1 to 4


def _remarks(sale: Sale, city: str) -> str:
    sentences = [
        f"House in {city} {_floors(sale.floors)}, built in {sale.built}"
        + (f" and renovated in {sale.renovated}." if sale.renovated else "."),
        f"Construction grade {sale.grade} of 13, in {_CONDITIONS[sale.condition - 1]} condition.",
        f"{sale.above:,} square feet above ground"
        + (f" and {sale.basement:,} in the basement." if sale.basement else "."),
    ]
    if sale.waterfront:
        sentences.append("On the waterfront.")
    if sale.view:
        sentences.append(
            f"With {'an' if sale.view in (2, 4) else 'a'} {_VIEWS[sale.view - 1]} view."
        )
    return " ".join(sentences)


def _floors(floors: Decimal) -> str:
    return "on one floor" if floors == 1 else f"with {floors.normalize():f} floors"


def _history(key: str, sales: Sequence[Sale]) -> list[HistoryRecord]:
    """Every sale but the last, with the price of the one before it."""
    before = ["", *(str(sale.price) for sale in sales)]
    return [
        HistoryRecord(
            history_transactional_key=f"{key}-{sale.sold:%Y%m%d}",
            property_id=key,
            change_type=ChangeType.CLOSED,
            field_name="ClosePrice",
            previous_value=before[order],
            new_value=str(sale.price),
            modification_timestamp=sale.sold,
        )
        for order, sale in enumerate(sales[:-1])
    ]


FORMAT = Format(
    fields=FIELDS,
    columns=COLUMNS,
    row_type=Sale,
    parse=parse,
    identify=lambda sale: (sale.parcel, sale.sold),
    listing=listing,
)
