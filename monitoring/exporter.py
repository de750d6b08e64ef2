"""What servers and pipeline tell Prometheus, asked at each scrape.

Every scrape asks all of them at once and keeps nothing, so what is served is never older than the
scrape, and who is away delays nobody else. What is told of each stands in `exported`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import redis
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from monitoring.exported import BROKER, CHANGE_LOG, MARKS, MEMORY, SERVER
from monitoring.pipeline import (
    Broker,
    DatabaseAwayError,
    read_broker,
    read_change_log,
    read_marks,
)
from monitoring.redis_server import Statistics, read_statistics
from monitoring.series import GAUGE, Series, families

logger = logging.getLogger(__name__)

T = TypeVar("T")

PREFIX = "listings_cache_server_"
MOST_AT_ONCE = 16  # questions under way: those of several scrapes, should a server be silent


@dataclass(frozen=True, slots=True)
class Told(Generic[T]):
    """What one question brought. `value` is none if nobody answered."""

    value: T | None
    seconds: float


class Question(Generic[T]):
    """Something to ask at each scrape. An outage is logged once, and so is its end."""

    def __init__(self, subject: str, read: Callable[[], T]) -> None:
        self._subject = subject
        self._read = read
        self.failure: str | None = None  # why the last scrape got no answer; none: it got one

    def ask(self) -> Told[T]:
        """The answer; whoever is away is given up within a second."""
        started = time.perf_counter()
        value: T | None = None
        try:
            value = self._read()
        except (redis.RedisError, DatabaseAwayError) as error:
            if self.failure is None:  # once, not at each scrape of a long night
                logger.warning("The %s does not answer: %s", self._subject, error)
            self.failure = f"the {self._subject}: {error}"
        else:
            if self.failure is not None:
                logger.warning("The %s answers again", self._subject)
            self.failure = None
        return Told(value, time.perf_counter() - started)


class Exporter(Collector):
    """All of it. While somebody is away, `up` is 0 and what they would tell is absent."""

    def __init__(self, cache_servers: Mapping[str, str], cache_url: str, broker_url: str) -> None:
        """`cache_servers` are those of which statistics are told, name → URL; `cache_url` is the
        one that this site uses.
        """
        self._servers = {
            name: Question(f"cache server {name!r}", partial(read_statistics, url))
            for name, url in cache_servers.items()
        }
        self._marks = Question("cache server of the site", partial(read_marks, cache_url))
        self._broker = Question("broker", partial(read_broker, broker_url))
        self._change_log = Question("database", read_change_log)
        self._pool = ThreadPoolExecutor(MOST_AT_ONCE, "exporter")

    @property
    def failures(self) -> list[str]:
        """Why the last scrape did not get all answers."""
        questions: tuple[Question[Any], ...] = (
            *self._servers.values(),
            self._marks,
            self._broker,
            self._change_log,
        )
        return [question.failure for question in questions if question.failure]

    def collect(self) -> Iterator[Metric]:
        servers = {
            (name,): self._pool.submit(question.ask) for name, question in self._servers.items()
        }
        broker = self._pool.submit(self._broker.ask)
        change_log = self._pool.submit(self._change_log.ask)
        marks = self._pool.submit(self._marks.ask)
        yield from _of_servers({name: answer.result() for name, answer in servers.items()})
        yield from _of_broker(broker.result().value)
        log = change_log.result().value
        yield _up("listings_database_up", "the database", log)
        yield from families("listings_", CHANGE_LOG, _alone(log))
        yield from families("listings_", MARKS, _alone(marks.result().value))


def _of_servers(told: Mapping[tuple[str, ...], Told[Statistics]]) -> Iterator[Metric]:
    about: tuple[Series[Told[Statistics]], ...] = (
        Series("up", GAUGE, "1 if the server answered this scrape.", lambda one: bool(one.value)),
        Series(
            "scrape_duration_seconds",
            GAUGE,
            "Time the server took to answer.",
            lambda one: one.seconds,
        ),
    )
    labels = ("server",)
    answered = {name: one.value for name, one in told.items() if one.value is not None}
    yield from families(PREFIX, about, told, labels)
    yield from families(PREFIX, (*SERVER, *MEMORY), answered, labels)


def _of_broker(told: Broker | None) -> Iterator[Metric]:
    yield _up("listings_broker_up", "the broker", told)
    statistics = None if told is None else told.statistics
    yield from families("listings_broker_", MEMORY, _alone(statistics))
    yield from families("listings_broker_", BROKER, _alone(told))


def _up(name: str, who: str, told: object | None) -> Metric:
    return GAUGE(name, f"1 if {who} answered this scrape, else 0.", value=told is not None)


def _alone(value: T | None) -> dict[tuple[str, ...], T]:
    return {} if value is None else {(): value}
