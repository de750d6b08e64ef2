"""What this process does as a web process, and as the worker where none runs, each timed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from itertools import islice

from django.utils import timezone

from benchmarks import inventory, reads
from benchmarks.growth.door import Door
from benchmarks.growth.plan import DETAIL_MISS, EVENT, HIT, LIST_MISS, NEAR, WARM, Cost, Plan
from benchmarks.growth.stopwatch import Spent, Stopwatch, measured
from benchmarks.settling import eventually
from invalidation_worker import change_log
from invalidation_worker.apply import apply_batch
from listings import popularity
from listings.cache.counters import Outcome
from listings.cache.entries import value_key
from listings.cache.near import near
from listings.cache.store import store
from listings.models import Property
from listings.site import PAGES

AT_ONCE = 100  # near hits that are timed together
WARMED = 5  # of the pages that a change has dropped
KINDS = {"list": LIST_MISS, "search": LIST_MISS, "detail": DETAIL_MISS}
PATIENCE_SECONDS = 5.0  # for a page to go, or to come back
MOST_SECONDS = 60.0  # for the first of those that is seen
LOOK_SECONDS = 0.001
MOST_READS = 100  # for each miss that is wanted: a small inventory is soon cached
POOL = 50  # listings whose pages are wanted, some of which somebody may take down
CUT = Decimal("0.99")


class House:
    """This process as a web process, and as the worker where none runs."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._door = Door()
        self._dice = random.Random(f"growth {plan.seed}")
        known = inventory.load()
        self.listings = len(known.homes)
        self._reads = reads.reads(known, plan.seed)
        self._keys = [home.key for home in known.on_market()]
        self._on_market = frozenset(self._keys)
        self._shown: list[str] = []  # of these, those whose pages visitors have seen
        self.await_near()

    def await_near(self) -> None:
        """A process trusts what is near once it has seen the horizon move."""
        eventually(lambda: "near" in self._door.get("/"), "the home page comes from the near cache")

    def begin_anew(self) -> None:
        """With empty caches, once every change is applied."""
        eventually(lambda: change_log.oldest_age_seconds() is None, "every change is applied")
        store("pipeline").flush()
        eventually(lambda: not near.is_on, "what is near is no longer trusted")
        self.await_near()

    def costs(self) -> dict[str, Cost]:
        """In a quiet house."""
        return {**self.visitors(), **self._changes()}

    def visitors(self) -> dict[str, Cost]:
        """Misses, and hits of the pages that these have filled."""
        watches = {name: Stopwatch() for name in (NEAR, HIT, LIST_MISS, DETAIL_MISS)}
        urls = self._misses(watches)
        for url in urls:
            request = self._door.request(url)
            near.drop_all()
            status, spent = measured(partial(self._door.answer, request))
            if status == "listings; hit":
                watches[HIT].note(spent)
        for url in urls:
            if "near" in [self._door.get(url) for _ in range(2)][1]:  # the first may bring it here
                watches[NEAR].note(self._near(url))
        return {name: cost for name, watch in watches.items() if (cost := watch.cost())}

    def _misses(self, watches: dict[str, Stopwatch]) -> list[str]:
        """Ask for pages as visitors do until enough of each kind were missed."""
        urls: list[str] = []
        missing = dict.fromkeys((LIST_MISS, DETAIL_MISS), self._plan.repeats)
        for read in islice(self._reads, MOST_READS * self._plan.repeats):
            if not any(missing.values()):
                break
            kind = KINDS.get(read.kind, "")
            if not missing.get(kind):
                continue
            url = PAGES[read.page].url(read.arguments)
            request = self._door.request(url)
            status, spent = measured(partial(self._door.answer, request))
            if "stored" in status:
                watches[kind].note(spent)
                missing[kind] -= 1
                urls.append(url)
                if kind == DETAIL_MISS and read.arguments in self._on_market:
                    self._shown.append(read.arguments)
        return urls

    def _near(self, url: str) -> Spent:
        """Of one of many hits: one takes microseconds."""
        requests = [self._door.request(url) for _ in range(AT_ONCE)]

        def ask() -> None:
            for request in requests:
                self._door.answer(request)

        _, spent = measured(ask)
        return Spent(spent.wall / AT_ONCE, spent.cpu / AT_ONCE)

    def _changes(self) -> dict[str, Cost]:
        """One change after the other is applied, and some of the pages that it dropped warmed.

        Listings that somebody has looked at change: of a million, hardly any other is on a page.
        """
        events, warming = Stopwatch(), Stopwatch()
        for _ in range(self._plan.repeats):
            self._change(self._dice.choice(self._shown or self._keys))
            done, spent = measured(apply_batch)
            events.note(spent)
            for page in done.pages[:WARMED]:
                warm = partial(PAGES[page.name].warm, page.arguments)
                outcome, spent = measured(warm)
                if outcome is Outcome.STORED:
                    warming.note(spent)
        found = {EVENT: events.cost(), WARM: warming.cost()}
        return {name: cost for name, cost in found.items() if cost}

    def lags(self, seconds: float) -> dict[str, Cost]:
        """How long a page that visitors want stays as it was after a change, and how long it is
        gone. Worker and warming worker run beside; no processor time is told.
        """
        gone, back = Stopwatch(), Stopwatch()
        pool = self._dice.sample(self._keys, min(POOL, len(self._keys)))
        self._make_wanted(pool)
        started = time.monotonic()
        # At least one of each, even where that takes longer.
        while (passed := time.monotonic() - started) < seconds or (
            passed < MOST_SECONDS and not back.cost()
        ):
            if (lag := self._lag(self._dice.choice(pool))) is not None:
                gone.note(Spent(lag[0], 0.0))
                if lag[1] is not None:
                    back.note(Spent(lag[1], 0.0))
        found = {EVENT: gone.cost(), WARM: back.cost()}
        return {name: cost for name, cost in found.items() if cost}

    def _make_wanted(self, keys: Sequence[str]) -> None:
        """Read these pages, and wait until it is known that they were read often enough."""
        page = PAGES["property_detail"]
        for key in (*keys, *keys):
            self._door.get(page.url(key))
        wanted = partial(popularity.wanted, [(page.name, key) for key in keys])

        def worth_filling() -> int:
            least = timezone.now() + popularity.WORTH_FILLING
            return sum(until >= least for until in wanted().values())

        eventually(lambda: worth_filling() > len(keys) / 2, "pages that were read are wanted")

    def _lag(self, key: str) -> tuple[float, float | None] | None:
        """Seconds until a listing's page was gone, and until it was back (none: not in time).

        None: its page was not cached, or did not go.
        """
        page, client = PAGES["property_detail"], store("pipeline").client
        url, entry = page.url(key), page._entry(key)
        value = value_key(entry.partition, entry.digest)
        for _ in range(2):
            self._door.get(url)
        before = client.get(value)
        if before is None or not self._change(key):
            return None
        changed = time.perf_counter()
        gone = _when(lambda: client.get(value) != before)
        if gone is None:
            return None
        back = _when(lambda: client.exists(value))
        return gone - changed, back - changed if back is not None else None

    def _change(self, key: str) -> bool:
        """Cut the price of a listing, as an editor does; false: it was deleted meanwhile."""
        home = Property.objects.filter(pk=key).first()
        if home is None:
            return False
        home.list_price = max(1, int(home.list_price * CUT))
        home.save()
        return True


def _when(is_so: Callable[[], object]) -> float | None:
    """The moment (of `perf_counter`) at which that was first seen; none: not within 5 s."""
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while (now := time.perf_counter()) < deadline:
        if is_so():
            return now
        time.sleep(LOOK_SECONDS)
    return None
