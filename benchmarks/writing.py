"""Carrying out the writes of a workload through the ORM, as an application would."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.db.models import QuerySet

from benchmarks.writes import Write
from listings.drawings import photo_url
from listings.models import Agent, ListingHistory, Media, Property
from listings.vocabulary import ChangeType, StandardStatus

Update = Callable[[QuerySet[Property], dict[str, object]], None]

SCENES = ("kitchen", "garden", "study")


def plain_update(rows: QuerySet[Property], values: dict[str, object]) -> None:
    rows.update(**values)


def carry_out(write: Write, update: Update = plain_update) -> None:
    """Make the change in one transaction. `update` is for what is written in bulk."""
    with transaction.atomic():
        match write.kind:
            case "new":
                _create(write)
            case "photos":
                _change_photos(write)
            case "agent":
                agent = Agent.objects.get(pk=write.key)
                _save(agent, write.values)
            case _ if write.values.get("standard_status") == StandardStatus.DELETE:
                Property.objects.get(pk=write.key).delete()
            case _:
                _change(write, update)


def _change(write: Write, update: Update) -> None:
    home = Property.objects.get(pk=write.key)
    _log_past(write, home)
    if write.bulk:
        update(Property.objects.filter(pk=write.key), write.values)
    elif write.kind == "remarks":
        added = str(write.values["public_remarks"])
        _save(home, {"public_remarks": f"{home.public_remarks} {added}"})
    else:
        _save(home, write.values)


def _log_past(write: Write, home: Property) -> None:
    for column, change in (("list_price", "Price Change"), ("standard_status", "")):
        if column in write.values:
            after = str(write.values[column])
            ListingHistory.objects.create(
                history_transactional_key=f"{write.key}-{write.at:%j%H%M%S}",
                property=home,
                change_type=ChangeType(change or after),
                previous_value=str(getattr(home, column)),
                new_value=after,
                modification_timestamp=write.at,
            )


def _create(write: Write) -> None:
    home = Property.objects.get(pk=write.like)
    home.pk = write.key
    home.originating_system_key = write.key
    home._state.adding = True
    _save(home, write.values)
    for order, scene in enumerate(SCENES):
        _add_photo(write.key, f"{write.key}-m{order}", scene, order)


def _change_photos(write: Write) -> None:
    photos = Media.objects.filter(property=write.key).order_by("order", "media_key")
    number, first = write.values["number"], photos.first()
    if write.values["what"] == "more" or first is None:
        _add_photo(write.key, f"{write.key}-n{number}", "garden", 99)
    elif write.values["what"] == "caption":
        _save(first, {"short_description": f"Seen anew {number}"})
    else:
        _save(first, {"media_url": photo_url("kitchen", f"{write.key}-c{number}")})


def _add_photo(listing_key: str, media_key: str, scene: str, order: int) -> None:
    Media.objects.create(
        media_key=media_key,
        property_id=listing_key,
        media_url=photo_url(scene, media_key),
        order=order,
        short_description=scene.capitalize(),
    )


def _save(row: Property | Agent | Media, values: dict[str, object]) -> None:
    for column, value in values.items():
        setattr(row, column, value)
    row.save()
