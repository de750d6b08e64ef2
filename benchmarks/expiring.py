# ruff: noqa: E402 - models can be imported only when Django is set up
"""Caches many searches, lets them expire, and looks at what is left.

Started by `benchmarks.many_entries`.
"""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")

import django

django.setup()

from invalidation_worker import change_log
from invalidation_worker.apply import apply_batch
from invalidation_worker.relay import sweep_all
from listings import counting, queries
from listings.cache.store import store
from listings.models import Property
from listings.progress import shown
from listings.search import PropertySearch

SAVES = 21
LIFE_MILLISECONDS = 1  # given to what is to expire
EXPIRE_AT_ONCE = 1_000


def main() -> None:
    searches = int(sys.argv[1])
    cache = store("pipeline")
    cache.flush()
    change_log.discard_all()
    print("\n| | entries registered | keys | memory, MB | a save and its apply, ms |")
    print("|---|--:|--:|--:|--:|")
    report("empty")
    fill(searches)
    report(f"{searches:,} searches cached")
    expire()
    report("expired, not swept")
    for _ in sweep_all():
        pass
    report("swept")


def fill(searches: int) -> None:
    """Count what each of so many different searches finds, through the cache like any reader."""
    cities = [city.city_key for city in queries.cities()]
    wanted = itertools.islice(zip(itertools.cycle(cities), itertools.count(1)), searches)
    with shown("searches", searches) as progress:
        for number, (city, price) in enumerate(wanted, 1):
            counting.count(PropertySearch.parse({"city": city, "list_price_min": str(price)}))
            if number % EXPIRE_AT_ONCE == 0:
                progress(EXPIRE_AT_ONCE)


def expire() -> None:
    """Let the server expire every value, as it does at the end of a TTL."""
    client = store("pipeline").client
    pipe = client.pipeline(transaction=False)
    for number, key in enumerate(client.scan_iter("v:*", count=EXPIRE_AT_ONCE), 1):
        pipe.pexpire(key, LIFE_MILLISECONDS)
        if number % EXPIRE_AT_ONCE == 0:
            pipe.execute()
    pipe.execute()
    while next(client.scan_iter("v:*", count=EXPIRE_AT_ONCE), None) is not None:
        time.sleep(0.05)


def report(state: str) -> None:
    cache = store("pipeline")
    saves = sorted(save() for _ in range(SAVES))
    keys = list(cache.client.scan_iter("r:*", count=1_000))
    registered = sum(int(cache.client.hget(key, "#") or 0) for key in keys)
    memory = cache.client.info("memory")["used_memory"] / 1e6
    middle = f"{statistics.median(saves):.1f} ({saves[0]:.1f} to {saves[-1]:.1f})"
    print(f"| {state} | {registered:,} | {cache.client.dbsize():,} | {memory:.0f} | {middle} |")


def save() -> float:
    """Milliseconds of one price change and of taking it out of the cache."""
    home = Property.objects.filter(standard_status="Active").order_by("?")[0]
    home.list_price -= 1
    started = time.perf_counter()
    home.save()
    apply_batch()
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
