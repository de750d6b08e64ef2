"""How cache and pipeline stand at this moment, for a person or a program that asks once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import msgspec
import redis
from django.conf import settings

from listings.cache import counters
from listings.cache.counters import Outcome
from listings.cache.totals import Total
from monitoring.hit_ratio import Reading, hit_ratio, read_in_words
from monitoring.pipeline import (
    DatabaseAwayError,
    read_broker,
    read_change_log,
    read_marks,
)
from monitoring.redis_server import read_statistics

T = TypeVar("T")


class Tally(msgspec.Struct, frozen=True):
    """The look-ups of a server or a layer. What was not looked up is no part of the ratio."""

    hits: int
    misses: int
    hit_ratio: float | None  # 0 to 1; null: nothing was looked up
    reading: Reading


class LayerTally(Tally, frozen=True):
    """`stored` and `unstored` are the misses; `bypass` and `error` never looked anything up."""

    stored: int
    unstored: int
    bypass: int
    error: int
    entries: int  # live or being filled, as of the last sweep, which the relay makes
    registry_bytes: int  # of their descriptors


class Pipeline(msgspec.Struct, frozen=True):
    """From a change to the cache. null: who would know is away."""

    pending_events: int | None  # in the change log, counted up to 100,000
    oldest_event_seconds: float | None  # that it has waited; null, too, when none waits
    dead_letters: int | None
    ready_messages: dict[str, int] | None  # by queue
    unacknowledged_messages: int | None
    horizon: int  # how often it has moved in this run of the cache server


class Report(msgspec.Struct, frozen=True):
    """What `cache_stats --json` prints."""

    server: Tally  # since it started
    near: Tally  # of all web processes, since the cache was flushed
    layers: dict[str, LayerTally]  # since the cache was flushed
    pipeline: Pipeline


def read_report() -> Report:
    """
    Raises:
        redis.RedisError: the cache server does not answer.
    """
    # In this order: the layers' totals are a key too, and reading them is a hit or a miss.
    server = read_statistics(settings.CACHE_URL)
    marks = read_marks(settings.CACHE_URL)
    layers = {
        layer.value: _layer_tally(outcomes, marks.registries[layer])
        for layer, outcomes in counters.totals().items()
    }
    near = _tally(*counters.near_totals())
    server_tally = _tally(server.keyspace_hits, server.keyspace_misses)
    return Report(server_tally, near, layers, _pipeline(marks.horizon))


def _pipeline(horizon: int) -> Pipeline:
    broker = _unless_away(lambda: read_broker(settings.BROKER_URL))
    log = _unless_away(read_change_log)
    oldest_at = log.oldest_at if log else None
    return Pipeline(
        pending_events=log.pending if log else None,
        oldest_event_seconds=None if oldest_at is None else max(0.0, time.time() - oldest_at),
        dead_letters=log.dead_letters if log else None,
        ready_messages=dict(broker.ready) if broker else None,
        unacknowledged_messages=broker.unacknowledged if broker else None,
        horizon=horizon,
    )


def _unless_away(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except (redis.RedisError, DatabaseAwayError):
        return None


def _tally(hits: int, misses: int) -> Tally:
    return Tally(hits, misses, hit_ratio(hits, misses), read_in_words(hits, misses))


def _layer_tally(outcomes: dict[Outcome, int], total: Total) -> LayerTally:
    hits = outcomes[Outcome.HIT] + outcomes[Outcome.STALE]
    misses = outcomes[Outcome.STORED] + outcomes[Outcome.UNSTORED]
    return LayerTally(
        hits=hits,
        misses=misses,
        hit_ratio=hit_ratio(hits, misses),
        reading=read_in_words(hits, misses),
        stored=outcomes[Outcome.STORED],
        unstored=outcomes[Outcome.UNSTORED],
        bypass=outcomes[Outcome.BYPASS],
        error=outcomes[Outcome.ERROR],
        entries=total.entries,
        registry_bytes=total.bytes,
    )
