"""From events to what they change of listings: every event, of whatever table, is one or more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from invalidation_worker.change_log import Event, Image
from listings.cache import partitions
from listings.models import Agent, ListingHistory, Media, OpenHouse, Property
from listings.shown import COLUMN_SETS, OF_OTHER_TABLES, SHOWN

# The column that names the property, in tables that belong to one.
_PROPERTY_COLUMN = {
    Media._meta.db_table: "listing_key",
    OpenHouse._meta.db_table: "listing_key",
    ListingHistory._meta.db_table: "resource_record_key",
}
_SHOWN = {shown.table: shown for shown in SHOWN}
_PROPERTY = _SHOWN[Property._meta.db_table]
_IN_LISTS = COLUMN_SETS["lists"].intersection(_PROPERTY.columns)
_ALL = frozenset(_PROPERTY.columns)


class Undecidable(Exception):
    """An event that this release does not understand; the text says why."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one event changed of one listing, as far as pages can show it."""

    event: int
    key: str
    before: Image | None  # none: the listing was not there
    after: Image | None
    columns: frozenset[str]  # those that differ; all of them if the listing came or went

    @property
    def partitions(self) -> set[str]:
        """Where entries may be that it affects."""
        where = {partitions.of_property(self.key)}
        if not self.columns.isdisjoint(COLUMN_SETS["lists"]):
            where.add(partitions.EVERYWHERE)
            images = (image for image in (self.before, self.after) if image is not None)
            where |= {partitions.of_city(image["city_key"]) for image in images}
        return where


def decide(events: Iterable[Event]) -> list[Change] | None:
    """The changes that these events make. None: some table has changed as a whole.

    Asks the database, now and on the primary, which listings show a changed agent, office, photo,
    open house or past change, and how these listings stand.

    Raises:
        Undecidable: an event has an unknown table, or lacks the columns that name its rows.
    """
    changes: list[Change] = []
    related: dict[tuple[str, str], list[int]] = defaultdict(list)  # (listing, column) → events
    try:
        for event in events:
            if event.table not in _SHOWN:
                raise Undecidable(f"unknown table {event.table}")
            if not event.images():
                return None
            if event.table == _PROPERTY.table:
                changes.append(_own(event))
            else:
                for key in _listings(event):
                    related[key, OF_OTHER_TABLES[event.table]].append(event.id)
    except (KeyError, AttributeError, TypeError) as error:
        raise Undecidable(repr(error)) from error
    return changes + list(_related(related))


def whereabouts(event: Event) -> dict[str, set[str]] | None:
    """The listings that an undecidable event is about: key → the cities in which they were and
    are. None: it does not say, or its table is not known.
    """
    if event.table not in _SHOWN or not event.images():
        return None
    found: dict[str, set[str]] = defaultdict(set)
    try:
        if event.table == _PROPERTY.table:
            pairs = [(image["listing_key"], image["city_key"]) for image in event.images()]
        else:
            keys = _listings(event)
            pairs = [(key, "") for key in keys]
            pairs += Property.objects.filter(pk__in=keys).values_list("pk", "city_key")
    except (KeyError, AttributeError, TypeError):
        return None
    for key, city_key in pairs:
        if not (isinstance(key, str) and isinstance(city_key, str)):
            return None
        found[key].add(city_key)
    return found


def _own(event: Event) -> Change:
    before, after = event.before, event.after
    columns = _ALL
    if before is not None and after is not None:
        columns = frozenset(name for name in _ALL if before[name] != after[name])
    key = (after or before or {})["listing_key"]
    return Change(event.id, key, before, after, columns)


def _listings(event: Event) -> set[str]:
    """The keys of the listings that show what an event of another table has changed."""
    if column := _PROPERTY_COLUMN.get(event.table):
        return {image[column] for image in event.images()}
    keys = {image[_SHOWN[event.table].key] for image in event.images()}
    owner = "list_agent" if event.table == Agent._meta.db_table else "list_office"
    shown_by = Property.objects.filter(**{f"{owner}__in": keys})
    return set(shown_by.values_list("listing_key", flat=True))


def _related(related: dict[tuple[str, str], list[int]]) -> Iterable[Change]:
    """A listing that is not there any more has an event of its own."""
    rows = Property.objects.filter(pk__in={key for key, _ in related})
    images = {row["listing_key"]: row for row in rows.values(_PROPERTY.key, *_IN_LISTS)}
    for (key, column), events in related.items():
        if image := images.get(key):
            for event in events:
                yield Change(event, key, image, image, frozenset({column}))
