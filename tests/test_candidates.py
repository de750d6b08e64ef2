"""Leaving out what a change cannot affect leaves out nothing that it does."""

from __future__ import annotations

import random as random_module
from collections import ChainMap
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invalidation_worker import candidates as candidates_module
from invalidation_worker import judge as judge_module
from invalidation_worker.candidates import Candidates, Kept
from invalidation_worker.decide import _ALL, Change
from invalidation_worker.judge import Judge, Judged, decoded
from invalidation_worker.plan import Cause, Standing
from listings.cache.dependencies import (
    Answer,
    Count,
    Dependency,
    Facets,
    Rows,
    Search,
    Window,
    affects,
)
from listings.cache.entries import Descriptor, Entry, Layer
from listings.queries import BY_KEY
from listings.search import PropertySearch
from listings.search_index import SearchIndex, bits, positions, wanted
from listings.sort import Sort

KEYS = [f"A-{number}" for number in range(12)]
PARAMETERS: dict[str, list[str]] = {
    "property_type": ["Residential", "Land"],
    "standard_status": ["Closed", "Pending"],
    "list_price_min": ["100", "200", "200.5"],
    "list_price_max": ["300", "400"],
    "bedrooms_min": ["0", "2", "3"],
    "living_area_min": ["100"],
    "living_area_max": ["200"],
    "postal_code": ["98001"],
    "q": ["lake"],
}


def some_search(random: random_module.Random) -> str:
    names = random.sample(list(PARAMETERS), random.choice([0, 1, 1, 2, 3]))
    return PropertySearch.parse({name: random.choice(PARAMETERS[name]) for name in names}).found()


def some_image(random: random_module.Random, key: str) -> dict[str, Any]:
    """As the change log has it: numbers whole or decimal, times as text, others missing."""
    return {
        **dict.fromkeys(_ALL, None),
        "listing_key": key,
        "internet_entire_listing_display_yn": random.random() < 0.9,
        "standard_status": random.choice(["Active", "Active", "Pending", "Closed", "Withdrawn"]),
        "property_type": random.choice(["Residential", "Land"]),
        "list_price": random.choice([50, 100, 200, Decimal("200.50"), 300, 350, 400, 1000]),
        "bedrooms_total": random.choice([None, 0, 1, 2, 3, 4]),
        "living_area": random.choice([None, 50, 100, Decimal("150.5"), 200, 250]),
        "postal_code": random.choice(["98001", "98002"]),
        "original_entry_timestamp": f"2026-01-0{random.randint(1, 5)}T10:00:00+00:00",
        "city_key": "kent",
        "subdivision_name": random.choice(["", "Lake"]),
    }


def some_change(random: random_module.Random, event: int) -> Change:
    key = random.choice(KEYS)
    before, after = some_image(random, key), some_image(random, key)
    if random.random() < 0.6:  # most writes touch few columns
        touched = random.sample(list(after), 3)
        after = before | {name: after[name] for name in touched}
    came_or_went = random.choice(["", "", "", "came", "went"])
    columns = frozenset(name for name in _ALL if before[name] != after[name])
    if came_or_went:
        columns = _ALL
    elif random.random() < 0.2:
        after, columns = before, frozenset({random.choice(["media", "agent"])})
    return Change(
        event,
        key,
        None if came_or_went == "came" else before,
        None if came_or_went == "went" else after,
        columns,
    )


def some_dependency(random: random_module.Random) -> Dependency:
    search = some_search(random)
    match random.randint(0, 9):
        case 0:
            keys = tuple(random.sample(KEYS, 2))
            return Rows(keys, random.choice(["detail", "presence"]))
        case 1:
            return Search(search)
        case 2 | 3:
            return Count(search, capped=random.random() < 0.5)
        case 4:
            return Facets(search, "cities")
        case 5:
            before, at = sorted(random.sample(KEYS, 2))
            last, full = random.choice([(None, False), ((at,), True), ((at,), False)])
            first = None if last is None else (at,)
            return Window(search, BY_KEY, first, last, 0, full, after=(before,))
        case _:
            return some_window(random, search)


