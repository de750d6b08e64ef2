"""The truth probe: it finds what is stale, and does not take a change on its way for that."""

from __future__ import annotations

import random
import threading
from decimal import Decimal

import prometheus_client as prometheus
import pytest
import redis

from invalidation_worker.relay import sweep_all
from listings.cache import sampling
from listings.cache import trust as trust_module
from listings.cache.entries import Layer
from listings.cache.sampling import sample
from listings.cache.store import store
from listings.models import Property
from listings.pages import PAGES
from monitoring.truth import AGES, Counts, TruthProbe
from tests.conftest import apply_all, page_entry, stored_page
from tests.scraping import Series, free_ports, scrape, series
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("platform")

DETAIL = ("property_detail", "A-1")
LIST = ("property_list", "city=kent")
PAGE_KEYS = [DETAIL, LIST, ("property_list", ""), ("home", "")]


@pytest.fixture(autouse=True)
def inventory(platform, monkeypatch):
    # No relay runs, and on a busy machine a test may take longer than distrusted entries live.
    monkeypatch.setattr(trust_module, "OLDEST_SECONDS", 3600.0)
    # Where one entry lies among its registries, 16 random keys miss it now and then.
    monkeypatch.setattr(sampling, "TRIES", 500)
    for key in ("A-1", "A-2"):
        Property.objects.create(listing_key=key, list_price=1, city="Kent")
    apply_all()


