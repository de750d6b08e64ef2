"""Writes a made-up inventory into the tables.

An empty table is filled in one transaction, without indexes, which is twice as fast; that is
whole or absent. Beyond `LARGEST_FILL`, and where there are listings already, each chunk is a
transaction of its own and skips what is there, so that an interrupted seeding is completed by
doing it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from listings.copying import MODELS, copy, copy_csv
from listings.inventory.bare_tables import bare
from listings.inventory.batch import Batch, Inventory
from listings.inventory.listing import listing_key
from listings.inventory.makers import Make, makers
from listings.inventory.people import Staff
from listings.models import Agent, Office, Property
from listings.records import (
    AgentRecord,
    HistoryRecord,
    MediaRecord,
    OfficeRecord,
    OpenHouseRecord,
    PropertyRecord,
)
from listings.shown import LOG_WHOLE_TABLES

CHUNK = 1_000  # listings: about 2 MB of text, and a fifth of a second of one core
LARGEST_FILL = 200_000  # listings: what an interruption may cost is less than a minute

_TABLES = tuple(
    MODELS[kind]._meta.db_table
    for kind in (PropertyRecord, MediaRecord, OpenHouseRecord, HistoryRecord)
)

Progress = Callable[[int], None]


def seed(count: int, seed: int, anchor: datetime, jobs: int, progress: Progress) -> int:
    """Add what is missing of the inventory, and tell how many listings that was.

    `jobs` processes make listings while the caller's connection writes them; one job is the
    caller's own process. `progress` is told of listings as they are written, those that were
    there included.

    Raises:
        django.db.Error: the database refuses a chunk, of which nothing is then written.
        MakerEndedError: somebody has ended a process that makes listings.
    """
    inventory = Inventory(seed, count, anchor)
    with makers(inventory, jobs) as make:
        at_once = 0 if Property.objects.exists() else min(count, LARGEST_FILL)
        _employ(inventory.staff(), from_nothing=at_once > 0)
        added = _fill(make, range(at_once), progress) if at_once else 0
        added += _complete(make, seed, range(at_once, count), progress, from_nothing=at_once > 0)
    if added:
        _analyze()
    return added


def _fill(make: Make, numbers: range, progress: Progress) -> int:
    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        _logged(cursor, from_nothing=True),
        bare(cursor, _TABLES),
    ):
        for batch in make(_chunks(numbers)):
            _write(cursor, batch)
            progress(batch.listings)
    return len(numbers)


@contextmanager
def _logged(cursor: CursorWrapper, from_nothing: bool) -> Iterator[None]:
    """Changes of whole tables where there was nothing: no cache holds anything of an inventory that
    was empty just now, or else all of it is wrong, and a million listings are four million rows.
    """
    if from_nothing:
        cursor.execute(f"SET LOCAL {LOG_WHOLE_TABLES} = 'on'")
    yield
    if from_nothing:
        cursor.execute(f"SET LOCAL {LOG_WHOLE_TABLES} = 'off'")  # the caller's transaction goes on


def _complete(
    make: Make, seed: int, numbers: range, progress: Progress, *, from_nothing: bool
) -> int:
    def missing() -> Iterator[Sequence[int]]:
        for chunk in _chunks(numbers):
            lacking = _missing(seed, chunk)
            progress(len(chunk) - len(lacking))
            if lacking:
                yield lacking

    added = 0
    for batch in make(missing()):
        with transaction.atomic(), connection.cursor() as cursor, _logged(cursor, from_nothing):
            _write(cursor, batch)
        added += batch.listings
        progress(batch.listings)
    return added


def _chunks(numbers: range) -> Iterator[range]:
    return (numbers[start : start + CHUNK] for start in range(0, len(numbers), CHUNK))


def _missing(seed: int, numbers: Sequence[int]) -> list[int]:
    keys = {listing_key(seed, number): number for number in numbers}
    there = Property.objects.filter(listing_key__in=keys).values_list("listing_key", flat=True)
    for key in there:
        del keys[key]
    return list(keys.values())


def _write(cursor: CursorWrapper, batch: Batch) -> None:
    for kind, rows in batch.rows:
        copy_csv(cursor, kind, rows)


def _employ(people: Staff, *, from_nothing: bool) -> None:
    offices = set(Office.objects.values_list("office_key", flat=True))
    agents = set(Agent.objects.values_list("member_key", flat=True))
    new_offices: list[OfficeRecord] = [o for o in people.offices if o.office_key not in offices]
    new_agents: list[AgentRecord] = [a for a in people.agents if a.member_key not in agents]
    with transaction.atomic(), connection.cursor() as cursor, _logged(cursor, from_nothing):
        copy(cursor, new_offices)
        copy(cursor, new_agents)


def _analyze() -> None:
    """Plans made before autovacuum comes by would be those of an empty table.

    Whole tables, for what indexes compute is not looked at for some columns alone.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(_TABLES)}")
