from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

import redis
from django.core.management.base import BaseCommand, CommandError

from invalidation_worker import traces
from invalidation_worker.invalidate import Deciding, Invalidated, invalidate
from invalidation_worker.judge import decoded
from invalidation_worker.orders import PageWithParts, WholePartitions
from listings.addresses import NoEntry, page_at
from listings.cache import partitions
from listings.cache.store import Store, store
from listings.places import city_key

SCAN_COUNT = 1_000  # keys that the server looks at in one SCAN: well under a millisecond


class Command(BaseCommand):
    help = "Take entries out of the cache. Visitors then fill them again from the database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--url", help="one page, and the queryset entries that it is made of")
        which.add_argument(
            "--city",
            help="every search, count and list within a city; neither the pages of its listings "
            "nor searches over all cities",
        )
        which.add_argument("--all", action="store_true", help="every entry of every layer")

    def handle(self, *args: Any, url: str | None, city: str | None, **options: Any) -> None:
        cache = store("pipeline")
        try:
            if url is not None:
                went = _drop(cache, f"--url {url}", lambda: _page(cache, url))
            elif city is not None:
                went = _drop(cache, f"--city {city}", lambda: _city(city))
            else:
                went = _drop_all(cache)
        except NoEntry as error:
            raise CommandError(str(error)) from error
        except redis.RedisError as error:
            raise CommandError(f"The cache server does not answer: {error}") from error
        self.stdout.write("1 entry went." if went == 1 else f"{went:,} entries went.")


def _page(cache: Store, url: str) -> Deciding:
    """
    Raises:
        NoEntry: no page of this site is at this URL, or its search is invalid.
    """
    _, entry = page_at(url)
    if raw := cache.look(entry).descriptor:
        return PageWithParts(entry, decoded(raw).dependencies)
    return PageWithParts(entry, (entry.scope,) if entry.scope else None)


def _city(city: str) -> Deciding:
    if not (key := city_key(city)):
        raise CommandError(f"{city!r} is not the name of a city.")
    return WholePartitions([partitions.of_city(key)])


def _drop(cache: Store, what: str, decide: Callable[[], Deciding]) -> int:
    """How many entries had a value. Those being filled are dropped too, uncounted."""
    started = time.monotonic()
    done = invalidate(cache, decide())
    _trace(cache, what, done, started)
    return done.stored


def _drop_all(cache: Store) -> int:
    started = time.monotonic()
    went = sum(1 for _ in cache.client.scan_iter(match="v:*", count=SCAN_COUNT))
    cache.flush()
    _trace(cache, "--all", None, started)
    return went


def _trace(cache: Store, what: str, done: Invalidated | None, started: float) -> None:
    milliseconds = (time.monotonic() - started) * 1000
    traces.write(cache, [traces.of_order(f"cache_purge {what}", done, milliseconds)])
