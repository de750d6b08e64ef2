"""Where a process tells its metrics: a port of its own, never that of the site."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import prometheus_client as prometheus
from django.conf import settings
from prometheus_client.registry import Collector

logger = logging.getLogger(__name__)


def registry(service: str, metrics: Iterable[Collector]) -> prometheus.CollectorRegistry:
    """These metrics, which process this is, and what the kernel knows of it."""
    # When a series began is no more than noise beside those that say what happened.
    prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]
    found = prometheus.CollectorRegistry()
    prometheus.ProcessCollector(registry=found)
    info = prometheus.Gauge(
        "listings_process_info", "1, for each process.", ("service",), registry=found
    )
    info.labels(service).set(1)
    for metric in metrics:
        found.register(metric)
    return found


def serve(service: str, metrics: Iterable[Collector]) -> None:
    """Answer Prometheus on this service's port, in a daemon thread; not without METRICS_PORT.

    A port that is taken is logged, and the service does its work untold.
    """
    port = settings.METRICS_PORTS.get(service)
    if port is None:
        return
    host = settings.LISTEN_HOST
    try:
        prometheus.start_http_server(port, host, registry(service, metrics))
    except OSError as error:
        logger.error("no metrics of the %s: port %d of %s: %s", service, port, host, error)
    else:
        logger.info("metrics of the %s on http://%s:%d/metrics", service, host, port)
