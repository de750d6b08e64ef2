"""From events to what they change of listings: every event, of whatever table, is one or more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from invalidation_worker.change_log import Event, Image
from listings.cache import partitions
from listings.models import Agent, ListingHistory, Media, OpenHouse, Property
from listings.shown import COLUMN_SETS, OF_OTHER_TABLES, SHOWN
from listings.vocabulary import MediaCategory

# The column that names the property, in tables that belong to one.
_PROPERTY_COLUMN = {
    Media._meta.db_table: "listing_key",
    OpenHouse._meta.db_table: "listing_key",
    ListingHistory._meta.db_table: "resource_record_key",
}
_MEDIA = Media._meta.db_table
_ORDER = ("order", "media_key")  # of photos; the first is on cards
_SHOWN = {shown.table: shown for shown in SHOWN}
_PROPERTY = _SHOWN[Property._meta.db_table]
_IN_LISTS = COLUMN_SETS["lists"].intersection(_PROPERTY.columns)
_ALL = frozenset(_PROPERTY.columns)

# The columns of a listing that say whose other rows it shows, and with them how it stands. By hand:
# the ORM takes 2 ms to put two questions for it, and a change waits for each answer.
_AGENT, _OFFICE = "list_agent_key", "list_office_key"
_NAMING = (_PROPERTY.key, _AGENT, _OFFICE)
_STANDING = (
    f"SELECT {', '.join(sorted({*_NAMING, *_IN_LISTS}))} FROM {_PROPERTY.table} "
    f"WHERE {' OR '.join(f'{column} = ANY(%s)' for column in _NAMING)}"
)

Photo = tuple[int, str, str]  # its order, its key, its address


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
    def in_lists(self) -> bool:
        """Whether a list can show it, or search by it."""
        return not self.columns.isdisjoint(COLUMN_SETS["lists"])

    @property
    def partitions(self) -> set[str]:
        """Where entries may be that it affects."""
        where = {partitions.of_property(self.key)}
        if self.in_lists:
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
    related: list[Event] = []  # of other rows than those of listings
    try:
        for event in events:
            if event.table not in _SHOWN:
                raise Undecidable(f"unknown table {event.table}")
            if not event.images():
                return None
            if event.table == _PROPERTY.table:
                changes.append(_own(event))
            else:
                related.append(event)
        return changes + (_related(related) if related else [])
    except (KeyError, AttributeError, TypeError) as error:
        raise Undecidable(repr(error)) from error


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
    column, keys = _shown_by(event)
    if column == _PROPERTY.key:
        return keys
    shown_by = Property.objects.filter(**{f"{column.removesuffix('_key')}__in": keys})
    return set(shown_by.values_list("listing_key", flat=True))


def _shown_by(event: Event) -> tuple[str, set[str]]:
    """Which column of listings names those that show what an event of another table has changed,
    and what it has in them.
    """
    if column := _PROPERTY_COLUMN.get(event.table):
        return _PROPERTY.key, {image[column] for image in event.images()}
    keys = {image[_SHOWN[event.table].key] for image in event.images()}
    return _AGENT if event.table == Agent._meta.db_table else _OFFICE, keys


def _related(events: list[Event]) -> list[Change]:
    """What these change of the listings that there are; one that is not there any more has an event
    of its own.
    """
    named: dict[str, dict[str, list[Event]]] = {name: defaultdict(list) for name in _NAMING}
    for event in events:
        column, keys = _shown_by(event)
        for key in keys:
            named[column][key].append(event)
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [list(named[column]) for column in _NAMING])
        columns = [column.name for column in cursor.description]
        images = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    standing = {image[_PROPERTY.key]: image for image in images}
    of = {
        key: sorted(event for column in _NAMING for event in named[column].get(image[column], ()))
        for key, image in standing.items()
    }
    of_media = [key for key, some in of.items() if any(event.table == _MEDIA for event in some)]
    covers = _covers(of_media) if of_media else {}
    return [
        Change(event.id, key, standing[key], standing[key], frozenset(changed))
        for key, some in of.items()
        for event in some
        if (changed := _columns(event, key, covers.get(key)))
    ]


def _columns(event: Event, key: str, cover: tuple[int, str] | None) -> set[str]:
    """What an event of another table changes of a listing, as if these were its columns."""
    column = OF_OTHER_TABLES[event.table]
    if event.table != _MEDIA:
        return {column}
    photos = [_shown_photo(image, key) for image in (event.before, event.after)]
    if photos == [None, None]:
        return set()  # a document, or a floor plan: no page shows it
    return {column, "cover"} if _may_change_cover(photos, cover) else {column}


def _covers(keys: list[str]) -> dict[str, tuple[int, str]]:
    """Where the first photo of each of these listings stands among its photos, now."""
    photos = Media.objects.filter(property__in=keys, media_category=MediaCategory.PHOTO)
    firsts = photos.order_by("property", "order", "media_key").distinct("property")
    return {key: (order, name) for key, order, name in firsts.values_list("property", *_ORDER)}


def _may_change_cover(photos: list[Photo | None], cover: tuple[int, str] | None) -> bool:
    """Whether a listing's first photo may be another one since this event (before, after).

    Only if the photo stood, or stands, no later than the first one does now. Among all events
    since a card was filled, that with the earliest place of all is always seen so: whenever it is
    applied, no photo stands before that place.
    """
    if photos[0] == photos[1]:
        return False
    return cover is None or any(photo[:2] <= cover for photo in photos if photo)


def _shown_photo(image: Image | None, key: str) -> Photo | None:
    """The place and address of a photo of this listing; none: it is not one."""
    if image is None or image["listing_key"] != key:
        return None
    if image["media_category"] != MediaCategory.PHOTO:
        return None
    return image["order"], image["media_key"], image["media_url"]
