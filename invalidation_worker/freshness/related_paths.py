"""Changes of the rows that a listing shows besides its own."""

from __future__ import annotations

from dataclasses import replace

from invalidation_worker.freshness.desk import Desk
from invalidation_worker.freshness.paths import Plan, path
from invalidation_worker.freshness.rows import photo_row, visit_row
from invalidation_worker.freshness.truth import Home
from listings.models import Agent, Media, Office, OpenHouse

MOST = 3  # photos or open houses of a listing


@path("agent renamed", rings=True)
def agent(desk: Desk) -> Plan:
    key, name = desk.up().agent, desk.name()

    def write() -> None:
        found = Agent.objects.get(pk=key)
        found.member_full_name = name
        found.save()

    return Plan(desk.truth.with_agent(key, name), write)


@path("agent update()", rings=False)
def agent_around_the_orm(desk: Desk) -> Plan:
    key, name = desk.up().agent, desk.name()
    rows = Agent.objects.filter(pk=key)
    return Plan(desk.truth.with_agent(key, name), lambda: rows.update(member_full_name=name))


@path("office renamed", rings=True)
def office(desk: Desk) -> Plan:
    key, name = desk.up().office, desk.name()

    def write() -> None:
        found = Office.objects.get(pk=key)
        found.office_name = name
        found.save()

    return Plan(desk.truth.with_office(key, name), write)


@path("photo", rings=True)
def photo(desk: Desk) -> Plan:
    """Replaces the first, adds one, or takes the last away."""
    home = desk.up()
    number = len(home.photos)
    if number == 0 or (number < MOST and desk.dice.random() < 0.3):
        return _photo_added(desk, home)
    if number > 1 and desk.dice.random() < 0.3:
        truth = desk.truth.with_home(home.key, photos=home.photos[:-1])
        return Plan(truth, lambda: Media.objects.get(property=home.key, order=number - 1).delete())
    url = desk.photo(home.key)

    def write() -> None:
        found = Media.objects.get(property=home.key, order=0)
        found.media_url = url
        found.save()

    return Plan(desk.truth.with_home(home.key, photos=(url, *home.photos[1:])), write)


def _photo_added(desk: Desk, home: Home) -> Plan:
    photos = (*home.photos, desk.photo(home.key))
    added = photo_row(replace(home, photos=photos), len(home.photos))
    return Plan(desk.truth.with_home(home.key, photos=photos), added.save)


@path("open house", rings=True)
def open_house(desk: Desk) -> Plan:
    """Adds one, or takes the first away."""
    home = desk.up()
    if len(home.visits) == MOST:
        truth = desk.truth.with_home(home.key, visits=home.visits[1:])
        first = OpenHouse.objects.filter(property=home.key, open_house_start_time=home.visits[0])
        return Plan(truth, lambda: first.get().delete())
    added = visit_row(home, desk.visit())
    visits = (*home.visits, added.open_house_start_time)
    return Plan(desk.truth.with_home(home.key, visits=visits), added.save)


PATHS = (agent, agent_around_the_orm, office, photo, open_house)
