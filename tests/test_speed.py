"""What pages cost beside other ways to serve them: ratios, far from where noise decides.

`make bench` measures properly; this is the same harness at a tiny size.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from itertools import islice

import msgspec
import pytest
from django.core.management import call_command

from benchmarks import inventory
from benchmarks.speed import contenders, hits, misses, paths, report, savings
from benchmarks.speed.__main__ import PARTS, _require_others, with_former
from benchmarks.speed.data import DataServers
from benchmarks.speed.load import WrongAnswer, ask_all, expect
from benchmarks.speed.meter import Meter
from benchmarks.speed.names import CACHE_PAGE, COLD, CONSTANT, NEAR, PLAIN, WARM
from benchmarks.speed.plan import DETAIL, LIST, Measured, Plan, Results, Sample, Thousand
from benchmarks.speed.processes import House, WebServer
from benchmarks.speed.sameness import DifferentPages, assert_same
from listings.search import PAGE_SIZE, PropertySearch
from tests.programs import program
from tests.services import services_environment
from tests.waiting import eventually
from web.local_servers import Guardian

FEED = "/feeds/listings.atom"
TINY = Plan(listings=600, rounds=2, seconds=1, connections=(16,), misses=30, requests=60)


@pytest.fixture
def house(platform, tmp_path):
    """Room for servers on a database with 600 listings, with a relay at work."""
    call_command("seed_listings", count=TINY.listings, seed=TINY.seed, jobs=1, verbosity=0)
    guardian = Guardian()
    house = House(guardian, {**services_environment(), "METRICS_PORT": "0"}, tmp_path)
    contenders.relay(house)
    try:
        yield house
    finally:
        guardian.close()


def total_cpu_us(rows: list[Measured], contender: str, setting: str) -> float:
    """Over all rounds: at this size a round is too short for the kernel's clock."""
    (row,) = (row for row in rows if (row.contender, row.setting) == (contender, setting))
    samples = row.samples
    return 1e6 * sum(one.server_cpu for one in samples) / sum(one.requests for one in samples)


def test_a_hit_costs_a_fraction_of_cache_page_and_hardly_more_than_constant_bytes(house):
    program("wrk")
    once = msgspec.structs.replace(TINY, rounds=1)
    rows, skipped = hits.measure(house, Meter(DataServers(house)), once, peers=False)
    assert not skipped
    near, constant, plain = (
        total_cpu_us(rows, name, "16") for name in (NEAR, CONSTANT, CACHE_PAGE)
    )
    assert near < plain / 5  # promised is a twentieth
    assert near < 2 * constant  # promised is 1.15


def test_without_wrk_hits_are_left_out_and_told_how_to_get_it(house, monkeypatch):
    monkeypatch.setenv("PATH", "")
    rows, (sentence,) = hits.measure(house, Meter(DataServers(house)), TINY)
    assert not rows
    assert "apt install wrk" in sentence


def test_a_part_measured_anew_keeps_the_others_of_the_same_plan_only(tmp_path):
    path = tmp_path / "speed.json"
    former = Results(TINY, "here", hits=[Measured(NEAR, "16", [Sample(1, 1.0, 1.0)])])
    path.write_bytes(msgspec.json.encode(former))
    anew = Results(TINY, "here", misses=[Measured(COLD, LIST, [Sample(2, 1.0, 1.0)])])
    both = with_former(anew, path, ["misses"])
    assert (both.hits, both.misses) == (former.hits, anew.misses)
    elsewhere = msgspec.structs.replace(anew, machine="elsewhere")
    assert with_former(elsewhere, path, ["misses"]) == elsewhere


def test_a_part_measured_anew_leaves_nothing_of_its_former_run(tmp_path):
    path = tmp_path / "speed.json"
    hits = [Measured(NEAR, "16", [Sample(1, 1.0, 1.0)])]
    former = Results(TINY, "here", hits=hits, left_out={"misses": ["cacheops"]})
    path.write_bytes(msgspec.json.encode(former))
    without_wrk = Results(TINY, "here", left_out={"hits": ["wrk"]})
    found = with_former(without_wrk, path, ["hits"])
    assert (found.hits, found.left_out) == ([], {"misses": ["cacheops"], "hits": ["wrk"]})
    assert "Left out: wrk." in report.run(found)
    again = with_former(Results(TINY, "here", left_out={"misses": []}), path, ["misses"])
    assert "Left out" not in report.run(again)


def test_one_part_is_published_only_beside_the_others_of_the_same_machine():
    row = Measured(NEAR, "16", [Sample(1, 1.0, 1.0)])
    with pytest.raises(SystemExit, match="hits have not been measured"):
        _require_others(
            Results(TINY, "here", thousand=[Thousand("ours", 1, 1, 1, 1.0, 1.0)]), ["misses"]
        )
    _require_others(
        Results(TINY, "here", hits=[row], thousand=[Thousand("ours", 1, 1, 1, 1.0, 1.0)]),
        ["misses"],
    )
    _require_others(Results(TINY, "here"), list(PARTS))


