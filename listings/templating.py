"""The Jinja2 environment of the public pages: what a template may call."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from json import JSONEncoder
from typing import Any
from urllib.parse import quote

from django.templatetags.static import static
from django.urls import reverse
from jinja2 import StrictUndefined
from markupsafe import Markup

from listings.facets import Refinement
from listings.quick_templates import QuickEnvironment, escaped, kept
from listings.rows import Card, Detail, Photo
from listings.search import PropertySearch
from listings.vocabulary import PUBLIC, PropertySubType, PropertyType

STATUS_LABELS = {
    "Active": "For sale",
    "Active Under Contract": "Under contract",
    "Coming Soon": "Coming soon",
    "Closed": "Sold",
}
LEASE_LABELS = {**STATUS_LABELS, "Active": "For rent", "Closed": "Leased"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SQUARE_FEET_PER_ACRE = 43_560

# An address on this site or on an https one. Browsers drop tabs and line breaks and read a
# backslash as a slash, so `/\other.example` would name another site, like `//other.example`.
_IMAGE_ADDRESS = re.compile(r"(https://|/(?![/\\]))[^\s\x00-\x1f]*")
_WEB_ADDRESS = re.compile(r"https?://[^\s\x00-\x1f]+", re.IGNORECASE)


def environment(**options: object) -> QuickEnvironment:
    """Autoescaping on, and a misspelt name is an error instead of an empty string."""
    env = QuickEnvironment(**{**options, "autoescape": True, "undefined": StrictUndefined})  # type: ignore[arg-type]
    env.trim_blocks = env.lstrip_blocks = True
    # What `json.dumps` does with these arguments, but it makes an encoder each time.
    env.policies["json.dumps_function"] = JSONEncoder(sort_keys=True).encode
    env.policies["json.dumps_kwargs"] = {}
    env.globals.update(
        kept=kept,
        select_options=select_options,
        property_sub_types=tuple(PropertySubType.values),
        property_types=tuple(PropertyType.values),
        statuses=tuple(str(status) for status in PUBLIC),
    )
    env.filters.update(
        amount=amount,
        day=day,
        fact=fact,
        detail_address=detail_address,
        image_address=image_address,
        image_addresses=image_addresses,
        instant=instant,
        iso=iso,
        key_facts=key_facts,
        listed=listed,
        lot=lot,
        mail_address=mail_address,
        money=money,
        number=number,
        status_label=status_label,
        refinement=refinement,
        search_address=search_address,
        similar_address=similar_address,
        static=static,
        url=url,
        web_address=web_address,
        with_image=with_image,
        without_empty=without_empty,
    )
    env.tests.update(lease=is_lease)
    return env


def money(amount: Decimal | int) -> str:
    """`$1,250,000`; cents only where there are any."""
    whole = amount == int(amount)
    return f"${amount:,.0f}" if whole else f"${amount:,.2f}"


def number(value: Decimal | int) -> str:
    """`1,250` or `2.5`, without trailing zeros."""
    return f"{int(value):,}" if value == int(value) else f"{value:,.2f}".rstrip("0")


def iso(value: datetime) -> str:
    """`2025-11-03T18:30:00+00:00`, for a `datetime` attribute."""
    return value.isoformat(timespec="seconds")


def day(value: date) -> str:
    """`Nov 3, 2025`, of a date or a moment in UTC."""
    return f"{MONTHS[value.month - 1]} {value.day}, {value.year}"


def instant(value: datetime) -> Markup:
    """A `<time>` element to the minute in UTC; site.js says it in the visitor's time zone."""
    said = f"{value:%A}, {day(value)}, {value:%H:%M} UTC"
    return Markup(f'<time datetime="{iso(value)}">{said}</time>')  # noqa: S704 (dates only)


def url(view_name: str, *arguments: object) -> str:
    """Where a view is.

    A filter, as `static` is, because Jinja applies filters to constants when it compiles a
    template: what needs no arguments is looked up once.
    """
    return reverse(view_name, args=arguments)


def search_address(search: PropertySearch, **changes: object) -> str:
    """Where a search with some fields changed is; defaults are left out of it."""
    query = search.canonical(**changes)
    return f"/listings/?{query}" if query else "/listings/"


def detail_address(listing_key: str) -> str:
    """Where a listing's page is."""
    return _address("property-detail", 1).format(listing_key)


def similar_address(listing: Detail) -> str:
    """Where homes that are similar to a listing with a city are."""
    return _address("similar-homes", 2).format(quote(listing.city_key), listing.listing_key)


@cache
def _address(view_name: str, keys: int) -> str:
    """An address with gaps for keys. `reverse` would take 16 µs each time, and a list needs 24."""
    return reverse(view_name, args=["KEY"] * keys).replace("KEY", "{}")


