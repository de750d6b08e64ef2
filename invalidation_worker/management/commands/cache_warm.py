"""`manage.py cache_warm`: fills a cold cache, the most wanted pages first."""

from __future__ import annotations

import logging
import math
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError

from invalidation_worker.pace import Pace
from invalidation_worker.top_pages import top_pages
from listings.cache.counters import Outcome
from listings.cache.reading import Taken
from listings.cache.store import store
from listings.cache.trust import LOOK_SECONDS, trust
from listings.pages import PAGES
from listings.popularity import MOST_KEPT, PageKey
from listings.progress import shown

logger = logging.getLogger(__name__)

TRUST_SECONDS = 3.0  # the horizon moves once a second, and is looked at twice
INTERRUPTED = 130  # the exit code of a program that Ctrl-C has ended

FILLED, THERE, FAILED = "filled", "there already", "failed"


class Command(BaseCommand):
    help = (
        "Fill the pages that visitors want most, as they would be filled by the visitors; where "
        "too few are known, those where visits begin. Pages that are filled are left alone, so "
        "that an interrupted run is completed by running it again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--top", type=_number, required=True, help="how many pages")
        parser.add_argument(
            "--rate",
            type=_rate,
            default=math.inf,
            metavar="PAGES_PER_SECOND",
            help="fill no more than so many a second (default: as many as visitors leave time for)",
        )

    def handle(self, *args: Any, top: int, rate: float, **options: Any) -> None:
        _check_cache()
        if trust.is_off:
            raise CommandError("All caches are switched off: `cache_switch all on` first")
        if not _trusted():
            self.stderr.write(
                "Nobody seems to apply changes (is the relay running?): "
                "pages that were filled more than 10 s ago are filled again."
            )
        done: Counter[str] = Counter()
        try:
            pages = top_pages(top)
            with shown("pages", len(pages), options.get("stderr")) as progress:
                for page in pages:
                    pace = Pace()
                    how = _fill(page)
                    done[how] += 1
                    progress(1)
                    if how != THERE:
                        time.sleep(max(pace.rest_seconds(), 1 / rate - pace.took_seconds))
        except KeyboardInterrupt:
            message = f"Interrupted: {_summary(done)}. Run it again to continue."
            raise CommandError(message, returncode=INTERRUPTED) from None
        except (OperationalError, InterfaceError) as error:
            message = f"The database does not answer: {error}\n{_summary(done)}."
            raise CommandError(message) from error
        self.stdout.write(f"{_summary(done)}.")


def _fill(page: PageKey) -> str:
    """What came of it.

    Raises:
        CommandError: the cache server does not answer.
        OperationalError, InterfaceError: the database does not.
    """
    name, arguments = page
    try:
        outcome = PAGES[name].warm(arguments)
    except Taken:
        return THERE
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the others are wanted all the same
        logger.warning("cannot fill %s %s: %r", name, arguments, error)
        return FAILED
    if outcome is Outcome.ERROR:
        _check_cache()
    return {Outcome.HIT: THERE, Outcome.STORED: FILLED}.get(outcome, FAILED)


def _check_cache() -> None:
    with _clear_errors():
        store("pipeline").client.ping()


@contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise CommandError(f"The cache server does not answer: {error}") from error


def _trusted() -> bool:
    """Whether what is filled already can be left alone. A new process has to see that first."""
    deadline = time.monotonic() + TRUST_SECONDS
    with _clear_errors():
        while trust.not_before():
            if time.monotonic() > deadline:
                return False
            time.sleep(LOOK_SECONDS / 10)
    return True


def _summary(done: Counter[str]) -> str:
    return ", ".join(f"{done[how]:,} {how}" for how in (FILLED, THERE, FAILED))


def _number(raw: str) -> int:
    digits = raw.isascii() and raw.isdecimal() and len(raw) <= 12
    if not digits or not 1 <= int(raw) <= MOST_KEPT:
        raise ArgumentTypeError(f"{raw!r} is not a whole number from 1 to {MOST_KEPT}")
    return int(raw)


def _rate(raw: str) -> float:
    try:
        rate = float(raw)
    except ValueError:
        rate = math.nan
    if not 0.01 <= rate <= 10_000:
        raise ArgumentTypeError(f"{raw!r} is not a number of pages from 0.01 to 10000")
    return rate
