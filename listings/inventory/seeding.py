"""Writes a made-up inventory into the tables, in chunks that are whole or absent.

Each chunk is one transaction of few large COPY statements, and skips listings that are there
already, so that an interrupted seeding is completed by doing it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import datetime
from itertools import chain

from django.db import connection, transaction

from listings.inventory.listing import listing, listing_key
from listings.inventory.people import Staff, staff
from listings.models import Agent, Office, Property
from listings.records import AgentRecord, OfficeRecord, Record, copy

CHUNK = 2_000  # listings: about 4 MB of text and a second of one core

Progress = Callable[[int], None]


def seed(count: int, seed: int, anchor: datetime, jobs: int, progress: Progress) -> int:
    """Add what is missing of the inventory, and tell how many listings that was.

    `jobs` chunks are written at the same time, each on a connection of its own; one job uses the
    caller's connection. `progress` is told of listings as they become visible, those that were
    there included.

    Raises:
        django.db.Error: the database refuses a chunk, of which nothing is then written.
    """
    people = staff(seed, count, anchor)
    _employ(people)

    def write(numbers: range) -> int:
        return _write(numbers, seed, people, anchor)

    chunks = [range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
    added = 0
    with _each(write, chunks, jobs) as finished:
        for numbers, written in finished:
            added += written
            progress(len(numbers))
    if added:
        _analyze()
    return added


def _write(numbers: range, seed: int, people: Staff, anchor: datetime) -> int:
    keys = {listing_key(seed, number): number for number in numbers}
    there = Property.objects.filter(listing_key__in=keys).values_list("listing_key", flat=True)
    for key in there:
        del keys[key]
    if not keys:
        return 0
    made = [listing(seed, number, people, anchor) for number in keys.values()]
    tables: tuple[Sequence[Record], ...] = (
        [one.property for one in made],
        list(chain.from_iterable(one.media for one in made)),
        list(chain.from_iterable(one.open_houses for one in made)),
        list(chain.from_iterable(one.history for one in made)),
    )
    _copy_all(tables)
    return len(made)


def _employ(people: Staff) -> None:
    offices = set(Office.objects.values_list("office_key", flat=True))
    agents = set(Agent.objects.values_list("member_key", flat=True))
    new_offices: list[OfficeRecord] = [o for o in people.offices if o.office_key not in offices]
    new_agents: list[AgentRecord] = [a for a in people.agents if a.member_key not in agents]
    if new_offices or new_agents:
        _copy_all((new_offices, new_agents))


def _copy_all(tables: Iterable[Sequence[Record]]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for records in tables:
            copy(cursor, records)


@contextmanager
def _each(
    write: Callable[[range], int], chunks: list[range], jobs: int
) -> Iterator[Iterator[tuple[range, int]]]:
    """The chunks with what writing each gave, as they finish. None is begun after an error."""
    if jobs == 1:
        yield ((numbers, write(numbers)) for numbers in chunks)
        return

    # PostgreSQL works while Python makes the next chunk: a COPY waits without the interpreter lock.
    with ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(_with_own_connection, write, numbers): numbers for numbers in chunks}
        try:
            yield ((futures[done], done.result()) for done in as_completed(futures))
        finally:
            pool.shutdown(cancel_futures=True)


def _with_own_connection(write: Callable[[range], int], numbers: range) -> int:
    try:
        return write(numbers)
    finally:
        connection.close()


def _analyze() -> None:
    """Plans made before autovacuum comes by would be those of an empty table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "ANALYZE listings_property, listings_media, listings_openhouse, listings_listinghistory"
        )
