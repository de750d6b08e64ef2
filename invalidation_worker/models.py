"""The change log: what has changed and is not yet out of the caches. Truth for the pipeline."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from invalidation_worker.triggers import log_triggers
from listings.models import Agent, ListingHistory, Media, Office, OpenHouse, Property
from listings.shown import SHOWN

_TRIGGERS = {shown.model: log_triggers(shown) for shown in SHOWN}


class ChangeEvent(models.Model):
    """One changed row, written by a trigger in the transaction that changed it."""

    table_name = models.TextField()
    operation = models.TextField()  # INSERT, UPDATE, DELETE or TRUNCATE
    before = models.JSONField(null=True)  # shown columns; null: the row was not there
    after = models.JSONField(null=True)  # null: the row is not there; both null: whole table
    transaction_id = models.BigIntegerField()
    logged_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.id} {self.operation} {self.table_name}"


class DeadLetter(models.Model):
    """An event that could not be decided, and what was dropped for it instead."""

    event_id = models.BigIntegerField()
    table_name = models.TextField()
    operation = models.TextField()
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    logged_at = models.DateTimeField()
    reason = models.TextField()
    # dropped for it as a whole; null: everything, in all partitions
    partitions = ArrayField(models.TextField(), null=True)
    dropped_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.operation} of {self.table_name} (event {self.event_id}): {self.reason}"

    @property
    def dropped(self) -> str:
        """The partitions that were dropped, in words."""
        return "everything" if self.partitions is None else ", ".join(self.partitions)


# The tables belong to `listings`, which knows nothing of a worker; proxies carry the triggers, so
# that they stand in this app's migrations.
class LoggedProperty(Property):
    class Meta:
        proxy = True
        default_permissions = ()
        triggers: ClassVar = _TRIGGERS[Property]


class LoggedMedia(Media):
    class Meta:
        proxy = True
        default_permissions = ()
        triggers: ClassVar = _TRIGGERS[Media]


class LoggedOpenHouse(OpenHouse):
    class Meta:
        proxy = True
        default_permissions = ()
        triggers: ClassVar = _TRIGGERS[OpenHouse]


class LoggedListingHistory(ListingHistory):
    class Meta:
        proxy = True
        default_permissions = ()
        triggers: ClassVar = _TRIGGERS[ListingHistory]


class LoggedAgent(Agent):
    class Meta:
        proxy = True
        default_permissions = ()
        triggers: ClassVar = _TRIGGERS[Agent]


class LoggedOffice(Office):
    class Meta:
        proxy = True
        default_permissions = ()
        triggers: ClassVar = _TRIGGERS[Office]
