"""`manage.py truth_probe`: compares what the cache holds with the database, all the time."""

from __future__ import annotations

import logging
import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from prometheus_client.registry import Collector

from invalidation_worker import metrics_server
from invalidation_worker.pace import yield_to_others
from listings.cache.store import store
from monitoring.truth import Counts, TruthProbe

SERVICE = "truth-probe"

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Runs until SIGINT or SIGTERM. TRUTH_PROBE_PER_SECOND says how often; with 0 it only waits."""

    help = "Compare entries of the cache with the database, TRUTH_PROBE_PER_SECOND of them"
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        counts = Counts()
        told: list[Collector] = [counts.checks, counts.stale, counts.failures]
        per_second = settings.TRUTH_PROBE_PER_SECOND
        if per_second:
            told.append(counts.last_success)  # absent while nothing is compared
        metrics_server.serve(SERVICE, told)
        if per_second:
            yield_to_others()
            TruthProbe(store("pipeline"), counts, per_second).run(stopping)
        else:
            logger.info("TRUTH_PROBE_PER_SECOND is 0: nothing is compared")
            stopping.wait()
