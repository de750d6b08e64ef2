"""Where a process tells its metrics: a port of its own, never that of the site."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import WSGIApplication

import prometheus_client as prometheus
from django.conf import settings
from prometheus_client.registry import Collector

logger = logging.getLogger(__name__)


class MetricsServer(ThreadingMixIn, WSGIServer):
    """Serves an application, a thread for each request. Port 0 takes a free one.

    Raises:
        OSError: it cannot listen there.
    """

    daemon_threads = True  # whoever reads slowly does not keep the process from ending

    def __init__(self, host: str, port: int, told: WSGIApplication) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)
        self.set_app(told)


class _Handler(WSGIRequestHandler):
    timeout = 5  # seconds for the request; a connection that says nothing would hold its thread

    def handle(self) -> None:
        with suppress(TimeoutError):
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base
        """A line for each scrape would tell nothing."""


def application(told: prometheus.CollectorRegistry) -> WSGIApplication:
    """What Prometheus asks. Not compressed: that would take a third of a scrape's time."""
    found: WSGIApplication = prometheus.make_wsgi_app(told, disable_compression=True)
    return found


def start(host: str, port: int, told: prometheus.CollectorRegistry) -> None:
    """Answer Prometheus in daemon threads.

    Raises:
        OSError: it cannot listen there.
    """
    server = MetricsServer(host, port, application(told))
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


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
        start(host, port, registry(service, metrics))
    except OSError as error:
        logger.error("no metrics of the %s: port %d of %s: %s", service, port, host, error)
    else:
        logger.info("metrics of the %s on http://%s:%d/metrics", service, host, port)
