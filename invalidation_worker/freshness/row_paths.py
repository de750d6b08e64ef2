"""Changes of a listing's own row, through the ORM and around it."""

from __future__ import annotations

from contextlib import suppress

from django.db import connection, transaction
from django.db.models import F

from invalidation_worker.freshness.desk import Desk
from invalidation_worker.freshness.paths import Plan, path, save
from invalidation_worker.freshness.rows import columns, row
from listings.models import Agent, Office, Property


@path("save()", rings=True)
def saved(desk: Desk) -> Plan:
    home = desk.up()
    changes = desk.edit(home)
    truth = desk.truth.with_home(home.key, **changes)
    return Plan(truth, lambda: save(home.key, columns(changes)))


@path("F() and save()", rings=True)
def raised(desk: Desk) -> Plan:
    home = desk.up()
    price = desk.price()
    values = {"list_price": F("list_price") + (price - home.price)}
    return Plan(desk.truth.with_home(home.key, price=price), lambda: save(home.key, values))


@path("update()", rings=False)
def updated(desk: Desk) -> Plan:
    home = desk.up()
    changes = desk.edit(home)
    rows = Property.objects.filter(pk=home.key)
    truth = desk.truth.with_home(home.key, **changes)
    return Plan(truth, lambda: rows.update(**columns(changes)))


@path("bulk_update()", rings=False)
def updated_in_bulk(desk: Desk) -> Plan:
    truth = desk.truth
    keys = {desk.up().key for _ in range(3)}
    for key in sorted(keys):
        truth = truth.with_home(key, price=desk.price(), remarks=desk.remarks())
    rows = [row(truth.homes[key]) for key in keys]
    names = ["list_price", "public_remarks"]
    return Plan(truth, lambda: Property.objects.bulk_update(rows, names))


@path("upsert", rings=False)
def upserted(desk: Desk) -> Plan:
    """Moves listings between cities, price ranges and statuses."""
    truth = desk.truth
    keys = {desk.up().key for _ in range(2)}
    for key in sorted(keys):
        # Whoever is in the south goes north, so that lists there have a second page.
        north = truth.homes[key].city == desk.south or desk.dice.random() < 0.5
        truth = truth.with_home(
            key,
            city=desk.north if north else desk.south,
            price=desk.price(),
            status=desk.dice.choice(("Active", "Active", "Pending")),
        )
    rows = [row(truth.homes[key]) for key in keys]

    def write() -> None:
        Property.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["listing_key"],
            update_fields=["city", "list_price", "standard_status"],
        )

    return Plan(truth, write)


@path("raw SQL", rings=False)
def executed(desk: Desk) -> Plan:
    home = desk.up()
    changes = desk.edit(home)
    values = columns(changes)

    def write() -> None:
        assignments = ", ".join(f"{name} = %s" for name in values)
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE listings_property SET {assignments} WHERE listing_key = %s",
                [*values.values(), home.key],
            )

    return Plan(desk.truth.with_home(home.key, **changes), write)


@path("foreign key", rings=True)
def moved(desk: Desk) -> Plan:
    """Moves a listing to an agent or an office that is new, so that its name is."""
    home = desk.up()
    key, name = desk.person()
    if desk.dice.random() < 0.5:
        truth = desk.truth.with_agent(key, name).with_home(home.key, agent=key)
        values: dict[str, Agent | Office] = {
            "list_agent": Agent(member_key=key, member_full_name=name)
        }
    else:
        truth = desk.truth.with_office(key, name).with_home(home.key, office=key)
        values = {"list_office": Office(office_key=key, office_name=name)}

    def write() -> None:
        for person in values.values():
            person.save()
        save(home.key, values)

    return Plan(truth, write)


class _Undone(Exception):
    pass


@path("nested, partly rolled back", rings=True)
def nested(desk: Desk) -> Plan:
    home = desk.up()
    price, never, remarks = desk.price(), desk.price(), desk.remarks()

    def write() -> None:
        save(home.key, {"list_price": price})
        with suppress(_Undone), transaction.atomic():
            save(home.key, {"list_price": never})
            raise _Undone
        with transaction.atomic():
            save(home.key, {"public_remarks": remarks})

    return Plan(desk.truth.with_home(home.key, price=price, remarks=remarks), write)


PATHS = (saved, raised, updated, updated_in_bulk, upserted, executed, moved, nested)
