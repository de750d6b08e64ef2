"""`manage.py seed_listings`: a made-up inventory of any size."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from listings.inventory.dice import LARGEST_SEED
from listings.inventory.listing import LARGEST_COUNT
from listings.inventory.makers import MakerEndedError
from listings.inventory.seeding import seed
from listings.progress import shown

_MOST_JOBS = 16  # PostgreSQL writes no more than four or so can make


class Command(BaseCommand):
    help = (
        "Add a made-up inventory: listings with photos, open houses, history, agents and offices. "
        "The same count, seed and date always make the same rows; rows that are there are left "
        "alone, so that an interrupted run is completed by running it again. While an empty "
        "inventory is filled, visitors wait: its tables are locked."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--count", type=_whole(1, LARGEST_COUNT), required=True, help="how many listings"
        )
        parser.add_argument(
            "--seed", type=_whole(0, LARGEST_SEED), default=1, help="which inventory (default 1)"
        )
        parser.add_argument(
            "--as-of",
            type=_day,
            default=datetime.now(UTC).date(),
            help="every date is counted back from the start of this day in UTC, open houses "
            "forward (default today, so that the newest listings are new)",
        )
        parser.add_argument(
            "--jobs",
            type=_whole(1, _MOST_JOBS),
            default=min(os.cpu_count() or 1, 4),
            help="processes that make listings (default: one for each core, at most 4)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        count: int = options["count"]
        anchor = datetime.combine(options["as_of"], time(), UTC)
        started = monotonic()
        try:
            with shown("listings", count, options.get("stderr")) as progress:
                added = seed(count, options["seed"], anchor, options["jobs"], progress)
        except Error as error:
            raise CommandError(
                f"The database refused: {error}\n"
                "What was committed before is kept; run again to complete."
            ) from error
        except MakerEndedError as error:
            raise CommandError(f"{error}; run again to complete.") from error
        seconds = monotonic() - started
        if not added:
            self.stdout.write(f"Nothing to do: all {count:,} listings are there already.")
            return
        there = f" ({count - added:,} were there already)" if added < count else ""
        self.stdout.write(
            f"Added {added:,} listings{there} in {seconds:.1f} s: {added / seconds:,.0f} a second."
        )


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(raw: str) -> int:
        try:
            number = int(raw)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise ArgumentTypeError(f"{raw!r} is not a whole number from {least} to {most}")
        return number

    return read


def _day(raw: str) -> date:
    try:
        day = date.fromisoformat(raw)
    except ValueError:
        raise ArgumentTypeError(f"{raw!r} is not a date such as 2026-01-31") from None
    if not 1990 <= day.year <= 2190:
        raise ArgumentTypeError(f"{raw!r} is not between 1990 and 2190")
    return day
