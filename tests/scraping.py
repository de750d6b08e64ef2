"""Reading what a process tells Prometheus."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection

import prometheus_client as prometheus
import pytest
from django.conf import settings
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from monitoring.exporter import Exporter
from monitoring.http_server import ExporterServer
from web.local_servers import ports

Series = dict[str, float]  # `name{label="value"}`, labels in the order of their names → value


def get(port: int, path: str, accept: str = "text/plain") -> tuple[int, str]:
    """Status and text of a page of this machine."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Accept": accept})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


@contextmanager
def exporting(cache_servers: Mapping[str, str]) -> Iterator[int]:
    """The port of an exporter that watches these servers, and the pipeline of the tests."""
    exporter = Exporter(cache_servers, settings.CACHE_URL, settings.BROKER_URL)
    with ExporterServer("127.0.0.1", 0, exporter) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def scrape(port: int) -> Series:
    """Every series of the project that a process tells on this port, now."""
    status, text = get(port, "/metrics")
    assert status == 200
    return _series(text_string_to_metric_families(text))


def series(registry: prometheus.CollectorRegistry) -> Series:
    """The same, of a registry in this process."""
    return _series(registry.collect())


def since(before: Series, after: Series) -> Series:
    """By how much series have risen, those that have; buckets and sums are left out."""
    risen = {name: value - before.get(name, 0) for name, value in after.items()}
    return {
        name: value
        for name, value in risen.items()
        if value and "_bucket{" not in name and "_sum" not in name
    }


def promtool_says(text: str) -> str:
    """What `promtool check metrics` has against this; skips without promtool, fails in CI."""
    if shutil.which("promtool") is None:
        if os.environ.get("CI"):
            pytest.fail("promtool is not installed")
        pytest.skip("promtool is not installed")
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def free_ports(number: int) -> int:
    """The first of so many consecutive ports on which nobody listens."""
    while True:
        first = ports.free_port()
        if all(ports.is_free(port) for port in range(first, first + number)):
            return first


def _series(families: Iterable[Metric]) -> Series:
    found: Series = {}
    for family in families:
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            name = sample.name + (f"{{{labels}}}" if labels else "")
            assert name not in found
            if name.startswith("listings_"):
                found[name] = sample.value
    return found
