"""The Celery application: two queues, `invalidation` and `warming`, on the broker's Redis."""

from __future__ import annotations

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")

from django.conf import settings

app = Celery("invalidation_worker")
app.conf.update(
    broker_url=settings.BROKER_URL,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        # Losing or repeating a message is harmless (truth is in the change log), so a message
        # that a dead worker held comes back soon rather than after Celery's hour.
        "visibility_timeout": 60,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    },
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    # Celery closes Django's connections before and after each task, but for this: a new one costs
    # 18 ms, and the tasks themselves replace one that is dead. (An old-style name is the only one
    # that it has; it counts tasks.)
    CELERY_DB_REUSE_MAX=sys.maxsize,
    task_serializer="json",
    accept_content=["json"],
    task_default_queue="invalidation",
    task_routes={"invalidation_worker.tasks.warm": {"queue": "warming"}},
    # A task ends by itself within seconds; the worker's log goes through Django's settings.
    worker_hijack_root_logger=False,
    imports=["invalidation_worker.tasks"],
)


@worker_init.connect
def _begin(sender: Any, **_: object) -> None:
    """A worker is called after its queue: `invalidation@host`."""
    from invalidation_worker import metrics, metrics_server, pace  # noqa: PLC0415 - apps must be ready

    queue = sender.hostname.partition("@")[0]
    service = f"{queue}-worker"
    if queue == app.conf.task_default_queue:
        pace.come_first()
    metrics_server.serve(service, metrics.of_service(service))


@worker_ready.connect
def _spare_loaded(**_: object) -> None:
    from listings.collector import spare_loaded  # noqa: PLC0415 - apps must be ready

    spare_loaded()
