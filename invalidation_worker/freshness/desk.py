"""What a writer draws on: the truth about its listings, chance, and numbers that are always new."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from invalidation_worker.freshness.pages import PREFIX, WORD
from invalidation_worker.freshness.truth import THRESHOLD, Home, Truth
from listings.drawings import photo_url

HOMES = 28  # of a writer: more than a page holds, so that windows have an end
MOST_DOWN = 4  # listings that are off the site at a time

_NEAR = 1_000_000_000  # dollars from the threshold: room for every number


@dataclass(slots=True)
class Desk:
    """One writer's. Everything that it hands out contains a number greater than any before."""

    writer: int
    dice: Random
    opened: datetime
    truth: Truth
    numbers: Iterator[int]
    kept_to: str = ""  # a key

    @classmethod
    def open(cls, writer: int, seed: int, opened: datetime) -> Desk:
        """A desk with a truth that nobody has written yet."""
        desk = cls(writer, Random(f"{seed} {writer}"), opened, Truth({}, {}, {}), count(1))
        agent, office = desk.person(), desk.person()
        homes = [desk._home(number, agent[0], office[0]) for number in range(HOMES)]
        desk.truth = Truth({home.key: home for home in homes}, dict([agent]), dict([office]))
        return desk

    @property
    def north(self) -> str:
        return f"Audit North {self.writer}"

    @property
    def south(self) -> str:
        return f"Audit South {self.writer}"

    def up(self) -> Home:
        """A listing that visitors see."""
        if self.kept_to and self.truth.homes[self.kept_to].is_public:
            return self.truth.homes[self.kept_to]
        return self.dice.choice([home for home in self.truth.homes.values() if home.is_public])

    @contextmanager
    def keeping_to_one(self) -> Iterator[None]:
        """Inside, one listing is chosen again and again, for as long as visitors see it."""
        self.kept_to = self.up().key
        try:
            yield
        finally:
            self.kept_to = ""

    def down(self) -> list[Home]:
        return [home for home in self.truth.homes.values() if not home.is_public]

    def price(self, near: int | None = None) -> int:
        """A new price, on the same side of the threshold as `near`, if that is given."""
        side = self.dice.choice((-1, 1)) if near is None else (1 if near > THRESHOLD else -1)
        return THRESHOLD + side * _NEAR + next(self.numbers)

    def remarks(self) -> str:
        return f"Remark {next(self.numbers)}{self.dice.choice(('', f' with a {WORD}'))}."

    def photo(self, key: str) -> str:
        return photo_url("house", f"{key}-{next(self.numbers)}")

    def visit(self) -> datetime:
        """The start of an open house, so far ahead that none ends during the audit."""
        day = self.opened.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=60)
        return day + timedelta(minutes=next(self.numbers))

    def person(self) -> tuple[str, str]:
        """Key and name of an agent or an office that is not there yet."""
        key = f"{PREFIX}{self.writer}-P{next(self.numbers)}"
        return key, self.name()

    def name(self) -> str:
        return f"Audited {next(self.numbers)}"

    def edit(self, home: Home) -> dict[str, Any]:
        """Changes of a listing's own row, of which at least one has a value that is new."""
        other = "Pending" if home.status == "Active" else "Active"
        return self.dice.choice(
            (
                {"price": self.price()},
                {"price": self.price(near=home.price)},
                {"remarks": self.remarks()},
                {"price": self.price(), "status": other},
            )
        )

    def _home(self, number: int, agent: str, office: str) -> Home:
        key = f"{PREFIX}{self.writer}-{number:02}"
        return Home(
            key=key,
            entered=self.opened - timedelta(seconds=number),
            city=self.south if number % 14 == 13 else self.north,
            price=self.price(),
            remarks=self.remarks(),
            agent=agent,
            office=office,
            photos=(self.photo(key), self.photo(key)),
            visits=(self.visit(),),
        )
