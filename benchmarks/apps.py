"""The platform's apps as they stand in a contestant that has its own way of invalidating."""

from __future__ import annotations

from invalidation_worker.apps import InvalidationWorkerConfig


class SilentWorkerConfig(InvalidationWorkerConfig):
    """The worker's models without its signal receivers."""

    default = False

    def ready(self) -> None:
        pass
