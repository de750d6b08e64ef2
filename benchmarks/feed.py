"""Changes that come many at once: a feed that is pulled again and again, and a bulk update."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction
from django.db.models import F

from listings.importing.format import Imported
from listings.importing.upsert import Outcome, upsert
from listings.models import Property
from listings.records import PropertyRecord

ROWS = 50  # of one pull
CHANGED = 0.1  # of these; the others are as they were
COLUMNS = ("list_price", "standard_status", "modification_timestamp")  # that the feed tells of
CUTS = ("0.99", "0.97", "0.95", "0.92")


def pull(keys: Sequence[str], dice: random.Random) -> int:
    """Upsert what a feed says of some of these listings; how many rows it has changed."""
    chosen = dice.sample(keys, min(ROWS, len(keys)))
    rows = Property.objects.filter(pk__in=chosen).order_by("pk")
    records = [PropertyRecord(**row) for row in rows.values(*PropertyRecord.__struct_fields__)]
    for record in dice.sample(records, round(len(records) * CHANGED)):
        record.list_price = max(1, int(record.list_price * Decimal(dice.choice(CUTS))))
    with transaction.atomic():
        outcomes = upsert([Imported(record, [], []) for record in records], COLUMNS)
    return list(outcomes.values()).count(Outcome.CHANGED)


def bulk(keys: Sequence[str], number: int, dice: random.Random) -> int:
    """Cut the prices of so many of these listings in one transaction; how many there were."""
    chosen = dice.sample(keys, min(number, len(keys)))
    cut = Decimal(dice.choice(CUTS))
    return Property.objects.filter(pk__in=chosen).update(list_price=F("list_price") * cut)
