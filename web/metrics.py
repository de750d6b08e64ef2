"""What a web process tells Prometheus: its requests, and what its caches did for them.

Nothing is counted here. Everything is read at the scrape, from the plain numbers that those keep
who know what happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from listings.cache import counters, endings, spared
from listings.cache.breaker import breaker
from listings.cache.near import Near
from listings.cache.plain_numbers import Observed
from listings.cache.trust import trust
from monitoring.series import COUNTER, GAUGE, Labels, Series, families
from web.request_counts import RequestCounts

PREFIX = "listings_"


class WebProcess(Collector):
    """This process, with this near cache and these requests."""

    def __init__(self, near: Near, requests: RequestCounts) -> None:
        self.near = near
        self.requests = requests

    def collect(self) -> Iterator[Metric]:
        yield from families(PREFIX, SERIES, {(): self})
        yield _histogram(
            "http_request_duration_seconds",
            "Time from a request to its answer; of near hits, one in 64 is timed for all. "
            "Stale hits are among hits, bypasses and errors among misses.",
            ("view", "cache"),
            self.requests.seconds().items(),
        )
        yield _histogram(
            "cache_fill_duration_seconds",
            "Time from a lease to the stored value.",
            ("layer",),
            [((layer.value,), one.observed()) for layer, one in endings.fill_seconds.items()],
        )


def _reads(process: WebProcess) -> dict[Labels, float]:
    near = process.near
    found: dict[Labels, float] = {("near", "hit"): near.hits, ("near", "miss"): near.misses}
    for (layer, outcome), number in counters.counted().items():
        found[layer.value, str(outcome)] = number
    return found


def _refusals(_: WebProcess) -> dict[Labels, float]:
    return {(layer.value, str(why)): n for (layer, why), n in endings.refusals().items()}


def _waits(_: WebProcess) -> dict[Labels, float]:
    return {(layer.value, str(ending)): n for (layer, ending), n in endings.waits().items()}


SERIES: tuple[Series[WebProcess], ...] = (
    Series(
        "http_requests",
        COUNTER,
        "Requests that were answered, by what the cache did for them.",
        lambda process: {tuple(asked): n for asked, n in process.requests.requests().items()},
        ("view", "method", "code", "cache"),
    ),
    Series(
        "cache_reads",
        COUNTER,
        "Reads of each layer, by how they ended.",
        _reads,
        ("layer", "outcome"),
    ),
    Series(
        "cache_fills_refused",
        COUNTER,
        "Values that were to be kept and were not.",
        _refusals,
        ("layer", "reason"),
    ),
    Series(
        "cache_lease_waits",
        COUNTER,
        "Waits for somebody else's fill, by how they ended.",
        _waits,
        ("layer", "outcome"),
    ),
    Series(
        "database_queries",
        COUNTER,
        "Queries that this process has asked.",
        lambda _: spared.asked.number,
    ),
    Series(
        "database_queries_saved",
        COUNTER,
        "Queries that it took to fill what hits have found.",
        lambda process: spared.by_hits.number + process.requests.spared(),
    ),
    Series(
        "cache_breaker_open",
        GAUGE,
        "1 while the cache server is left alone after failures.",
        lambda _: breaker.is_open,
    ),
    Series(
        "cache_trust_degraded",
        GAUGE,
        "1 while the horizon stands still, so that only what is younger than 10 s is served.",
        lambda _: trust.is_degraded,
    ),
    Series(
        "near_cache_bytes",
        GAUGE,
        "Memory that near pages take.",
        lambda process: process.near.size[1],
    ),
    Series(
        "near_cache_entries",
        GAUGE,
        "Near pages, each under every address that it has here.",
        lambda process: process.near.size[0],
    ),
    Series(
        "near_cache_on",
        GAUGE,
        "1 while a page that is near is a hit.",
        lambda process: process.near.is_on,
    ),
)


def _histogram(
    name: str, meaning: str, labels: Labels, observed: Iterable[tuple[Labels, Observed]]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(PREFIX + name, meaning, labels=labels)
    for values, one in observed:
        bounds = [*map(floatToGoString, one.bounds), "+Inf"]
        family.add_metric(values, list(zip(bounds, one.at_most, strict=True)), one.total)
    return family
