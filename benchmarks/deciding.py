# ruff: noqa: E402 - models can be imported only when Django is set up
"""Times deciding against many live entries. Started by `benchmarks.many_entries`."""

from __future__ import annotations

import hashlib
import os
import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")

import django

django.setup()

from django.db import transaction
from django.db.models import F

from benchmarks.servers import PROJECT
from invalidation_worker import change_log
from invalidation_worker.apply import BATCH, apply_batch, memory
from invalidation_worker.capped import capped_counts
from invalidation_worker.decide import decide
from invalidation_worker.judge import Judge, decoded
from invalidation_worker.relay import sweep_all
from listings import views
from listings.cache.entries import Descriptor, Layer, registry_key
from listings.cache.partitions import EVERYWHERE
from listings.cache.reading import Taken
from listings.cache.store import store
from listings.collector import spare_loaded
from listings.models import Property
from listings.pages import PAGES
from listings.search import LAST_PAGE, InvalidSearch, PropertySearch
from listings.vocabulary import PropertyType

BATCHES = (1, 10, BATCH)  # changes applied together
REPEATS = 5
CUTS = (Decimal("0.99"), Decimal("0.97"), Decimal("0.95"), Decimal("0.92"))  # of prices
SLOW_MICROSECONDS = 200  # commands that the server is asked to remember

SCRIPTS = {  # as the server calls them → as we do
    hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest(): path.stem
    for path in (PROJECT / "listings" / "cache" / "scripts").glob("*.lua")
}

dice = random.Random(1)


def main() -> None:
    for entries in map(int, sys.argv[1:]):
        print(f"\n{fill(entries):,} live entries, ms: median of {REPEATS} (least to most)")
        print("| changes | read, decode | decide | together | affected |")
        print("|--:|--:|--:|--:|--:|")
        for changes in BATCHES:
            print(row(changes), flush=True)
    print(
        f"\nLongest commands while entries were filled, judged, dropped and swept, ms:{longest()}"
    )


