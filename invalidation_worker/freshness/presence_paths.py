"""Changes after which a listing is not there any more, or is there again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from invalidation_worker.freshness.desk import MOST_DOWN, Desk
from invalidation_worker.freshness.paths import Plan, path, save
from invalidation_worker.freshness.rows import columns, insert_related, row
from invalidation_worker.freshness.truth import Home
from listings.models import Property

_TAKEDOWNS: tuple[dict[str, Any], ...] = ({"status": "Withdrawn"}, {"displayed": False})


@path("delete and insert", rings=True)
def reinserted(desk: Desk) -> Plan:
    """Under the same key, in one transaction: nobody may see it missing."""
    home = desk.up()
    new = replace(home, price=desk.price(), photos=(desk.photo(home.key),), visits=(desk.visit(),))

    def write() -> None:
        _delete(home)
        _insert(new)

    return Plan(desk.truth.with_homes(new), write)


@path("takedown", rings=True)
def taken_down(desk: Desk) -> Plan | None:
    """By its status, by the seller's wish, or for good."""
    if len(desk.down()) >= MOST_DOWN:
        return None
    home = desk.up()
    if desk.dice.random() < 1 / 3:
        truth = desk.truth.with_home(home.key, exists=False, photos=(), visits=())
        return Plan(truth, lambda: _delete(home))
    changes = desk.dice.choice(_TAKEDOWNS)
    truth = desk.truth.with_home(home.key, **changes)
    return Plan(truth, lambda: save(home.key, columns(changes)))


@path("return", rings=True)
def returned(desk: Desk) -> Plan | None:
    if not (down := desk.down()):
        return None
    home = desk.dice.choice(down)
    changes: dict[str, Any] = {"status": "Active", "displayed": True, "price": desk.price()}
    new = replace(home, **changes, exists=True)

    def write() -> None:
        if home.exists:
            save(home.key, columns(changes))
        else:
            _insert(new)

    return Plan(desk.truth.with_homes(new), write)


def _delete(home: Home) -> None:
    Property.objects.get(pk=home.key).delete()


def _insert(home: Home) -> None:
    row(home).save(force_insert=True)
    insert_related([home])


PATHS = (reinserted, taken_down, returned)
