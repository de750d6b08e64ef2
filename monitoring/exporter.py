"""The cache server's own statistics for Prometheus.

Every scrape asks the server once and keeps nothing, so what is served is never older than the
scrape. The names end as the fields of Redis' `INFO` do (`keyspace_hits`, `evicted_keys`), which
operators know from there and from other exporters; the prefix tells the two apart, should both be
scraped. Units are Prometheus' base units, and counters end in `_total`.

A look-up that the server counts is an entry asked for: the engine asks everything else in ways
that do not count. The hit ratio here is that of the server's whole life; a panel for "now" is
`rate(hits) / (rate(hits) + rate(misses))`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import redis
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitoring.hit_ratio import hit_ratio
from monitoring.redis_server import Statistics, read_statistics

PREFIX = "listings_cache_server_"

logger = logging.getLogger(__name__)

Family = type[CounterMetricFamily] | type[GaugeMetricFamily]


@dataclass(frozen=True, slots=True)
class Series:
    """One exported number. Where `value` is None, the series is absent."""

    name: str  # without prefix, and without a counter's `_total`
    family: Family
    meaning: str
    value: Callable[[Statistics], float | None]


SERIES = (
    Series(
        "keyspace_hits",
        CounterMetricFamily,
        "Look-ups that found a key.",
        lambda server: server.keyspace_hits,
    ),
    Series(
        "keyspace_misses",
        CounterMetricFamily,
        "Look-ups that found no key.",
        lambda server: server.keyspace_misses,
    ),
    Series(
        "hit_ratio",
        GaugeMetricFamily,
        "Hits among all look-ups since the server started, 0 to 1; absent before the first one.",
        lambda server: hit_ratio(server.keyspace_hits, server.keyspace_misses),
    ),
    Series(
        "evicted_keys",
        CounterMetricFamily,
        "Keys removed early because memory was full.",
        lambda server: server.evicted_keys,
    ),
    Series(
        "expired_keys",
        CounterMetricFamily,
        "Keys removed at the end of their life.",
        lambda server: server.expired_keys,
    ),
    Series("keys", GaugeMetricFamily, "Keys in all databases.", lambda server: server.keys),
    Series(
        "connected_clients",
        GaugeMetricFamily,
        "Open connections, the exporter's own among them.",
        lambda server: server.connected_clients,
    ),
    Series(
        "memory_used_bytes",
        GaugeMetricFamily,
        "Memory that the server has allocated.",
        lambda server: server.memory_used_bytes,
    ),
    Series(
        "memory_max_bytes",
        GaugeMetricFamily,
        "Memory that the server may allocate; absent without a limit.",
        lambda server: server.memory_max_bytes,
    ),
    Series(
        "uptime_seconds",
        GaugeMetricFamily,
        "Time since the server started.",
        lambda server: server.uptime_seconds,
    ),
)


class CacheServerCollector(Collector):
    """Asks the server at each scrape. While it is away, `up` is 0 and what it tells is absent."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.failure: str | None = None  # why the last scrape failed; None: it did not

    def collect(self) -> Iterator[Metric]:
        started = time.perf_counter()
        statistics = self._ask()
        seconds = time.perf_counter() - started
        yield _gauge("up", "1 if the cache server answered this scrape, else 0.", bool(statistics))
        yield _gauge("scrape_duration_seconds", "Time the server took to answer.", seconds)
        if statistics:
            yield from _families(statistics)

    def _ask(self) -> Statistics | None:
        try:
            statistics = read_statistics(self._url)
        except redis.RedisError as error:
            if self.failure is None:  # once, not at each scrape of a long night
                logger.warning("The cache server does not answer: %s", error)
            self.failure = str(error)
            return None
        if self.failure is not None:
            logger.warning("The cache server answers again")
        self.failure = None
        return statistics


def _families(statistics: Statistics) -> Iterator[Metric]:
    for series in SERIES:
        value = series.value(statistics)
        if value is not None:
            yield series.family(PREFIX + series.name, series.meaning, value=value)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, meaning, value=value)
