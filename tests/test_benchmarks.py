"""The benchmarks' workload, and a round of the platform's own."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice

import pytest
from django.conf import settings
from django.core.management import call_command

from benchmarks import contestants, inventory, promises, querysets, reads, writes
from benchmarks.contestants.ours import Ours
from benchmarks.inventory import Home, Inventory
from benchmarks.reads import Read
from benchmarks.round import Round
from benchmarks.tally import Tally
from benchmarks.workload import interleaved
from benchmarks.writing import carry_out
from invalidation_worker import apply as apply_module
from listings import queries
from listings.api.pages import PAGE_SIZE
from listings.browsing import CITY_CARDS
from listings.facets import facets
from listings.keyset import cards_after
from listings.search import PropertySearch
from listings.similar import similar
from listings.site import PAGES
from listings.vocabulary import ON_MARKET
from tests.conftest import apply_all

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CITIES = ("Seattle", "Kent", "Auburn")


def home(number: int) -> Home:
    city = CITIES[number % 5 % 3]
    status = ON_MARKET[number % 4].value
    entered = NOW - timedelta(days=number % 70)
    return Home(f"A-{number:05}", city, city.lower(), "WA", status, 500_000, entered)


HOMES = Inventory(tuple(map(home, range(2_000))), ("G-1", "G-2"))


def some_reads(number: int, seed: int = 1) -> list[Read]:
    return list(islice(reads.reads(HOMES, seed), number))


def some_writes(number: int, seed: int = 1) -> list[writes.Write]:
    return list(islice(writes.writes(HOMES, seed), number))


def test_equal_seeds_make_equal_workloads_and_others_do_not():
    assert some_reads(500) == some_reads(500)
    assert some_writes(500) == some_writes(500)
    assert some_reads(500) != some_reads(500, seed=2)
    assert some_writes(500) != some_writes(500, seed=2)


@pytest.mark.parametrize(
    ("made", "shares"), [(some_reads, reads.SHARES), (some_writes, writes.SHARES)]
)
def test_kinds_come_in_their_shares(made, shares):
    kinds = Counter(one.kind for one in made(8_000))
    assert kinds.keys() == shares.keys()
    for kind, share in shares.items():
        expected = share / sum(shares.values())
        assert kinds[kind] / 8_000 == pytest.approx(expected, abs=0.02)


def test_first_pages_popular_listings_and_young_ones_are_asked_for_most():
    asked = [read for read in some_reads(20_000) if read.kind == "detail"]
    ranked = [number for _, number in Counter(read.arguments for read in asked).most_common()]
    assert sum(ranked[:200]) > 5 * sum(ranked[-200:])
    young = {home.key for home in HOMES.homes if home.entered > NOW - timedelta(days=7)}
    share_of_young = sum(read.arguments in young for read in asked) / len(asked)
    assert share_of_young > 1.5 * len(young) / len(HOMES.homes)
    lists = [read.arguments for read in some_reads(20_000) if read.kind == "list"]
    assert 0.5 < sum("page=" not in arguments for arguments in lists) / len(lists) < 0.75


def test_every_kind_of_page_that_visitors_open_is_asked_for():
    pages = {read.page for read in some_reads(4_000)}
    assert pages == PAGES.keys() - {"city_list", "sitemap", "city_sitemap"}


def test_peers_find_the_homes_that_ours_shows(platform):
    call_command("seed_listings", count=300, seed=1, jobs=1, verbosity=0)
    known = inventory.load()
    cities = {home.city_key: home.city for home in known.homes}
    ask = partial(querysets.evaluated, cities=cities)
    compared: Counter[str] = Counter()
    for read in islice(reads.reads(known, 1), 1_500):
        shown = keys_shown(read)
        found = querysets.page(read, ask)
        if shown is not None:
            assert [row[0] for row in found[0]] == shown, read
            compared[read.page] += 1
        elif read.page == "search_facets":
            search = PropertySearch.from_canonical(read.arguments)
            assert found[0][0] == facets(search).count
            offered = {one.count for one in facets(search).refinements}
            assert offered <= set(found[0][1:])
            compared[read.page] += 1
    assert min(compared.values()) > 3
    assert len(compared) == 6


def keys_shown(read: Read) -> list[str] | None:
    """The homes on this page in their order, if it is one of several homes."""
    if read.page in ("property_list", "feed"):
        cards = queries.window(PropertySearch.from_canonical(read.arguments))
    elif read.page == "city_page":
        cards = queries.window(PropertySearch(city=read.arguments), CITY_CARDS)
    elif read.page == "similar_homes":
        cards = similar(*read.arguments.split(" ")) or ()
    elif read.page == "api_properties":
        cards = cards_after(PropertySearch.from_canonical(read.arguments), None, PAGE_SIZE)
    else:
        return None
    return [card.listing_key for card in cards]


def test_no_write_changes_a_listing_that_has_left_the_market():
    gone: set[str] = set()
    for write in some_writes(3_000):
        assert write.key not in gone
        assert write.like not in gone
        status = write.values.get("standard_status")
        if status is not None and status not in ON_MARKET:
            gone.add(write.key)
    assert len(gone) > 100


def test_reads_and_writes_are_interleaved_evenly_in_time():
    happenings = list(interleaved(some_reads(100), some_writes(100), 2, 20, 5))
    assert [h.at for h in happenings] == sorted(h.at for h in happenings)
    written = [h.at for h in happenings if not isinstance(h.what, Read)]
    assert written == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9, 1.1, 1.3, 1.5, 1.7, 1.9])
    assert len(happenings) == 50


@pytest.fixture
def ours(platform, monkeypatch):
    """The platform as a contestant, before 300 listings."""
    monkeypatch.setattr(apply_module, "invalidate", apply_module.invalidate)  # to be put back
    call_command("seed_listings", count=300, seed=1, jobs=1, verbosity=0)
    apply_all()
    return Ours()


def played(ours: Ours) -> Tally:
    """A round of 200 reads and 40 writes, every dropped entry looked at."""
    known = inventory.load()
    happenings = interleaved(reads.reads(known, 1), writes.writes(known, 1), 2, 100, 20)
    return Round(ours, contestants.Queries(), Tally("ours", 20)).run(happenings)


def test_a_round_of_ours_leaves_nothing_stale_and_drops_hardly_anything_else(ours):
    tally = played(ours)
    assert (tally.reads, tally.writes) == (200, 40)
    assert tally.hits > 20
    assert tally.dropped > 40
    assert tally.live_checked > 50
    assert not tally.live_stale
    assert not tally.reads_stale
    assert not promises.broken([tally])


def test_a_round_sees_what_is_not_invalidated(ours, monkeypatch):
    monkeypatch.setattr(Ours, "write", lambda _, write: carry_out(write))
    tally = played(ours)
    assert tally.live_stale
    assert any(sentence.startswith("recall") for sentence in promises.broken([tally]))


def test_broken_promises_are_named():
    still = Tally("ours", 0.0, reads=100, hits=90)
    busy = Tally("ours", 10.0, reads=100, hits=87, dropped_looked_at=100, dropped_changed=94)
    sentences = promises.broken([still, busy])
    assert [sentence.partition(":")[0] for sentence in sentences] == ["precision", "hit ratio"]


def test_every_table_and_plot_of_the_documentation_is_there():
    docs = settings.BASE_DIR / "docs"
    text = (docs / "benchmarks.md").read_text()
    marks = re.findall(r"^<!-- (?!end of )(.+) -->$", text, re.MULTILINE)
    assert {"table", "speed hits", "mixed rounds", "mixed-1000000 rounds", "plans kinds"} <= {
        *marks
    }
    for mark in marks:
        part = text.partition(f"<!-- {mark} -->\n")[2].partition(f"<!-- end of {mark} -->\n")
        assert part[1], mark
        assert part[0].strip(), mark
    for plot in re.findall(r"\]\(([\w-]+\.(?:png|svg))\)", text):
        assert (docs / plot).exists(), plot