def fill(entries: int) -> int:
    """Fill lists over all cities, each with a search of its own, until so many entries live.

    The worker has been running meanwhile: it has applied two batches before.
    """
    spare_loaded()
    for _ in range(2):
        change_prices(1)
        apply_batch()
    while (live := count()) < entries:
        for _ in range(max(1, (entries - live) // 4)):
            with suppress(Taken):  # a worker beside is filling it
                views.property_list.warm(some_search().canonical())
    return live


def count() -> int:
    cache = store("pipeline")
    return sum(len(cache.registries([EVERYWHERE], layer).get(EVERYWHERE, {})) for layer in Layer)


def some_search() -> PropertySearch:
    """As visitors search who are not looking for one city, but in more ways."""
    page = 1
    while dice.random() < 0.3 and page < LAST_PAGE:
        page += 1
    asked = {
        "list_price_min": dice.choice(["", str(dice.randrange(1, 12) * 50_000)]),
        "list_price_max": dice.choice(["", str(dice.randrange(8, 40) * 50_000)]),
        "bedrooms_min": dice.choice(["", "", "2", "3", "4"]),
        "bathrooms_min": dice.choice(["", "", "", "2"]),
        "property_type": dice.choice(["", "", "", *PropertyType.values]),
        "living_area_min": dice.choice(["", "", str(dice.randrange(5, 30) * 100)]),
        "sort": dice.choice(["newest", "newest", "price", "-price", "-living_area"]),
        "page": str(page),
    }
    try:
        return PropertySearch.parse(asked)
    except InvalidSearch:  # the least is more than the most
        return some_search()


def row(changes: int) -> str:
    times = [measured(changes) for _ in range(REPEATS)]
    cells = [spread([time[step] for time in times]) for step in range(3)]
    affected = statistics.median(time[3] for time in times)
    return f"| {changes} | {' | '.join(cells)} | {affected:,.0f} |"


def spread(milliseconds: list[float]) -> str:
    middle = statistics.median(milliseconds)
    return f"{middle:.1f} ({min(milliseconds):.1f} to {max(milliseconds):.1f})"


def measured(changes: int) -> tuple[float, float, float, int]:
    """Milliseconds of reading and decoding, of deciding, and of both; and entries affected.

    What apply does, and then visitors ask for all that was dropped, so that the next time finds as
    many entries, of which those are new.
    """
    change_prices(changes)
    cache = store("pipeline")
    spent = [0.0, 0.0]
    affected = 0
    pages: list[Descriptor] = []
    with transaction.atomic(), rolled_back():
        rows, mark = change_log.claim(changes)
        assert mark is not None
        capped_counts.begin(mark)
        with timed(spent, 1):
            decided = decide([change_log.decoded(row) for row in rows])
            assert decided is not None
            judge = Judge(decided)
        for layer in Layer:
            with timed(spent, 0):
                registries = cache.registries(judge.partitions, layer, decoded, memory)
            with timed(spent, 1):
                found = {one: judge.affected(one, registry) for one, registry in registries.items()}
            for partition, causes in found.items():
                affected += len(causes)
                if layer is Layer.PAGE:
                    pages += [registries[partition][digest] for digest in causes]
            cache.invalidate(found, layer)
            for partition, causes in found.items():
                memory.forget(registry_key(partition, layer), causes)
    change_log.discard_all()
    for page in pages:
        PAGES[page.name].warm(page.arguments)
    read, deciding = spent
    return read, deciding, sum(spent), affected


def change_prices(number: int) -> None:
    keys = list(Property.objects.filter(standard_status="Active").values_list("pk", flat=True))
    for key in dice.sample(keys, number):
        cut = dice.choice(CUTS)
        Property.objects.filter(pk=key).update(list_price=F("list_price") * cut)


@contextmanager
def timed(spent: list[float], step: int) -> Iterator[None]:
    started = time.perf_counter()
    yield
    spent[step] += 1000 * (time.perf_counter() - started)


@contextmanager
def rolled_back() -> Iterator[None]:
    yield
    transaction.set_rollback(True)


def longest() -> str:
    """What the server remembers of fills, a real apply, a sweep and a flush: the longest commands
    of each kind, in milliseconds.
    """
    client = store("pipeline").client
    change_prices(max(BATCHES))
    while apply_batch().events:
        pass
    for _ in sweep_all():
        pass
    store("pipeline").flush()
    kinds: dict[str, list[float]] = defaultdict(list)
    for slow in client.slowlog_get(10_000):
        if not slow["command"].startswith(b"SLOWLOG"):  # our own
            kinds[kind(slow["command"].split())].append(slow["duration"] / 1000)
    lines = [
        f"| {name} | {len(times):,} | {statistics.median(times):.1f} | {max(times):.1f} |"
        for name, times in sorted(kinds.items(), key=lambda each: -max(each[1]))
    ]
    head = f"| command | over {SLOW_MICROSECONDS / 1000:g} ms | median of those | longest |"
    return "\n".join(["", head, "|--|--:|--:|--:|", *lines])


def kind(words: list[bytes]) -> str:
    """A command by its name; a script by its own, and to hundreds how many keys it has."""
    name = words[0].decode()
    if name != "EVALSHA":
        return name
    script = SCRIPTS.get(words[1].decode(), "another script")
    return f"{script}, {int(words[2]) // 100 * 100} keys or more"


def never_interrupt(process: int) -> None:
    """Whatever else runs here would count as a long command if it took the server's core away."""
    with suppress(PermissionError):
        os.sched_setscheduler(process, os.SCHED_FIFO, os.sched_param(4))


if __name__ == "__main__":
    client = store("pipeline").client
    never_interrupt(client.info("server")["process_id"])
    client.config_set("slowlog-log-slower-than", SLOW_MICROSECONDS)
    client.config_set("slowlog-max-len", 10_000)
    client.slowlog_reset()
    change_log.discard_all()
    main()
