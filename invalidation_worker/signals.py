"""Signals ring the queue, once per transaction and after it has committed."""

from __future__ import annotations

from typing import Any

from django.db import connections, models, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import m2m_changed, post_delete, post_save

from invalidation_worker.doorbell import Ring, doorbell
from listings.shown import SHOWN


def connect() -> None:
    """Listen to every model that pages show."""
    for shown in SHOWN:
        uid = f"doorbell-{shown.table}"
        post_save.connect(_saved, sender=shown.model, dispatch_uid=uid)
        post_delete.connect(_deleted, sender=shown.model, dispatch_uid=uid)
    m2m_changed.connect(_related, dispatch_uid="doorbell-m2m")


def _saved(instance: models.Model, created: bool, using: str, **_: Any) -> None:
    _ring(instance, "INSERT" if created else "UPDATE", using)


def _deleted(instance: models.Model, using: str, **_: Any) -> None:
    _ring(instance, "DELETE", using)


def _related(instance: models.Model, action: str, using: str | None = None, **_: Any) -> None:
    if action.startswith("post_") and type(instance) in {shown.model for shown in SHOWN}:
        _ring(instance, "UPDATE", using or router.db_for_write(type(instance)))


class _AfterCommit:
    """The one callback of a transaction; found again among those that wait for its commit."""

    def __init__(self, ring: Ring) -> None:
        self.ring = ring

    def __call__(self) -> None:
        doorbell.ring(self.ring)


def _ring(instance: models.Model, operation: str, using: str) -> None:
    connection = connections[using]
    after_commit = _waiting(connection)
    if after_commit is None:
        after_commit = _AfterCommit(Ring(transaction_id=_transaction_id(connection)))
        after_commit.ring.add(instance._meta.db_table, operation, str(instance.pk))
        transaction.on_commit(after_commit, using=using)
    else:
        after_commit.ring.add(instance._meta.db_table, operation, str(instance.pk))


def _waiting(connection: BaseDatabaseWrapper) -> _AfterCommit | None:
    """This transaction's callback, unless a savepoint that it began in was rolled back."""
    for waiting in reversed(connection.run_on_commit):
        if isinstance(waiting[1], _AfterCommit):
            return waiting[1]
    return None


def _transaction_id(connection: BaseDatabaseWrapper) -> int | None:
    """As in the change log; unknown in autocommit, where the transaction is over by now."""
    if not connection.in_atomic_block:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        return int(cursor.fetchone()[0])
