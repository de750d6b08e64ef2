"""The audited listings in the database: made before the audit, removed after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, transaction

from invalidation_worker.freshness.desk import Desk
from invalidation_worker.freshness.pages import PREFIX
from invalidation_worker.freshness.rows import SYSTEM, insert_related, row
from listings.models import Agent, Office, Property

_LOCK = 4_201_177_015  # of PostgreSQL's advisory locks; any number that nobody else takes


class AuditRunningError(Exception):
    """Another audit has its listings in this database."""


@contextmanager
def listings_of(desks: Sequence[Desk]) -> Iterator[None]:
    """Inside, the rows of these desks exist, and no other audit runs on this database.

    What an audit that was killed has left behind is removed first.

    Raises:
        AuditRunningError: another audit runs.
        django.db.Error: the database refuses.
    """
    with _alone():
        _remove()
        try:
            for desk in desks:
                _insert(desk)
            yield
        finally:
            _remove()


@contextmanager
def _alone() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            raise AuditRunningError("Another audit runs on this database: wait until it has ended")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


@transaction.atomic
def _insert(desk: Desk) -> None:
    truth = desk.truth
    Office.objects.bulk_create(
        Office(office_key=key, office_name=name) for key, name in truth.offices.items()
    )
    Agent.objects.bulk_create(
        Agent(member_key=key, member_full_name=name) for key, name in truth.agents.items()
    )
    Property.objects.bulk_create(row(home) for home in truth.homes.values())
    insert_related(truth.homes.values())


@transaction.atomic
def _remove() -> None:
    Property.objects.filter(originating_system_name=SYSTEM, listing_key__startswith=PREFIX).delete()
    Agent.objects.filter(member_key__startswith=PREFIX).delete()
    Office.objects.filter(office_key__startswith=PREFIX).delete()
