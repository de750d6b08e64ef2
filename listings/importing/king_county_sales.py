"""Rows of the King County sales: what each column may hold.

Source of the columns' meaning: King County Department of Assessments, glossary of terms for
residential buildings.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from msgspec import Struct

from listings.importing.king_county_places import CITY_BY_ZIP_CODE
from listings.importing.reading import BadRow

T = TypeVar("T")

_DECIMALS = 8  # as many as any column of ours keeps

FIELDS = tuple(
    "id date price bedrooms bathrooms sqft_living sqft_lot floors waterfront view condition grade "
    "sqft_above sqft_basement yr_built yr_renovated zipcode lat long".split()
)


class Sale(Struct, frozen=True):
    """One row, checked. Areas are in square feet, `price` in dollars."""

    parcel: str
    sold: datetime
    price: Decimal
    bedrooms: int
    bathrooms: Decimal  # quarters: 2.25 is two full ones and a part of one
    living_area: int
    lot: int
    floors: Decimal  # halves
    waterfront: bool
    view: int  # 0 none to 4 best
    condition: int  # 1 to 5
    grade: int  # 1 to 13
    above: int
    basement: int
    built: int
    renovated: int  # 0: never
    zip_code: str
    latitude: Decimal
    longitude: Decimal


def parse(row: dict[str, str]) -> Sale:
    """The sale that a row tells of.

    Raises:
        BadRow: naming the column and what is wrong with it.
    """

    def read(name: str, reader: Callable[[str], T]) -> T:
        raw = row[name].strip()
        try:
            return reader(raw)
        except ValueError as error:
            raise BadRow(f"{name} {raw!r} {error}") from error

    return Sale(
        parcel=read("id", _parcel),
        sold=read("date", _date),
        price=read("price", _decimal(0, 10**11)),
        bedrooms=read("bedrooms", _whole(0, 999)),
        bathrooms=read("bathrooms", _decimal(0, 999)),
        living_area=read("sqft_living", _whole(0, 10**9)),
        lot=read("sqft_lot", _whole(0, 10**11)),
        floors=read("floors", _decimal(0, 999)),
        waterfront=bool(read("waterfront", _whole(0, 1))),
        view=read("view", _whole(0, 4)),
        condition=read("condition", _whole(1, 5)),
        grade=read("grade", _whole(1, 13)),
        above=read("sqft_above", _whole(0, 10**9)),
        basement=read("sqft_basement", _whole(0, 10**9)),
        built=read("yr_built", _whole(1600, 2200)),
        renovated=read("yr_renovated", _whole(0, 2200)),
        zip_code=read("zipcode", _zip_code),
        latitude=read("lat", _decimal(-90, 90)),
        longitude=read("long", _decimal(-180, 180)),
    )


def _parcel(raw: str) -> str:
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= 20):
        raise ValueError("is not a parcel number")
    return raw.zfill(10)  # spreadsheets drop the zeros at the front


def _date(raw: str) -> datetime:
    try:
        day = datetime.strptime(raw + "+0000", "%Y%m%dT%H%M%S%z")
    except ValueError:
        raise ValueError("is not a date such as 20141013T000000") from None
    if not 1800 <= day.year <= 2200:
        raise ValueError("is not in the years 1800 to 2200")
    return day.astimezone(UTC)


def _zip_code(raw: str) -> str:
    if raw not in CITY_BY_ZIP_CODE:
        raise ValueError("is not a ZIP code of King County")
    return raw


def _whole(least: int, most: int) -> Callable[[str], int]:
    exact = _decimal(least, most)

    def read(raw: str) -> int:
        number = exact(raw)
        if number != int(number):
            raise ValueError("is not a whole number")
        return int(number)

    return read


def _decimal(least: int, most: int) -> Callable[[str], Decimal]:
    def read(raw: str) -> Decimal:
        try:
            number = Decimal(raw)
        except InvalidOperation:
            raise ValueError("is not a number") from None
        if not number.is_finite() or not raw.isascii() or "_" in raw:
            raise ValueError("is not a number")  # Python would take 1_000 and ١٢٣
        if not least <= number <= most:
            raise ValueError(f"is not from {least} to {most}")
        # 1.00075e+006 is how some rows spell a million.
        whole = number == number.to_integral()
        return number.quantize(Decimal(1)) if whole else round(number, _DECIMALS)

    return read
