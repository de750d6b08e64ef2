"""The exporter's pages: `/metrics` for Prometheus, `/healthz` for whoever asks how it is, `/`."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import make_wsgi_app

from invalidation_worker.metrics_server import registry
from monitoring.exporter import Exporter

INDEX = """<!doctype html>
<html lang="en"><title>Listings exporter</title>
<h1>Listings exporter</h1>
<p>What cache servers, broker and pipeline tell, asked at each scrape.</p>
<ul><li><a href="/metrics">/metrics</a> for Prometheus</li>
<li><a href="/healthz">/healthz</a>: 503 if somebody did not answer the last scrape</li></ul>
</html>
"""


class ExporterServer(ThreadingMixIn, WSGIServer):
    """Serves what the exporter collects, a thread for each request. Port 0 takes a free one.

    Raises:
        OSError: it cannot listen there.
    """

    daemon_threads = True  # whoever reads slowly does not keep the process from ending

    def __init__(self, host: str, port: int, exporter: Exporter) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)
        self.set_app(application(exporter))


class _Handler(WSGIRequestHandler):
    timeout = 5  # seconds for the request; a connection that says nothing would hold its thread

    def handle(self) -> None:
        with suppress(TimeoutError):
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base
        """A line for each scrape would tell nothing."""


def application(exporter: Exporter) -> WSGIApplication:
    """The pages: what the exporter collects, and what it is as a process."""
    metrics: WSGIApplication = make_wsgi_app(registry("exporter", [exporter]))

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/metrics":
                return metrics(environ, start_response)
            case "/healthz" if not exporter.failures:
                return _answer(start_response, "200 OK", "ok\n")
            case "/healthz":
                text = "".join(f"no answer from {failure}\n" for failure in exporter.failures)
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
