"""The exporter's pages: `/metrics` for Prometheus, `/healthz` for whoever asks how it is, `/`."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from invalidation_worker import metrics_server
from invalidation_worker.metrics_server import MetricsServer
from monitoring.exporter import Exporter

INDEX = """<!doctype html>
<html lang="en"><title>Listings exporter</title>
<h1>Listings exporter</h1>
<p>What cache servers, broker and pipeline tell, asked at each scrape.</p>
<ul><li><a href="/metrics">/metrics</a> for Prometheus</li>
<li><a href="/healthz">/healthz</a>: 503 if somebody did not answer the last scrape</li></ul>
</html>
"""


class ExporterServer(MetricsServer):
    """Serves what the exporter collects.

    Raises:
        OSError: it cannot listen there.
    """

    def __init__(self, host: str, port: int, exporter: Exporter) -> None:
        super().__init__(host, port, application(exporter))


def application(exporter: Exporter) -> WSGIApplication:
    """The pages: what the exporter collects, and what it is as a process."""
    metrics = metrics_server.application(metrics_server.registry("exporter", [exporter]))

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
