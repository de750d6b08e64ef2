"""`manage.py exporter`: what servers and pipeline tell Prometheus."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from monitoring.exporter import Exporter
from monitoring.http_server import ExporterServer

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Command(BaseCommand):
    """Runs until SIGINT or SIGTERM. The port is EXPORTER_PORT."""

    help = "Serve what servers and pipeline tell to Prometheus, on EXPORTER_PORT"
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--host",
            default=settings.LISTEN_HOST,
            help="address to listen on; LISTEN_HOST (%(default)s) unless given",
        )

    def handle(self, *args: Any, host: str, **options: Any) -> None:
        # Blocked before any thread starts, so that they wait for sigwait() whenever they come.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        with _server(host, settings.EXPORTER_PORT) as server:
            threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
            self.stdout.write(f"Metrics on http://{host}:{server.server_port}/metrics")
            self.stdout.flush()
            signal.sigwait(STOP_SIGNALS)
            server.shutdown()


def _server(host: str, port: int) -> ExporterServer:
    exporter = Exporter(settings.EXPORTER_CACHE_SERVERS, settings.CACHE_URL, settings.BROKER_URL)
    try:
        return ExporterServer(host, port, exporter)
    except OSError as error:
        raise CommandError(
            f"Port {port} of {host} cannot be used ({error.strerror}): stop what listens there, "
            f"or choose another port with EXPORTER_PORT"
        ) from error
