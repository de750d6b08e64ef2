from django.apps import AppConfig


class InvalidationWorkerConfig(AppConfig):
    name = "invalidation_worker"
    verbose_name = "Cache"  # in the admin

    def ready(self) -> None:
        from invalidation_worker import checks, signals  # noqa: F401 (checks register themselves)
        from invalidation_worker.app import app  # noqa: F401 (tasks belong to this Celery app)

        signals.connect()