@lru_cache(maxsize=256)
def select_options(values: tuple[object, ...], chosen: object = "", ending: str = "") -> Markup:
    """The `<option>`s of a select, kept because every list page needs some 60 of them."""
    return Markup("").join(
        Markup('<option value="{0}"{1}>{0}{2}\n').format(
            value, Markup(" selected") if value == chosen else "", ending
        )
        for value in values
    )


def amount(text: str) -> Decimal | None:
    """The amount that a text of the history holds, if it holds one."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if not value.is_finite() or value >= 10**14:
        return None
    # Less than a cent is no amount either, and dividing by it would overflow.
    return value if value == 0 or value >= Decimal("0.01") else None


def lot(square_feet: Decimal) -> str:
    """`7,200 sq ft`, from half an acre `1.25 acres`."""
    if square_feet * 2 < SQUARE_FEET_PER_ACRE:
        return f"{number(square_feet)} sq ft"
    acres = number(round(square_feet / SQUARE_FEET_PER_ACRE, 2))
    return f"{acres} acre" if acres == "1" else f"{acres} acres"


def listed(home: Card | Detail) -> Markup:
    """When a listing was entered. While it is on the market, site.js turns that into an age."""
    entered = home.original_entry_timestamp
    aging = "" if home.standard_status in {"Closed", "Coming Soon"} else " data-age"
    return Markup(  # noqa: S704 (dates only)
        f'<time datetime="{iso(entered)}"{aging}>Listed {day(entered)}</time>'
    )


def fact(value: object, name: str) -> Markup:
    """One fact as a row of a description list; nothing, if the value is not known."""
    return Markup(f"<div><dt>{name}</dt><dd>{escaped(value)}</dd></div>\n" if value else "")  # noqa: S704


def key_facts(home: Card | Detail, with_lot: bool = False) -> Markup:
    """List items: beds, baths and living area as far as they are known, and the size of land.

    Numbers only, so there is nothing to escape; a list page needs 24 of them.
    """
    facts = []
    if home.bedrooms_total:
        facts.append((f"{home.bedrooms_total:d}", "bed" if home.bedrooms_total == 1 else "beds"))
    elif home.bedrooms_total == 0 and home.property_type in {"Residential", "Residential Lease"}:
        facts.append(("Studio", ""))
    if home.bathrooms_total_integer:
        baths = home.bathrooms_total_integer
        facts.append((f"{baths:d}", "bath" if baths == 1 else "baths"))
    if home.living_area:
        facts.append((number(home.living_area), "sq ft"))
    if home.lot_size_square_feet and (with_lot or not home.living_area):
        facts.append((lot(home.lot_size_square_feet), "lot"))
    items = "".join(f"<li><b>{value}</b> {unit}</li>\n" for value, unit in facts)
    return Markup(items)  # noqa: S704


def is_lease(property_type: str) -> bool:
    """Whether prices of this type are by the month."""
    return property_type.endswith(" Lease")


def status_label(standard_status: str, property_type: str = "") -> str:
    """What a visitor calls a status: `For sale`, `Under contract`, `Sold`."""
    labels = LEASE_LABELS if is_lease(property_type) else STATUS_LABELS
    return labels.get(standard_status, standard_status)


def image_address(address: str) -> str:
    """The address if an `<img>` may show it, otherwise the empty text."""
    return address if _IMAGE_ADDRESS.fullmatch(address) else ""


def image_addresses(photos: Iterable[Photo]) -> list[str]:
    """The address of each photo, empty where an `<img>` may not show it."""
    return [image_address(photo.media_url) for photo in photos]


def with_image(photos: Iterable[Photo]) -> list[Photo]:
    """The photos that an `<img>` may show."""
    return [photo for photo in photos if image_address(photo.media_url)]


def refinement(one: Refinement) -> str:
    """What a refinement of a search adds to it: `3+ beds`, `Up to $500,000`, `Land`."""
    if one.field == "bedrooms_min":
        return f"{one.value}+ beds"
    return f"Up to {money(Decimal(one.value))}" if one.field == "list_price_max" else one.value


def mail_address(email: str) -> str:
    """What stands behind `mailto:`."""
    return quote(email, safe="/@")


def web_address(address: str) -> str:
    """The address if it is http or https, otherwise the empty text: never `javascript:`."""
    return address if _WEB_ADDRESS.fullmatch(address) else ""


def without_empty(value: dict[str, Any]) -> dict[str, Any]:
    """The same dicts within dicts without members that are None or empty, for structured data."""
    filled = {}
    for name, member in value.items():
        cleaned = without_empty(member) if type(member) is dict else member
        if cleaned not in (None, "", {}, []):
            filled[name] = cleaned
    return filled
