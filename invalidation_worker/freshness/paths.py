"""Ways to write. Each is a function that plans one change of what a desk knows.

A plan says what will be true and how to write it. The writer runs it in a transaction of its own,
and so knows the moment of the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from invalidation_worker.freshness.desk import Desk
from invalidation_worker.freshness.truth import Truth
from listings.models import Property


class Plan(NamedTuple):
    """What will be true, and what makes it so."""

    truth: Truth
    write: Callable[[], object]


Planner = Callable[[Desk], Plan | None]  # none: there is nothing to do in this way now


@dataclass(frozen=True, slots=True)
class Path:
    """One way to write. `rings`: the ORM's signals tell of it, so that no relay is needed."""

    name: str
    rings: bool
    plan: Planner


def path(name: str, *, rings: bool) -> Callable[[Planner], Path]:
    return lambda plan: Path(name, rings, plan)


def save(key: str, values: Mapping[str, Any]) -> None:
    """As the admin does it: the whole row of a listing is read, and written."""
    found = Property.objects.get(pk=key)
    for name, value in values.items():
        setattr(found, name, value)
    found.save()
