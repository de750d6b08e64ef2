# ruff: noqa: E402 - models can be imported only when Django is set up
"""Both changes, against the site at `SITE_PORT`: prints each case as a line of JSON.

Started by `benchmarks.bulk`, which sets the environment and has started the site.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")

import django

django.setup()

import msgspec
from django.db import connection

from benchmarks import feed, inventory, reads
from benchmarks.bulk.pages import Pages
from benchmarks.bulk.plan import IMPORT, LOAD, TRANSACTION, WARM, Case, Look, Plan
from benchmarks.servers import PROJECT
from benchmarks.settling import await_near, settle
from benchmarks.traffic.latency import latency
from benchmarks.traffic.order import HITS, Ending, Order, Sample
from benchmarks.traffic.visitors import met, visitors
from listings.cache import counters
from listings.cache.sampling import sample
from listings.cache.store import store
from listings.recomputation import fresh
from listings.site import PAGES

WARM_UP_CONNECTIONS = 16
LOOK_SECONDS = 0.1
_LOG = "SELECT count(*), coalesce(max(id), 0) FROM invalidation_worker_changeevent"
_LAST = "SELECT last_value FROM invalidation_worker_changeevent_id_seq"


class Watch:
    """Looks at change log and cache from the beginning of a change on."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._began = time.monotonic()
        self.looks: list[Look] = []

    def look(self) -> Look:
        at = time.monotonic() - self._began
        with connection.cursor() as cursor:
            cursor.execute(_LOG)
            waiting, _ = cursor.fetchone()
        found = Look(at, waiting, self._pages.live())
        self.looks.append(found)
        return found

    def during(self, change: Future[None]) -> float:
        """How many seconds the change took."""
        while not change.done():
            self.look()
            wait([change], LOOK_SECONDS)
        took = time.monotonic() - self._began
        change.result()
        return took

    def until(self, is_over: Callable[[Look], bool], seconds: float) -> Look | None:
        """The first look at which it is over; none: it was not in so many seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.look()
            if is_over(found):
                return found
            time.sleep(LOOK_SECONDS)
        return None


class Cases:
    """`again` is the file that is imported."""

    def __init__(self, plan: Plan, port: int, again: str) -> None:
        self._plan = plan
        self._port = port
        self._again = again
        known = inventory.load()
        self._keys = [home.key for home in known.on_market()]
        asked = (PAGES[read.page].url(read.arguments) for read in reads.reads(known, plan.seed))
        self._warm_up = list(islice(asked, plan.warm_up))
        self._asked = list(islice(asked, plan.reads))

    def all(self) -> Iterator[Case]:
        met(Order(self._port, connections=WARM_UP_CONNECTIONS), self._warm_up)
        await_near(self._port)
        found = list(met(Order(self._port), self._asked))
        seconds = max(one.answered for one in found) - found[0].due
        offered = LOAD * len(found) / seconds
        # The import first: it would take back what the transaction has changed.
        changes: dict[str, Callable[[], None]] = {IMPORT: self._import, TRANSACTION: self._change}
        for name, change in changes.items():
            settle(_seen)
            yield self._case(name, change, offered)

    def _case(self, name: str, change: Callable[[], None], offered: float) -> Case:
        plan = self._plan
        pages = Pages(store("pipeline"))
        order = Order(self._port, offered, endless=True)
        before = _last_event()
        with visitors(order, self._warm_up + self._asked) as crowd:
            time.sleep(plan.still_seconds)
            watch, began = Watch(pages), time.monotonic()
            with ThreadPoolExecutor(1) as pool:
                took = watch.during(pool.submit(change))
            true = watch.until(lambda look: not look.waiting, plan.most_seconds)
            assert true, f"changes still wait after {plan.most_seconds:g} s"
            warm = watch.until(lambda look: look.live >= WARM, plan.most_seconds)
            ended = time.monotonic()
            time.sleep(plan.still_seconds)
            crowd.end()
            samples = list(crowd.awaited())
        settle(_seen)
        checked, stale = _compared(plan.checked)
        times = {
            "before": [one for one in samples if one.due < began],
            "meanwhile": [one for one in samples if began <= one.due < ended],
            "after": [one for one in samples if one.due >= ended],
        }
        return Case(
            name=name,
            rows=_last_event() - before,
            took_seconds=took,
            offered=offered,
            cached_pages=len(pages),
            least_live=min(look.live for look in watch.looks),
            true_seconds=true.at - took,
            warm_seconds=warm.at - took if warm else None,
            live_at_end=watch.looks[-1].live,
            checked=checked,
            stale=stale,
            failed=sum(one.ending is Ending.FAILED for one in samples),
            **{when: latency(some) for when, some in times.items()},
            **{
                f"hits_{when}": latency(one for one in some if one.ending in HITS)
                for when, some in times.items()
            },
            looks=watch.looks,
            p99_by_second=list(_by_second(samples, began)),
        )

    def _change(self) -> None:
        feed.bulk(self._keys, self._plan.changed_rows, random.Random(f"bulk {self._plan.seed}"))

    def _import(self) -> None:
        argv = ["manage.py", "import_listings", self._again, "--format", "king-county"]
        subprocess.run([sys.executable, *argv], cwd=PROJECT, check=True, stdout=sys.stderr)


def _by_second(samples: Sequence[Sample], began: float) -> Iterator[tuple[float, float]]:
    seconds: dict[int, list[Sample]] = {}
    for one in samples:
        seconds.setdefault(int((one.due - began) // 1), []).append(one)
    for second, some in sorted(seconds.items()):
        yield float(second), latency(some).p99


def _compared(number: int) -> tuple[int, int]:
    """How many live entries were compared with the database, and how many of them differ."""
    checked = stale = 0
    cache = store("pipeline")
    for _ in range(number):
        if drawn := sample(cache):
            content = fresh(drawn.layer, drawn.name, drawn.arguments)
            checked += 1
            stale += (drawn.stored.header.status, drawn.stored.body) != (
                content.status,
                content.body,
            )
    return checked, stale


def _seen() -> object:
    """What changes while visitors come, or pages are warmed."""
    return counters.near_totals(), store("pipeline").client.dbsize()


def _last_event() -> int:
    """The number of the last change that was logged."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST)
        return int(cursor.fetchone()[0])


def main() -> None:
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    for case in Cases(plan, int(os.environ["SITE_PORT"]), sys.argv[2]).all():
        sys.stdout.write(msgspec.json.encode(case).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
