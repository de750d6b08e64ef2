from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from invalidation_worker.relay import Relay


class Command(BaseCommand):
    help = "Ring for changes that the doorbell missed, and sweep the registries, until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        Relay(stopping).run()
