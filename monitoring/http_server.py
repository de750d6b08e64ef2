"""The exporter's pages: `/metrics` for Prometheus, `/healthz` for whoever restarts it, `/`."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app

from monitoring.exporter import CacheServerCollector

INDEX = """<!doctype html>
<html lang="en"><title>Cache server exporter</title>
<h1>Cache server exporter</h1>
<p>Statistics of the listings' cache server, asked at each scrape.</p>
<ul><li><a href="/metrics">/metrics</a> for Prometheus</li>
<li><a href="/healthz">/healthz</a>: 503 if the last scrape failed</li></ul>
</html>
"""


class ExporterServer(ThreadingMixIn, WSGIServer):
    """Serves a cache server's statistics, a thread for each request. Port 0 takes a free one.

    Raises:
        OSError: it cannot listen there.
    """

    daemon_threads = True  # whoever reads slowly does not keep the process from ending

    def __init__(self, host: str, port: int, cache_url: str) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)
        self.set_app(application(CacheServerCollector(cache_url)))


class _Handler(WSGIRequestHandler):
    timeout = 5  # seconds for the request; a connection that says nothing would hold its thread

    def handle(self) -> None:
        with suppress(TimeoutError):
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base
        """A line for each scrape would tell nothing."""


def application(collector: CacheServerCollector) -> WSGIApplication:
    """The pages, with a registry that holds this collector and nothing else."""
    registry = CollectorRegistry()
    registry.register(collector)
    metrics: WSGIApplication = make_wsgi_app(registry)

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/metrics":
                return metrics(environ, start_response)
            case "/healthz" if collector.failure is None:
                return _answer(start_response, "200 OK", "ok\n")
            case "/healthz":
                text = f"the last scrape failed: {collector.failure}\n"
                return _answer(start_response, "503 Service Unavailable", text)
            case "/":
                return _answer(start_response, "200 OK", INDEX, "text/html")
            case _:
                return _answer(start_response, "404 Not Found", "try /metrics\n")

    return serve


def _answer(
    start_response: StartResponse, status: str, text: str, content_type: str = "text/plain"
) -> list[bytes]:
    body = text.encode()
    start_response(
        status,
        [
            ("Content-Type", f"{content_type}; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
        ],
    )
    return [body]