def test_pages_from_cached_querysets_cost_less_than_an_ordinary_site_that_says_the_same(house):
    pages = paths.new_pages(inventory.load(), TINY.seed)
    rows, _ = misses.measure(house, Meter(DataServers(house)), pages, TINY, peers=False)
    assert {row.contender for row in rows} == {PLAIN, COLD, WARM}
    assert total_cpu_us(rows, WARM, LIST) < 0.7 * total_cpu_us(rows, PLAIN, LIST)
    assert total_cpu_us(rows, WARM, DETAIL) < 0.9 * total_cpu_us(rows, PLAIN, DETAIL)
    assert total_cpu_us(rows, COLD, LIST) < total_cpu_us(rows, PLAIN, LIST)


def test_the_ordinary_site_answers_every_kind_of_page_as_ours_does(house):
    house.environment["SITE_URL"] = "https://homes.example"
    ours, ordinary = contenders.ours(house), contenders.ordinary(house)
    known = inventory.load()
    (city, _), *_, (small, _) = known.cities()
    found = f"?city={city}&list_price_max=900000"
    narrow = ("?property_type=Residential+Lease", "?list_price_min=400000")  # offers find all, none
    listing, sold = known.on_market()[0], next(h for h in known.homes if h.status == "Closed")
    pages = ["/", "/cities/", f"/cities/{city}/", f"/cities/{small}/"]
    pages += [f"/fragments/similar/{home.city_key}/{home.key}/" for home in (listing, sold)]
    pages += [f"{at}{query}" for at in ("/fragments/facets/", FEED) for query in ("", found)]
    pages += [f"/fragments/facets/{query}" for query in narrow]
    for path in pages:
        assert_same(_answer(ours, path), _answer(ordinary, path), path)
    resources = [f"/api/v1/properties{query}" for query in ("", found, "?sort=-price")]
    resources += [f"/api/v1/properties/{home.key}" for home in (listing, sold)]
    for path in resources:
        assert json.loads(_answer(ours, path)) == json.loads(_answer(ordinary, path)), path


def _answer(site: WebServer, path: str) -> str:
    response, body = site.get(path)
    assert response.status == 200, path
    return body.decode()


def test_requests_that_come_again_need_no_query(house):
    asked = paths.visited(inventory.load(), TINY.seed, TINY.requests)
    plain, empty, again, _ = savings.measure(house, asked)
    assert plain.queries > 2 * TINY.requests
    assert 0 < empty.queries < plain.queries
    assert (again.queries, again.hits) == (0, TINY.requests)


def test_new_pages_are_full_and_share_no_search(platform):
    call_command("seed_listings", count=600, seed=1, jobs=1, verbosity=0)
    known = inventory.load()
    found = list(islice(paths.lists(known, 1), 80))
    searches = [PropertySearch.from_canonical(path.partition("?")[2]) for path in found]
    assert len({search.found() for search in searches}) == 80
    for search in searches:
        assert sum(_matches(search, home) for home in known.on_market()) >= PAGE_SIZE
    with pytest.raises(ValueError, match="more listings"):
        paths.some(paths.details(known, 1), 601)


def _matches(search: PropertySearch, home: inventory.Home) -> bool:
    in_city = search.city in ("", home.city_key)
    return in_city and home.price <= (search.list_price_max or 0)


def test_an_answer_that_is_no_miss_ends_the_measurement(house):
    server = contenders.ours(house)
    check = expect("Cache-Status", misses.MISS)
    prices = itertools.count(1)

    def are_misses() -> bool:
        """Not while the platform has just been started, and empties its cache."""
        pages = [f"/listings/?list_price_min={next(prices)}" for _ in range(2)]
        with contextlib.suppress(WrongAnswer):
            return ask_all(server.port, pages, 2, check).requests == 2
        return False

    eventually(are_misses)
    ask_all(server.port, ["/listings/"], 1, lambda response: None)
    with pytest.raises(WrongAnswer, match="hit"):
        ask_all(server.port, ["/listings/"], 2, check)
    with pytest.raises(WrongAnswer, match="404"):
        ask_all(server.port, ["/listings/none/"], 1, lambda response: None)


@pytest.mark.parametrize(
    "other",
    [
        '<p>Two beds</p><a href="/a">A</a>',
        '<p>Three beds</p><a href="/b">A</a>',
        '<p>Three beds</p><a href="/a">A</a><img src="/x">',
        "<p>Three beds</p>",
    ],
)
def test_pages_that_say_something_else_are_told_apart(other):
    page = '<p class="x">Three\n beds</p><a href="/a">A</a>'
    assert_same(page, '<p>Three beds</p> <a  href="/a">A</a>', "same")
    with pytest.raises(DifferentPages):
        assert_same(page, other, "other")


def test_promises_are_judged_by_the_median_of_the_ratios_of_each_round():
    def row(contender: str, *cpu: float) -> Measured:
        return Measured(contender, "64", [Sample(1_000, 1.0, used) for used in cpu])

    plain = row(CACHE_PAGE, 1.0, 1.0, 2.0)
    kept = Results(TINY, "", hits=[row(NEAR, 0.04, 0.9, 0.04), plain])
    lost = Results(TINY, "", hits=[row(NEAR, 0.04, 0.06, 0.13), plain])
    assert not report.broken(kept)
    (sentence,) = report.broken(lost)
    assert sentence.endswith("is 0.06, not at most 0.05")
    assert "| no" in report.promised(lost)