def some_window(random: random_module.Random, search: str) -> Window:
    sort = random.choice(list(Sort))
    places = sorted(sort.place(some_image(random, random.choice(KEYS)).get) for _ in range(2))
    position = random.choice([0, 24])
    if random.random() < 0.1:
        return Window(search, sort, None, None, position, full=False)
    return Window(search, sort, places[0], places[1], position, random.random() < 0.7)


def first_cause(dependency: Dependency, changes: list[Change]) -> Cause | None:
    """As it would be found by asking `affects` of every change."""
    for change in changes:
        before = after = Answer.NO
        if not isinstance(dependency, Rows):
            search = PropertySearch.from_canonical(dependency.search)
            before = search.matches(change.before) if change.before else Answer.NO
            after = search.matches(change.after) if change.after else Answer.NO
        if affects(dependency, Judged(Standing(change), before, after, is_capped)):
            return Cause(change.event, dependency)
    return None


def is_capped(search: str) -> bool:
    return len(search) % 2 == 0


def capped_or_not(counts: Iterable[Count]) -> dict[str, bool]:
    return {count.search: is_capped(count.search) for count in counts}


@pytest.fixture(scope="module", autouse=True)
def _no_database():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge_module.capped_counts, "note", lambda changes: None)
        patch.setattr(judge_module.capped_counts, "holding", capped_or_not)
        patch.setattr(Judge, "_ask_for_words", lambda *arguments: None)
        patch.setattr(candidates_module, "_FEW", 5)
        patch.setattr(candidates_module, "_STEP", 3)
        yield


randoms = given(random=st.randoms(use_true_random=False))
many = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


@many
@randoms
def test_judge_finds_the_same_causes_as_asking_each_dependency_about_each_change(random):
    changes = [some_change(random, event) for event in range(random.randint(1, 6))]
    dependencies = [some_dependency(random) for _ in range(40)]
    registry = {
        str(at): decoded(entry(at).descriptor((dependency,)))
        for at, dependency in enumerate(dependencies)
    }
    judge = Judge(changes)
    judge.partitions["*"] = changes
    # As it is read, in parts; an entry may come in two of them.
    parts = [dict(random.sample(list(registry.items()), 20)) for _ in range(3)]
    found = judge.affected("*", ChainMap(*parts, registry))
    for at, dependency in enumerate(dependencies):
        assert found.get(str(at)) == first_cause(dependency, changes), dependency


@many
@randoms
def test_entry_goes_if_any_of_its_dependencies_is_affected(random):
    changes = [some_change(random, event) for event in range(3)]
    dependencies = tuple(some_dependency(random) for _ in range(4))
    registry = {"one": decoded(entry(0).descriptor(dependencies))}
    judge = Judge(changes)
    judge.partitions["*"] = changes
    causes = [first_cause(dependency, changes) for dependency in dependencies]
    assert ("one" in judge.affected("*", registry)) is any(causes)


@many
@randoms
def test_rows_of_a_search_are_in_every_search_that_it_is_within(random):
    searches = [some_search(random) for _ in range(30)]
    rows = [some_image(random, "A-1") for _ in range(30)]
    for one in searches:
        assert wanted(one).is_within(wanted(one))
        for other in searches:
            if wanted(one).is_within(wanted(other)):
                narrow, wide = (PropertySearch.from_canonical(text) for text in (one, other))
                for row in rows:
                    if narrow.matches(row) is not Answer.NO:
                        assert wide.matches(row) is not Answer.NO


def test_narrower_search_is_within_a_wider_one():
    narrow = PropertySearch.parse({"list_price_min": "200", "list_price_max": "300", "q": "lake"})
    for wide in ({}, {"list_price_min": "100"}, {"list_price_max": "300"}, {"q": "lake"}):
        assert wanted(narrow.found()).is_within(wanted(PropertySearch.parse(wide).found()))
    for other in ({"list_price_min": "201"}, {"q": "quiet"}, {"bedrooms_min": "1"}):
        assert not wanted(narrow.found()).is_within(wanted(PropertySearch.parse(other).found()))


@many
@randoms
def test_index_holds_a_row_where_the_search_matches_it(random):
    searches = [some_search(random) for _ in range(30)]
    index = SearchIndex(searches)
    for _ in range(10):
        row = some_image(random, "A-1")
        found = index.holding(row)
        other = random.choice([row, {**row, "list_price": 300}, some_image(random, "A-1")])
        assert index.holding_both(row, other) == (found, index.holding(other))
        for at, text in enumerate(searches):
            answer = PropertySearch.from_canonical(text).matches(row)
            assert bool(found >> at & 1) is (answer is not Answer.NO)
            assert bool(index.full_text >> at & 1) is ("q=" in text)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@randoms