class Probe:
    """A probe whose clock stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now, self.counts = 0.0, Counts()
        self.probe = TruthProbe(store("pipeline"), self.counts, 1, lambda: self.now)

    def draw(self) -> bool:
        self.now = max(self.now, self.probe._next)
        return self.probe.step()

    def wait(self, seconds: float) -> None:
        """Let time pass; whatever is to be looked at again in it is, and nothing is drawn."""
        end = self.now + seconds
        self.probe._next = end + 1
        while self.probe._waiting and self.probe._waiting[0][0] <= end:
            self.now = self.probe._waiting[0][0]
            self.probe.step()
        self.now = end

    @property
    def waits(self) -> int:
        return len(self.probe._waiting)

    def told(self) -> Series:
        registry = prometheus.CollectorRegistry()
        registry.register(self.counts.checks)
        registry.register(self.counts.stale)
        return {
            name.removeprefix("listings_truth_"): value
            for name, value in series(registry).items()
            if "_created" not in name
        }


@pytest.fixture
def probe():
    return Probe()


def counted(checks: tuple[int, ...], stale: tuple[int, ...]) -> Series:
    """So many checks and stale entries of the ages 1, 10 and 60."""
    found: Series = {}
    for age, checked, bad in zip(AGES, checks, stale, strict=True):
        found[f'checks_total{{age="{age}"}}'] = checked
        found[f'stale_total{{age="{age}"}}'] = bad
    return found


def visit(*pages: tuple[str, str]) -> None:
    for name, arguments in pages:
        PAGES[name].warm(arguments)


def keep_only(page: tuple[str, str]) -> None:
    """Take every other entry away, so that this one is drawn."""
    client, entry = store("pipeline").client, page_entry(page)
    kept = f"v:{{{entry.partition}}}:{entry.digest}".encode()
    for key in client.scan_iter("v:*"):
        if key != kept:
            client.delete(key)


def reprice() -> None:
    Property.objects.filter(pk="A-1").update(list_price=Decimal(2))


# ---- what is found ----


def test_true_entries_of_every_kind_are_checked_once_for_each_age(probe):
    visit(*PAGE_KEYS)
    for _ in range(40):
        probe.draw()
    assert probe.told() == counted((40, 40, 40), (0, 0, 0))
    assert not probe.waits


def test_old_value_that_was_written_by_hand_is_stale_at_each_age(probe, caplog):
    visit(DETAIL)
    entry, client = page_entry(DETAIL), store("pipeline").client
    key = f"v:{{{entry.partition}}}:{entry.digest}"
    old = client.get(key)
    reprice()
    apply_all()
    visit(DETAIL)
    keep_only(DETAIL)
    probe.draw()
    assert probe.told() == counted((1, 1, 1), (0, 0, 0))
    client.set(key, old, px=900_000)
    probe.draw()
    assert probe.told() == counted((1, 1, 1), (0, 0, 0)), "it may yet be a change on its way"
    for passed, stale in ((1, (1, 0, 0)), (9, (1, 1, 0)), (50, (1, 1, 1))):
        probe.wait(passed)
        checks = tuple(1 + bad for bad in stale)
        assert probe.told() == counted(checks, stale)
    assert not probe.waits
    lines = [record.getMessage() for record in caplog.records if "stale" in record.getMessage()]
    assert [line.partition(":")[0] for line in lines] == [f"stale for {age} s" for age in AGES]
    assert "property_detail 'A-1' of the page layer in pA-1, as of" in lines[0]


def test_old_rows_are_found_too(probe):
    visit(DETAIL)
    client = store("pipeline").client
    (key,) = (key for key in client.scan_iter("v:*") if key != value_key(DETAIL))
    old = client.get(key)
    reprice()
    apply_all()
    visit(DETAIL)
    client.set(key, old, px=900_000)
    client.delete(value_key(DETAIL))
    probe.draw()
    probe.wait(1)
    assert probe.told()['stale_total{age="1"}'] == 1


def value_key(page: tuple[str, str]) -> bytes:
    entry = page_entry(page)
    return f"v:{{{entry.partition}}}:{entry.digest}".encode()


def test_change_that_nobody_applies_is_stale_until_somebody_does(probe):
    visit(DETAIL)
    reprice()
    keep_only(DETAIL)
    probe.draw()
    probe.wait(5)
    assert probe.told() == counted((1, 0, 0), (1, 0, 0))
    apply_all()
    probe.wait(60)
    assert probe.told() == counted((1, 1, 1), (1, 0, 0))


# ---- what is no fault ----


def test_change_on_its_way_is_not_stale(probe):
    visit(DETAIL)
    reprice()
    keep_only(DETAIL)
    probe.draw()
    assert probe.waits == 1
    apply_all()
    probe.wait(60)
    assert probe.told() == counted((1, 1, 1), (0, 0, 0))


def test_entry_that_was_filled_again_is_not_stale_though_it_differs_once_more(probe):
    visit(DETAIL)
    reprice()
    keep_only(DETAIL)
    probe.draw()
    apply_all()
    visit(DETAIL)
    Property.objects.filter(pk="A-1").update(list_price=Decimal(3))  # on its way, as well
    probe.wait(1)
    assert probe.told() == counted((1, 1, 1), (0, 0, 0))


def test_page_that_was_filled_again_with_a_count_as_old_as_before_is_not_stale(probe):
    visit(LIST)
    as_of = []
    for price in (2, 3):  # it changes no count, so that stays, and the page is as of it
        Property.objects.filter(pk="A-1").update(list_price=Decimal(price))
        if price == 3:
            draw_until_the_page_differs(probe)
        apply_all()
        visit(LIST)
        page = stored_page(LIST)
        assert page
        as_of.append(page.header.as_of)
    assert as_of[0] == as_of[1]
    Property.objects.filter(pk="A-1").update(list_price=Decimal(4))
    probe.wait(1)
    assert probe.told()['stale_total{age="1"}'] == 0


def draw_until_the_page_differs(probe: Probe) -> None:
    """All within one moment."""
    for _ in range(1_000):
        probe.probe._next = probe.now
        probe.draw()
        if any(one.drawn.layer is Layer.PAGE for _, _, one, _ in probe.probe._waiting):
            return
    raise AssertionError("never drawn")


def test_change_that_was_taken_back_is_not_stale(probe):
    visit(DETAIL)
    reprice()
    keep_only(DETAIL)
    probe.draw()
    Property.objects.filter(pk="A-1").update(list_price=Decimal(1))
    probe.wait(1)
    assert probe.told() == counted((1, 1, 1), (0, 0, 0))


@pytest.mark.parametrize("seed", range(5))
def test_writes_that_are_applied_in_time_are_never_taken_for_stale(probe, seed):
    """Visits, writes and draws in any order; what is written is applied within half a second."""
    chosen, seen, written_at = random.Random(seed), 0, None
    for step in range(3_000):
        if step >= 150 and seen > 5:  # which entries are drawn the server decides
            break
        done = chosen.choice(["visit", "visit", "write", "draw", "draw"])
        if done == "visit":
            visit(chosen.choice(PAGE_KEYS))
        elif done == "write":
            key = chosen.choice(["A-1", "A-2"])
            Property.objects.filter(pk=key).update(list_price=chosen.randint(1, 3))
            written_at = probe.now if written_at is None else written_at
        else:
            before = probe.waits
            probe.probe._next = probe.now
            probe.draw()
            seen += probe.waits > before
        if written_at is not None and probe.now - written_at > 0.3:
            apply_all()
            written_at = None
        probe.wait(chosen.random() / 5)
    apply_all()
    probe.wait(61)
    assert seen > 5, "there was nothing to be taken for stale"
    stale = {name: n for name, n in probe.told().items() if n and name.startswith("stale")}
    assert stale == {}


# ---- how it looks ----


def test_drawing_makes_nothing_popular_and_counts_as_two_hits():
    visit(DETAIL)
    keep_only(DETAIL)
    client = store("pipeline").client
    client.config_set("lfu-log-factor", 0)  # every touch counts
    client.config_resetstat()
    try:
        before = client.object("freq", value_key(DETAIL))
        hits = client.info("stats")["keyspace_hits"]
        drawn = [one for _ in range(20) if (one := sample(store("pipeline")))]
        stats = client.info("stats")
        assert (stats["keyspace_hits"] - hits, stats["keyspace_misses"]) == (2 * len(drawn), 0)
        assert client.object("freq", value_key(DETAIL)) <= before
    finally:
        client.config_set("lfu-log-factor", 10)
    assert {(one.layer, one.name, one.arguments) for one in drawn} == {(Layer.PAGE, *DETAIL)}


def test_looking_again_for_what_has_gone_is_no_miss(probe):
    visit(DETAIL)
    reprice()
    keep_only(DETAIL)
    probe.draw()
    store("pipeline").client.delete(value_key(DETAIL))
    store("pipeline").client.config_resetstat()
    probe.wait(60)
    assert store("pipeline").client.info("stats")["keyspace_misses"] == 0


def test_old_value_that_nobody_is_given_is_not_stale(probe, monkeypatch):
    visit(DETAIL)
    reprice()
    keep_only(DETAIL)
    probe.draw()
    # The horizon stands still, and the value is older than what is distrusted may be.
    monkeypatch.setattr(trust_module, "OLDEST_SECONDS", 0.0)
    probe.wait(60)
    assert probe.told() == counted((1, 1, 1), (0, 0, 0))


def test_cache_of_another_release_is_not_compared_with(probe, monkeypatch):
    visit(*PAGE_KEYS)
    for _ in sweep_all():
        pass
    monkeypatch.setattr(sampling, "release", lambda: "another")
    assert probe.draw() is False


def test_empty_cache_has_nothing_to_draw(probe):
    assert probe.draw() is True
    assert probe.told() == counted((0, 0, 0), (0, 0, 0))


def test_difference_waits_for_a_cache_that_is_away(probe, cache_server):
    visit(DETAIL)
    reprice()
    keep_only(DETAIL)
    probe.draw()
    cache_server.stop()
    with pytest.raises(redis.RedisError):
        probe.wait(1)
    assert probe.waits == 1


def test_outage_counts_as_a_failure_and_is_outlived(cache_server):
    counts, stopping = Counts(), threading.Event()
    probe = TruthProbe(store("pipeline"), counts, 100)
    thread = threading.Thread(target=probe.run, args=(stopping,))
    cache_server.stop()
    thread.start()
    try:
        eventually(lambda: value(counts.failures))
        assert value(counts.last_success) == 0
        cache_server.start()
        eventually(lambda: value(counts.last_success))
    finally:
        stopping.set()
        thread.join()


def value(metric) -> float:
    (family,) = metric.collect()
    return family.samples[0].value


# ---- the process ----


def test_process_draws_and_tells_what_it_found(services):
    visit(*PAGE_KEYS)
    first = free_ports(4)
    services.variables = {"METRICS_PORT": str(first), "TRUTH_PROBE_PER_SECOND": "50"}
    services.start("truth-probe")
    found = eventually(lambda: checked(first + 3))
    assert found['listings_truth_stale_total{age="60"}'] == 0
    assert found["listings_truth_last_success_timestamp_seconds"] > 1.7e9
    assert found["listings_truth_failures_total"] == 0
    assert found['listings_process_info{service="truth-probe"}'] == 1


def test_process_that_is_to_draw_nothing_says_so(services):
    first = free_ports(4)
    services.variables = {"METRICS_PORT": str(first), "TRUTH_PROBE_PER_SECOND": "0"}
    services.start("truth-probe")
    found = eventually(lambda: told(first + 3))
    assert found['listings_truth_checks_total{age="1"}'] == 0
    assert "listings_truth_last_success_timestamp_seconds" not in found


def told(port: int) -> Series:
    try:
        return scrape(port)
    except OSError:
        return {}


def checked(port: int) -> Series:
    found = told(port)
    return found if found.get('listings_truth_checks_total{age="1"}', 0) >= 20 else {}
