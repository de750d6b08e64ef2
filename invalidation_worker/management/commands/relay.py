from __future__ import annotations

import signal
import threading
from typing import Any

import redis
from django.core.management.base import BaseCommand, CommandError

from invalidation_worker import metrics, metrics_server
from invalidation_worker.pace import come_first
from invalidation_worker.relay import Relay
from listings.cache.store import POLICY, store
from listings.collector import spare_loaded


class Command(BaseCommand):
    help = "Ring for changes that the doorbell missed, and sweep the registries, until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_other_policies()
        stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        come_first()
        metrics_server.serve("relay", metrics.of_service("relay"))
        spare_loaded()
        Relay(stopping).run()


def _refuse_other_policies() -> None:
    try:
        policy = store("pipeline").policy()
    except redis.RedisError:
        return  # it is away; `/readyz` says so, and asks for the policy too
    if policy != POLICY:
        raise CommandError(
            f"The cache server's maxmemory-policy is {policy}: give {POLICY}. Another may evict "
            "registries, and then changes would not find the entries that they concern."
        )
