"""Which partitions an event concerns: where entries may live that it changes."""

from __future__ import annotations

from collections.abc import Iterable

from invalidation_worker.change_log import Event
from listings.cache import partitions
from listings.models import Agent, ListingHistory, Media, OpenHouse, Property
from listings.shown import SHOWN

Partitions = frozenset[str]

# The column that names the property, in tables that belong to one.
_PROPERTY_COLUMN = {
    Media._meta.db_table: "listing_key",
    OpenHouse._meta.db_table: "listing_key",
    ListingHistory._meta.db_table: "resource_record_key",
}
# Only these are seen in lists; the rest, on the listing's own page alone.
_IN_LISTS = {Property._meta.db_table, Media._meta.db_table}
_KEY = {shown.table: shown.key for shown in SHOWN}


class Undecidable(Exception):
    """An event that this release does not understand; the text says why."""


def decide(events: Iterable[Event]) -> dict[int, Partitions | None]:
    """The partitions that each event concerns, by its id. None: all of them.

    Asks the database, now and on the primary, which listings show a changed agent or office and
    in which city a listing with changed photos is.

    Raises:
        Undecidable: an event has an unknown table, or lacks the columns that name its rows.
    """
    try:
        listings = {event.id: _listings(event) for event in events}
        cities = _cities(event for event in events if event.table == Media._meta.db_table)
        return {event.id: _partitions(event, listings[event.id], cities) for event in events}
    except (KeyError, AttributeError, TypeError) as error:
        raise Undecidable(repr(error)) from error


def _listings(event: Event) -> set[str] | None:
    """The keys of the listings that show what an event changed; None: any."""
    images = event.images()
    if event.table not in _KEY:
        raise Undecidable(f"unknown table {event.table}")
    if not images:
        return None
    if column := _PROPERTY_COLUMN.get(event.table):
        return {image[column] for image in images}
    keys = {image[_KEY[event.table]] for image in images}
    if event.table == Property._meta.db_table:
        return keys
    owner = "list_agent" if event.table == Agent._meta.db_table else "list_office"
    shown_by = Property.objects.filter(**{f"{owner}__in": keys})
    return set(shown_by.values_list("listing_key", flat=True))


def _cities(events: Iterable[Event]) -> dict[str, str]:
    """The city of each listing whose photos have changed."""
    keys = {key for event in events for key in _listings(event) or ()}
    return dict(Property.objects.filter(pk__in=keys).values_list("listing_key", "city_key"))


def _partitions(
    event: Event, listings: set[str] | None, cities: dict[str, str]
) -> Partitions | None:
    if listings is None:
        return None
    concerned = {partitions.of_property(key) for key in listings}
    if event.table in _IN_LISTS:
        concerned.add(partitions.EVERYWHERE)
        if event.table == Property._meta.db_table:
            keys = {image["city_key"] for image in event.images()}
        else:
            keys = {cities[key] for key in listings if key in cities}
        concerned |= {partitions.of_city(key) for key in keys}
    return frozenset(concerned)
