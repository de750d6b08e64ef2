"""Searches of words: the database is asked, at apply, whether they find what has changed."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from invalidation_worker import judge
from listings import views
from listings.cache.counters import Outcome
from listings.models import Property
from tests.conftest import apply_all

pytestmark = pytest.mark.usefixtures("platform")


@pytest.fixture(autouse=True)
def _homes(platform):
    for key, words in (("A-1", "A view of the lake"), ("A-2", "A quiet street")):
        Property.objects.create(listing_key=key, list_price=500_000, public_remarks=words)
    apply_all()


def dropped(q: str, **changes: object) -> bool:
    """Whether the page of a search is dropped when listing A-1 changes."""
    views.property_list.warm(f"q={q}")
    Property.objects.filter(pk="A-1").update(**changes)
    apply_all()
    return views.property_list.warm(f"q={q}") is not Outcome.HIT


@pytest.mark.parametrize(
    ("q", "changes", "is_dropped"),
    [
        ("lake", {"list_price": 1}, True),
        ("quiet", {"list_price": 1}, False),
        ("lake", {"public_remarks": "On the lake"}, False),  # cards show no remarks
        ("lake", {"public_remarks": "A garden"}, True),
        ("garden", {"public_remarks": "A garden"}, True),
        ("quiet", {"public_remarks": "A garden"}, False),
        ("quiet", {"standard_status": "Withdrawn"}, False),
        ("lake", {"standard_status": "Withdrawn"}, True),
    ],
)
def test_search_of_words_is_dropped_only_if_they_find_the_listing(q, changes, is_dropped):
    assert dropped(q, **changes) is is_dropped


def test_search_of_words_is_dropped_unasked_where_asking_would_take_too_long(monkeypatch):
    monkeypatch.setattr(judge, "MOST_PAIRS", 0)
    assert dropped("quiet", list_price=1)


def test_all_words_are_asked_for_at_once_in_each_layer():
    for q in ("lake", "quiet", "garden", "view"):
        views.property_list.warm(f"q={q}")
    Property.objects.filter(pk="A-1").update(list_price=1)
    with CaptureQueriesContext(connection) as asked:
        apply_all()
    questions = [query for query in asked if "websearch_to_tsquery" in query["sql"]]
    assert len(questions) == 1  # pages search for the words that querysets have asked about
