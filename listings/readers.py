"""Readers of parameters: each takes a text, and raises ValueError with what is allowed instead."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from listings.places import city_key

LONGEST_CITY = 50  # characters, as in the column


def one_of(values: tuple[str, ...] | list[str]) -> Callable[[str], str]:
    """A reader that takes one of these, whatever its case."""
    by_folded = {value.casefold(): value for value in values}

    def read(raw: str) -> str:
        value = by_folded.get(raw.casefold())
        if value is None:
            raise ValueError(f"must be one of {', '.join(values)}")
        return value

    return read


def whole(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers within these bounds."""

    def read(raw: str) -> int:
        # isdecimal alone would let other scripts' digits through; int() alone, signs and spaces,
        # and it takes its time over a thousand digits.
        digits = raw.isascii() and raw.isdecimal() and len(raw) <= 12
        if not digits or not least <= int(raw) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(raw)

    return read


def price(raw: str) -> Decimal:
    """An amount, with or without a dollar sign and commas."""
    try:
        amount = Decimal(raw.replace(",", "").removeprefix("$") if raw.isascii() else "NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= 10**12 or amount != (cents := _cents(amount)):
        raise ValueError("must be an amount from 0 to 1000000000000, with at most two decimals")
    # One spelling for one amount: 5E+5, 500000.00 and 500000 are the same search.
    return abs(cents.quantize(Decimal(1)) if cents == int(cents) else cents)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


def city(raw: str) -> str:
    """The key of a city."""
    key = city_key(raw)
    if not key or len(raw) > LONGEST_CITY:
        raise ValueError(f"must be the name of a city, of at most {LONGEST_CITY} characters")
    return key


def text(longest: int) -> Callable[[str], str]:
    """A reader of texts of so many characters at most, with single spaces."""

    def read(raw: str) -> str:
        value = " ".join(raw.split())
        if len(value) > longest or "\x00" in value:
            raise ValueError(f"must be a text of at most {longest} characters")
        return value

    return read
