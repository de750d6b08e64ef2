"""Where each web process tells its metrics: the first port of their range that is free.

There are as many ports as processes, so one that is started in the place of another gets that one's
port as soon as it is free: at once after a crash, and when the old process has ended if the new one
begins before that.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

import prometheus_client as prometheus
from django.conf import settings
from prometheus_client.registry import Collector

from invalidation_worker import metrics_server

AGAIN_SECONDS = 0.5  # until the next look for a free port
COMPLAIN_SECONDS = 15.0  # with none found: longer than an old process takes to end

logger = logging.getLogger(__name__)


def keep_telling(collector: Collector) -> None:
    """Answer Prometheus, in a daemon thread, once a port is free; not without METRICS_PORT."""
    if settings.WEB_METRICS_PORTS:
        told = metrics_server.registry("web", [collector])
        arguments = (settings.LISTEN_HOST, settings.WEB_METRICS_PORTS, told)
        threading.Thread(target=_claim, args=arguments, name="metrics", daemon=True).start()


def _claim(host: str, ports: Sequence[int], told: prometheus.CollectorRegistry) -> None:
    complain_at = time.monotonic() + COMPLAIN_SECONDS
    while (port := _first_free(host, ports, told)) is None:
        if time.monotonic() > complain_at:
            logger.error("no metrics: ports %d to %d of %s are taken", ports[0], ports[-1], host)
            complain_at = float("inf")  # once
        time.sleep(AGAIN_SECONDS)
    logger.info("metrics of a web process on http://%s:%d/metrics", host, port)


def _first_free(host: str, ports: Sequence[int], told: prometheus.CollectorRegistry) -> int | None:
    for port in ports:
        try:
            metrics_server.start(host, port, told)
        except OSError:
            continue  # another process's, or somebody else's
        return port
    return None
