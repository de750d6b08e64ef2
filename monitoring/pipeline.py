"""How the pipeline stands: what waits in the broker, what is in the change log, the horizon.

Asked without patience, in ways that change nothing and count in the cache server as no look-up.
"""

from __future__ import annotations

import select
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg2
from django.db import connection
from psycopg2 import extensions

from listings.cache import totals
from listings.cache.entries import Layer
from listings.cache.store import Store, Switch
from listings.cache.totals import Total
from monitoring.redis_server import Statistics, impatient_client, read_from

QUEUES = ("invalidation", "warming")
# Under these keys kombu's Redis transport keeps a queue: messages of priority 0 under its name,
# others under its name, these two characters and a step (kombu 5.7, `Channel._q_for_pri`).
PRIORITIES = ("", "\x06\x163", "\x06\x166", "\x06\x169")
UNACKNOWLEDGED = "unacked"  # hash of the messages of all queues that workers hold

DATABASE_SECONDS = 0.8  # to connect and to answer
MOST_PENDING = 100_000  # events that are counted: 10 ms
# Names of the worker's tables: the exporter loads none of its code.
_LOG = "invalidation_worker_changeevent"
_CHANGE_LOG = f"""
    SELECT (SELECT count(*) FROM (SELECT FROM {_LOG} LIMIT {MOST_PENDING}) waiting),
        (SELECT extract(epoch FROM logged_at)::float FROM {_LOG} ORDER BY id LIMIT 1),
        (SELECT count(*) FROM invalidation_worker_deadletter)
"""


class DatabaseAwayError(Exception):
    """The database does not answer, or not in time."""


@dataclass(frozen=True, slots=True)
class Broker:
    """What the broker tells of itself, and what waits there."""

    statistics: Statistics
    ready: Mapping[str, int]  # queue → messages that no worker has taken
    unacknowledged: int  # taken and not yet done, of all queues


@dataclass(frozen=True, slots=True)
class ChangeLog:
    """What waits to be applied, and what could not be decided."""

    pending: int  # events; counted up to 100,000
    oldest_at: float | None  # Unix time when the oldest was written; none: nothing waits
    dead_letters: int


@dataclass(frozen=True, slots=True)
class Marks:
    """What the relay keeps in the cache server."""

    horizon: int  # how often it has moved in this run of the server
    off: frozenset[Switch]  # what an operator has switched off
    registries: Mapping[Layer, Total]


def read_broker(url: str) -> Broker:
    """
    Raises:
        redis.RedisError: the broker does not answer in time.
    """
    with impatient_client(url) as client:
        statistics = read_from(client)
        pipe = client.pipeline(transaction=False)
        for queue in QUEUES:
            for priority in PRIORITIES:
                pipe.llen(queue + priority)
        pipe.hlen(UNACKNOWLEDGED)
        *lengths, unacknowledged = pipe.execute()
    each = len(PRIORITIES)
    ready = {queue: sum(lengths[n * each :][:each]) for n, queue in enumerate(QUEUES)}
    return Broker(statistics, ready, unacknowledged)


def read_marks(url: str) -> Marks:
    """
    Raises:
        redis.RedisError: the cache server does not answer in time.
    """
    with impatient_client(url) as client:
        cache = Store(client)
        mark = cache.horizon()
        return Marks(mark.counter, mark.off, totals.read(cache))


def read_change_log() -> ChangeLog:
    """
    Raises:
        DatabaseAwayError: it does not answer in time, or refuses.
    """
    deadline = time.monotonic() + DATABASE_SECONDS
    # The site's own connection would wait for a silent server for ever.
    parameters: dict[str, Any] = connection.get_connection_params()
    try:
        with closing(psycopg2.connect(**parameters, async_=True)) as asked:
            _wait(asked, deadline)
            with asked.cursor() as cursor:
                cursor.execute(_CHANGE_LOG)
                _wait(asked, deadline)
                return ChangeLog(*cursor.fetchone())
    except psycopg2.Error as error:
        raise DatabaseAwayError(str(error).strip().partition("\n")[0]) from error


def _wait(asked: extensions.connection, deadline: float) -> None:
    """Until the answer is there (https://www.psycopg.org/docs/advanced.html)."""
    while (state := asked.poll()) != extensions.POLL_OK:
        left = max(0.0, deadline - time.monotonic())
        reads = [asked] if state == extensions.POLL_READ else []
        writes = [asked] if state == extensions.POLL_WRITE else []
        if not any(select.select(reads, writes, [], left)):
            raise DatabaseAwayError(f"no answer within {DATABASE_SECONDS:g} s")