def test_kept_candidates_cover_whatever_lives_now(random):
    kept = Kept()
    pool = [some_dependency(random) for _ in range(60)]
    for _ in range(6):
        live = {id(one): one for one in random.sample(pool, random.randint(0, 60))}
        covered = [one for some in kept.covering("*", live) for one in some.dependencies]
        assert set(map(id, covered)) >= live.keys()
        assert len(covered) == len(set(map(id, covered)))


def test_kept_candidates_are_not_put_in_order_again_for_a_few_new_ones(monkeypatch):
    made = []

    class Counted(Candidates):
        def __init__(self, dependencies) -> None:
            super().__init__(dependencies)
            made.append(len(self.dependencies))

    monkeypatch.setattr(candidates_module, "Candidates", Counted)
    kept = Kept()
    pool = [Search(str(number)) for number in range(103)]
    kept.covering("*", {id(one): one for one in pool[:100]})
    kept.covering("*", {id(one): one for one in pool})
    kept.covering("*", {id(one): one for one in pool[1:]})
    assert made == [100, 3]
    kept.covering("*", {id(one): one for one in pool[:60]})
    assert made == [100, 3]


def test_kept_candidates_lose_what_has_died_when_much_is_new():
    kept = Kept()
    pool = [Search(str(number)) for number in range(300)]
    kept.covering("*", {id(one): one for one in pool[:100]})
    (only,) = kept.covering("*", {id(one): one for one in pool[90:300]})
    assert set(only.dependencies) == set(pool[90:])


def test_few_partitions_are_kept(monkeypatch):
    monkeypatch.setattr(candidates_module, "_MOST_PARTITIONS", 2)
    kept = Kept()
    pool = {id(one): one for one in [Search(str(number)) for number in range(10)]}
    for partition in "abcd":
        kept.covering(partition, pool)
    assert list(kept._kept) == ["c", "d"]


@pytest.mark.parametrize("untouched", [10, 30])
def test_partition_of_which_nearly_all_may_be_affected_is_dropped_whole(untouched):
    random = random_module.Random(1)
    images = [{**some_image(random, key), "standard_status": "Active"} for key in KEYS]
    changes = [
        Change(event, one["listing_key"], None, {**one, "postal_code": "98001"}, _ALL)
        for event, one in enumerate(images)
    ]
    judge = Judge([])
    judge.partitions["*"] = changes
    dependencies = [Count(f"list_price_min={number}", capped=False) for number in range(200)]
    dependencies[:untouched] = [
        Count(f"postal_code={number}", False) for number in range(untouched)
    ]
    registry = {
        str(at): decoded(entry(at).descriptor((one,))) for at, one in enumerate(dependencies)
    }
    found = judge.affected("*", registry)
    assert len(found) == (200 if untouched == 10 else 200 - untouched)


def test_entry_that_says_nothing_of_its_dependencies_goes_with_any_change():
    random = random_module.Random(1)
    judge = Judge([])
    judge.partitions["*"] = [some_change(random, 7)]
    registry = {"one": Descriptor("", "", ""), "two": decoded(b"unreadable")}
    assert judge.affected("*", registry) == dict.fromkeys(("one", "two"), Cause(7, None))


def test_entry_of_a_search_that_cannot_be_read_goes_with_any_change():
    field = entry(1).descriptor((Search("postal_code=" + "S" * 20),))
    assert decoded(field).dependencies is None


def test_equal_dependencies_of_two_entries_are_one_object():
    raw = [entry(at).descriptor((Search("city=kent"),)) for at in (1, 2)]
    one, two = (judge_module.decoded(field).dependencies for field in raw)
    assert one
    assert two
    assert one is not two
    assert one[0] is two[0]


@given(st.sets(st.integers(0, 300)))
def test_positions_of_a_set_are_those_that_were_put_in(some):
    assert list(positions(bits(some, 301))) == sorted(some)


def entry(at: int) -> Entry:
    return Entry(Layer.PAGE, "*", "page", str(at))
