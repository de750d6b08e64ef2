"""How much visitors want each page: what is worth filling before anybody asks.

A read counts 1 and fades with a half-life of an hour; a page is wanted while its score is at
least one half. Kept is only the moment at which that ends. A page that is read once is wanted
for an hour, and each doubling of its reads adds an hour. So nothing has to fade in the database:
the order of these moments is the order of the scores, at any time, and reads that come later are
added to a moment as they would be to a score (forward decay: Cormode, Shkapenyuk, Srivastava and
Xu, "Forward Decay: A Practical Time Decay Model for Streaming Systems", ICDE 2009).

Who answers a visitor calls `note`, which only puts the page on a list; the near cache counts its
hits itself. A thread of each web process counts the list and adds all of it to the database every
two seconds, in one statement. Losing the last two seconds of a process that dies is accepted.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import close_old_connections, connection

from listings.cache.near import near
from listings.models import PagePopularity

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 2.0
FORGET_SECONDS = 300.0
MOST_NOTED = 100_000  # reads between two flushes; of more, the oldest are lost
MOST_COUNTED = 20_000  # different pages in one process, while the database is away
MOST_KEPT = 100_000  # rows: 30 MB with their index
# Characters of arguments; nobody asks twice for a search this long. An index could not hold 2,700.
LONGEST = 500

# A page that was read once may never be read again, and most are: to fill it each time that it is
# dropped costs more than it saves. What was read twice within the last half hour is worth it.
WORTH_FILLING = timedelta(hours=math.log2(2 * 1.5))  # wanted for so long: a score of 1.5

PageKey = tuple[str, str]  # the name of a page, and its arguments in canonical form

_TABLE = PagePopularity._meta.db_table
# Sorted, so that two processes never wait for each other's rows in opposite orders. The exponent
# is bounded, because PostgreSQL takes an underflow for an error.
_ADD = f"""
    INSERT INTO {_TABLE} AS kept (name, arguments, wanted_until)
    SELECT name, arguments, now() + (1 + ln(reads) / ln(2)) * interval '1 hour'
    FROM unnest(%s::text[], %s::text[], %s::float8[]) AS noted (name, arguments, reads)
    ORDER BY name, arguments
    ON CONFLICT (name, arguments) DO UPDATE SET
        wanted_until = excluded.wanted_until + interval '1 hour' * ln(1 + power(2, least(60,
            greatest(-60, extract(epoch FROM kept.wanted_until - excluded.wanted_until) / 3600)
        )::float8)) / ln(2)
"""
_WANTED = f"""
    SELECT name, arguments, wanted_until
    FROM {_TABLE} JOIN unnest(%s::text[], %s::text[]) AS asked (name, arguments)
        USING (name, arguments)
    WHERE wanted_until > now()
"""
# SKIP LOCKED: what is being added to is wanted, and must not be waited for.
_FORGET = f"""
    DELETE FROM {_TABLE} WHERE (name, arguments) IN (
        SELECT name, arguments FROM {_TABLE}
        WHERE wanted_until < greatest(now(), (
            SELECT wanted_until FROM {_TABLE} ORDER BY wanted_until DESC OFFSET %s LIMIT 1
        ))
        FOR UPDATE SKIP LOCKED
    )
"""

# Appending is safe from any thread and costs a fifth of counting under a lock.
_noted: deque[PageKey] = deque(maxlen=MOST_NOTED)
_reads: dict[PageKey, int] = {}  # counted, and not yet in the database


def note(name: str, arguments: str) -> None:
    """Count one visitor's read of a page that there is, hit or miss."""
    _noted.append((name, arguments))


def keep_flushing() -> None:
    """Start this process's thread that adds what is noted to the database, now and then."""
    threading.Thread(target=_keep_flushing, name="popularity", daemon=True).start()


def flush() -> None:
    """Add what was noted since the last flush to the database. For one thread at a time.

    Raises:
        django.db.Error: the database refuses; nothing is lost, it is added next time.
    """
    _count()
    if not _reads:
        return
    names, arguments = zip(*_reads, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [list(names), list(arguments), list(_reads.values())])
    _reads.clear()


def forget() -> int:
    """Remove the pages that nobody wants any more, and the least wanted beyond 100,000.

    Returns how many. Raises `django.db.Error`.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [MOST_KEPT - 1])
        return int(cursor.rowcount)


def wanted(pages: Collection[PageKey]) -> dict[PageKey, datetime]:
    """Those of these pages that visitors want, and until when: the later, the more wanted.

    Asks the database once, and not at all about no pages. Raises `django.db.Error`.
    """
    if not pages:
        return {}
    names, arguments = zip(*pages, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_WANTED, [list(names), list(arguments)])
        return {(name, text): until for name, text, until in cursor.fetchall()}


def most_wanted(number: int) -> list[PageKey]:
    """Up to so many pages that visitors want, the most wanted first. Raises `django.db.Error`."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT name, arguments FROM {_TABLE} WHERE wanted_until > now() "
            "ORDER BY wanted_until DESC, name, arguments LIMIT %s",
            [number],
        )
        return [(name, arguments) for name, arguments in cursor.fetchall()]


def _count() -> None:
    for _ in range(len(_noted)):
        _add(_noted.popleft(), 1)
    for page, reads in near.harvest():
        _add(page, reads)


def _add(page: PageKey, reads: int) -> None:
    if page in _reads:
        _reads[page] += reads
    elif len(_reads) < MOST_COUNTED and len(page[1]) <= LONGEST:
        _reads[page] = reads


def _keep_flushing() -> None:
    forget_at = time.monotonic()
    failing = False
    while True:
        time.sleep(FLUSH_SECONDS)
        try:
            close_old_connections()
            flush()
            if time.monotonic() >= forget_at:
                forget()
                forget_at = time.monotonic() + FORGET_SECONDS
            failing = False
        except Exception as error:  # noqa: BLE001 - the thread is the only one that adds them
            # Once per outage. The reads wait for the database.
            level = logging.DEBUG if failing else logging.WARNING
            logger.log(level, "reads of pages are not added, trying again: %r", error)
            failing = True
