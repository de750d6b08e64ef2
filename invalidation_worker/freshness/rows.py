"""Database rows of the audited listings, made from what is true of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from invalidation_worker.freshness.truth import Home
from listings.models import Media, OpenHouse, Property

SYSTEM = "Freshness audit"  # the originating system of every audited listing

_COLUMNS = {
    "city": "city",
    "price": "list_price",
    "remarks": "public_remarks",
    "status": "standard_status",
    "displayed": "internet_entire_listing_display_yn",
    "agent": "list_agent_id",
    "office": "list_office_id",
}


def columns(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes of a `Home`, as changes of its row."""
    return {_COLUMNS[name]: value for name, value in changes.items()}


def row(home: Home) -> Property:
    return Property(
        listing_key=home.key,
        originating_system_name=SYSTEM,
        originating_system_key=home.key,
        original_entry_timestamp=home.entered,
        unparsed_address=f"{home.key} Audit Street",
        state_or_province="WA",
        postal_code="00000",
        **columns({name: getattr(home, name) for name in _COLUMNS}),
    )


def photo_row(home: Home, order: int) -> Media:
    """The row of one of its photos. Its key is the picture's, which never comes twice."""
    url = home.photos[order]
    key = url.rpartition("/")[2].removesuffix(".svg")
    return Media(media_key=key, property_id=home.key, media_url=url, order=order)


def visit_row(home: Home, start: datetime) -> OpenHouse:
    return OpenHouse(
        open_house_key=f"{home.key}-{start:%Y%m%d%H%M}",
        property_id=home.key,
        open_house_start_time=start,
        open_house_end_time=start + timedelta(hours=2),
    )


def insert_related(homes: Iterable[Home]) -> None:
    """The photos and open houses of listings that have none."""
    for home in homes:
        Media.objects.bulk_create(photo_row(home, order) for order in range(len(home.photos)))
        OpenHouse.objects.bulk_create(visit_row(home, start) for start in home.visits)
