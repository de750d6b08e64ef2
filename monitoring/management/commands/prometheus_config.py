"""`manage.py prometheus_config`: a configuration for a Prometheus beside `make run`."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

OWN_PORT = 9090  # of Prometheus, unless it is told otherwise
SCRAPE_SECONDS, SCRAPE_TIMEOUT_SECONDS, EVALUATION_SECONDS = 5, 4, 15  # as in prometheus.yml


class Command(BaseCommand):
    """Every process of this machine as the settings have it, and the project's rules. JSON, which
    is YAML too. `METRICS_PORT=0` leaves the exporter and Prometheus itself.
    """

    help = "Print a configuration with which a local Prometheus scrapes all that `make run` starts"
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(_configuration(), indent=2))


def _configuration() -> dict[str, object]:
    jobs = {
        "web": [_target(port) for port in settings.WEB_METRICS_PORTS],
        "exporter": [_target(settings.EXPORTER_PORT)],
        **{name: [_target(port)] for name, port in settings.METRICS_PORTS.items()},
        "prometheus": [f"127.0.0.1:{OWN_PORT}"],
    }
    return {
        "global": {
            "scrape_interval": f"{SCRAPE_SECONDS}s",
            "scrape_timeout": f"{SCRAPE_TIMEOUT_SECONDS}s",
            "evaluation_interval": f"{EVALUATION_SECONDS}s",
        },
        "rule_files": [str(settings.BASE_DIR / "monitoring" / "prometheus" / "rules" / "*.yml")],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": targets}]}
            for job, targets in jobs.items()
            if targets
        ],
    }


def _target(port: int) -> str:
    return f"{settings.OWN_HOST}:{port}"
