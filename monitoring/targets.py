"""What processes tell Prometheus, fetched as Prometheus would: for a page without Prometheus.

All are asked at once and each gets a second; whoever has not answered by then is away, which is an
answer too. Of what is told only `SIGNALS` are kept, and added up over the labels that nobody draws.
Counters stay as they were told, so that whoever draws rates can see a process start again.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.request import ProxyHandler, Request, build_opener

import msgspec
from prometheus_client.parser import text_string_to_metric_families

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 1.0
MOST_AT_ONCE = 16  # questions under way: those of several operators, should a target be silent
MOST_BYTES = 4_000_000  # of one answer; ours have some 20 kB
TEXT = "text/plain; version=0.0.4"  # the format that every exporter knows

# Which samples are wanted, and by which of their labels.
SIGNALS: dict[str, tuple[str, ...]] = {
    "listings_http_requests_total": ("cache", "code"),
    "listings_http_request_duration_seconds_bucket": ("le",),
    "listings_cache_reads_total": ("layer", "outcome"),
    "listings_cache_breaker_open": (),
    "listings_cache_trust_degraded": (),
    "listings_near_cache_bytes": (),
    "listings_cache_server_up": ("server",),
    "listings_cache_server_keyspace_hits_total": ("server",),
    "listings_cache_server_keyspace_misses_total": ("server",),
    "listings_cache_server_memory_used_bytes": ("server",),
    "listings_cache_server_memory_max_bytes": ("server",),
    "listings_registry_bytes": (),
    "listings_broker_up": (),
    "listings_broker_queue_ready_messages": ("queue",),
    "listings_broker_unacknowledged_messages": (),
    "listings_database_up": (),
    "listings_change_log_pending_events": (),
    "listings_change_log_oldest_event_timestamp_seconds": (),
    "listings_dead_letters": (),
    "listings_change_lag_seconds_bucket": ("stage", "le"),
    "listings_events_applied_total": (),
    "listings_entries_invalidated_total": ("layer",),
    "listings_pages_warmed_total": ("outcome",),
    "listings_truth_stale_total": ("age",),
}
# Left out: the objective of 100 ms is about pages that can be cached (rules/requests.yml).
UNCACHEABLE = ("listings_http_request_duration_seconds_bucket", "none")

Samples = dict[str, list[tuple[tuple[str, ...], float]]]  # name → values of its labels, value


class Told(msgspec.Struct, frozen=True):
    """What one target told. `failure` says why it told nothing; empty: it answered."""

    name: str
    seconds: float  # until the answer, or until it was given up
    failure: str = ""
    samples: Samples = {}


_pool = ThreadPoolExecutor(MOST_AT_ONCE, "targets")
# Past any proxy: these are processes of ours.
_opener = build_opener(ProxyHandler({}))


def ask_all(targets: Mapping[str, str]) -> list[Told]:
    """What each of these tells now, given as name → URL, in their order. Raises nothing."""
    started = time.monotonic()
    asked = {name: _pool.submit(_ask, name, url) for name, url in targets.items()}
    return [_by(started + TIMEOUT_SECONDS, name, answer) for name, answer in asked.items()]


def read(text: str) -> Samples:
    """The signals in a page of metrics.

    Raises:
        ValueError: it is none.
    """
    found: defaultdict[str, defaultdict[tuple[str, ...], float]] = defaultdict(
        lambda: defaultdict(float)
    )
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = SIGNALS.get(sample.name)
            if labels is None or (sample.name, sample.labels.get("cache")) == UNCACHEABLE:
                continue
            found[sample.name][tuple(sample.labels.get(one, "") for one in labels)] += sample.value
    return {name: list(values.items()) for name, values in found.items()}


def _by(deadline: float, name: str, answer: Future[Told]) -> Told:
    try:
        return answer.result(max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        answer.cancel()
        return Told(name, TIMEOUT_SECONDS, f"no answer within {TIMEOUT_SECONDS:g} s")


def _ask(name: str, url: str) -> Told:
    started = time.monotonic()
    try:
        request = Request(url, headers={"Accept": TEXT})  # noqa: S310 - the setting allows HTTP only
        with _opener.open(request, timeout=TIMEOUT_SECONDS) as response:
            samples = read(response.read(MOST_BYTES).decode())
    except Exception as error:  # noqa: BLE001 - whatever it is, that is what the page has to say
        logger.debug("target %s: %r", name, error)
        return Told(name, time.monotonic() - started, _why(error))
    return Told(name, time.monotonic() - started, samples=samples)


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", error)  # urllib wraps what the system says
    if isinstance(reason, TimeoutError):
        return f"no answer within {TIMEOUT_SECONDS:g} s"
    if isinstance(reason, ConnectionRefusedError):
        return "nobody listens there"
    return str(reason) or type(reason).__name__
