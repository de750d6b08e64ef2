"""How many changes took a listing out of a search: as many as asking each of them finds."""

from __future__ import annotations

import random as random_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invalidation_worker import losses as losses_module
from invalidation_worker.decide import Change
from invalidation_worker.losses import Known, Losses
from listings.cache.dependencies import Answer
from listings.search import SEARCHED, PropertySearch
from listings.search_index import wanted
from tests.test_candidates import some_change, some_search

randoms = given(random=st.randoms(use_true_random=False))


def is_stop(change: Change, search: str) -> bool:
    matches = PropertySearch.from_canonical(search).matches
    was = change.before is not None and matches(change.before) is not Answer.NO
    return was and (change.after is None or matches(change.after) is Answer.NO)


@settings(max_examples=200, deadline=None)
@randoms
def test_as_many_stops_are_known_as_asking_each_change_finds(random: random_module.Random):
    losses = Losses()
    changes = [some_change(random, event) for event in range(1, 30)]
    for start in range(0, 30, 10):
        losses.note(changes[start : start + 10])
    for settled in (0, random.randrange(30), 30):
        later = [change for change in changes if change.event > settled]
        for search in (some_search(random) for _ in range(10)):
            stops = sum(is_stop(change, search) for change in later)
            if "q=" in search:
                stops = len(later)  # nobody knows what full text finds
            assert losses.since(wanted(search), settled) == Known(len(later), stops)


def test_change_that_comes_again_counts_once():
    losses = Losses()
    changes = [some_change(random_module.Random(1), event) for event in (1, 2)]
    losses.note(changes)
    losses.note(changes)
    assert losses.since(wanted(""), 0).changes == 2


def test_change_that_cannot_be_read_is_not_known_and_moves_no_other():
    random = random_module.Random(1)
    losses = Losses()
    changes = [some_change(random, event) for event in range(1, 20)]
    losses.note(changes[:10])
    with pytest.raises(KeyError):
        losses.note([Change(20, "A-1", {}, None, SEARCHED)])
    losses.note(changes[10:])
    stops = sum(is_stop(change, "") for change in changes)
    assert stops
    assert losses.since(wanted(""), 0) == Known(19, stops)


def test_oldest_changes_are_forgotten(monkeypatch):
    monkeypatch.setattr(losses_module, "BLOCK", 5)
    losses = Losses()
    kept = 5 * losses_module.MOST_BLOCKS
    losses.note(some_change(random_module.Random(1), event) for event in range(1, 2 * kept + 1))
    assert losses.since(wanted(""), 0).changes == kept


def test_what_bounds_make_of_changes_is_not_remembered_for_ever(monkeypatch):
    monkeypatch.setattr(losses_module, "MOST_REMEMBERED", 10)
    losses = Losses()
    losses.note([some_change(random_module.Random(1), 1)])
    for price in range(100):
        assert losses.since(wanted(f"list_price_min={price + 1}"), 0).changes == 1
    assert len(losses._blocks[0]._meeting) <= 10
