"""Whole rows on their way into the tables, as typed records that are cheap to make and to copy.

A model instance of `Property` takes 86 µs to build, its record 1 µs. Fields have the names of the
models' attributes, so a record knows its table and columns from its model.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import StringIO
from typing import Any, ClassVar

from django.db import models
from django.db.backends.utils import CursorWrapper
from msgspec import Struct
from msgspec.structs import astuple

from listings.models import Agent, ListingHistory, Media, Office, OpenHouse, Property

Amount = Decimal | int | None

# Characters read at once by COPY. Each read takes the interpreter lock from a busy thread, which
# keeps it for up to 5 ms, so the usual 8 kB would stall a chunk of 4 MB for seconds.
_PIECE = 1 << 20


class Record(Struct, gc=False):
    """Base of all records: one row of `model`, with every column that can be written."""

    model: ClassVar[type[models.Model]]

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """The columns' names in the database, in the order of the fields."""
        return tuple(str(field.column) for field in _fields(cls))

    @classmethod
    def table(cls) -> str:
        return cls.model._meta.db_table


class OfficeRecord(Record, kw_only=True, gc=False):
    model = Office

    office_key: str
    office_mls_id: str = ""
    office_name: str
    office_phone: str = ""
    office_email: str = ""
    modification_timestamp: datetime


class AgentRecord(Record, kw_only=True, gc=False):
    model = Agent

    member_key: str
    member_mls_id: str = ""
    member_full_name: str
    member_email: str = ""
    member_preferred_phone: str = ""
    office_id: str | None = None
    modification_timestamp: datetime


class PropertyRecord(Record, kw_only=True, gc=False):
    model = Property

    listing_key: str
    listing_id: str = ""
    originating_system_name: str = ""
    originating_system_key: str = ""
    standard_status: str
    mls_status: str = ""
    property_type: str
    property_sub_type: str = ""
    list_price: Decimal | int
    original_list_price: Amount = None
    previous_list_price: Amount = None
    close_price: Amount = None
    close_date: date | None = None
    listing_contract_date: date | None = None
    expiration_date: date | None = None
    price_change_timestamp: datetime | None = None
    status_change_timestamp: datetime | None = None
    original_entry_timestamp: datetime
    modification_timestamp: datetime
    bedrooms_total: int | None = None
    bathrooms_total_integer: int | None = None
    bathrooms_full: int | None = None
    bathrooms_half: int | None = None
    living_area: Amount = None
    lot_size_square_feet: Amount = None
    year_built: int | None = None
    stories_total: int | None = None
    garage_spaces: Amount = None
    association_fee: Amount = None
    association_fee_frequency: str = ""
    tax_annual_amount: Amount = None
    waterfront_yn: bool = False
    pool_private_yn: bool = False
    new_construction_yn: bool = False
    view: str = ""
    heating: str = ""
    cooling: str = ""
    appliances: str = ""
    unparsed_address: str = ""
    unit_number: str = ""
    city: str = ""
    state_or_province: str = ""
    postal_code: str = ""
    county_or_parish: str = ""
    country: str = "US"
    subdivision_name: str = ""
    latitude: Decimal | float | None = None
    longitude: Decimal | float | None = None
    parcel_number: str = ""
    public_remarks: str = ""
    private_remarks: str = ""
    list_agent_id: str | None = None
    list_office_id: str | None = None
    virtual_tour_url_unbranded: str = ""
    internet_entire_listing_display_yn: bool = True
    internet_address_display_yn: bool = True


class MediaRecord(Record, kw_only=True, gc=False):
    model = Media

    media_key: str
    property_id: str
    media_url: str
    media_category: str = "Photo"
    order: int = 0
    short_description: str = ""
    image_width: int | None = None
    image_height: int | None = None
    modification_timestamp: datetime


class OpenHouseRecord(Record, kw_only=True, gc=False):
    model = OpenHouse

    open_house_key: str
    property_id: str
    open_house_start_time: datetime
    open_house_end_time: datetime
    open_house_status: str = "Active"
    open_house_type: str = "Public"
    modification_timestamp: datetime


class HistoryRecord(Record, kw_only=True, gc=False):
    model = ListingHistory

    history_transactional_key: str
    property_id: str
    change_type: str
    field_name: str = ""
    previous_value: str = ""
    new_value: str = ""
    modification_timestamp: datetime


def copy(cursor: CursorWrapper, records: Sequence[Record], table: str = "") -> None:
    """Write records of one kind with a single COPY, into their own table or another like it.

    Raises:
        django.db.Error: a constraint refuses a row; then none of them is written.
    """
    if records:
        kind = type(records[0])
        rows = map(astuple, records)
        copy_rows(cursor, table or kind.table(), kind.columns(), _never_null(kind), rows)


def copy_rows(
    cursor: CursorWrapper,
    table: str,
    columns: Sequence[str],
    never_null: Sequence[str],
    rows: Iterable[Sequence[object]],
) -> None:
    """Write rows of plain values with a single COPY.

    CSV has one spelling for NULL and for an empty text: in a column of `never_null` it is the
    text, in any other it is NULL.
    """
    file = StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows(rows)
    file.seek(0)
    statement = (
        f"COPY {_quoted(table)} ({', '.join(map(_quoted, columns))}) FROM STDIN WITH"
        f" (FORMAT csv, FORCE_NOT_NULL ({', '.join(map(_quoted, never_null))}))"
    )
    with cursor.db.wrap_database_errors:  # Django does so for execute() only
        cursor.copy_expert(statement, file, _PIECE)


def _never_null(kind: type[Record]) -> list[str]:
    return [str(field.column) for field in _fields(kind) if not field.null]


def _fields(kind: type[Record]) -> list[models.Field[Any, Any]]:
    by_name = {field.attname: field for field in kind.model._meta.concrete_fields}
    return [by_name[name] for name in kind.__struct_fields__]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
