"""How many pages are rendered at once, and what those get who would be too many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from threading import Thread

import pytest

from listings import gate
from listings.gate import Busy, rendering
from listings.site import PAGES
from tests.waiting import eventually

PLACES = 3


@pytest.fixture(autouse=True)
def _few_places(settings, monkeypatch) -> Iterator[None]:
    settings.WEB_THREADS = 2 * PLACES
    monkeypatch.setattr(gate, "QUEUE_SECONDS", 0.05)
    gate._places.cache_clear()
    yield
    gate._places.cache_clear()


def take(places: int) -> ExitStack:
    taken = ExitStack()
    for _ in range(places):
        taken.enter_context(rendering())
    return taken


def test_half_of_the_threads_render_and_the_next_one_is_told_to_come_back():
    with take(PLACES), pytest.raises(Busy), rendering():
        pass
    with take(PLACES), pytest.raises(Busy), rendering():  # all have come back, and no more
        pass


def test_a_place_comes_back_from_a_page_that_failed():
    for _ in range(2 * PLACES):
        with pytest.raises(ZeroDivisionError), rendering():
            1 / 0  # noqa: B018


def test_who_waits_gets_the_place_that_becomes_free(monkeypatch):
    monkeypatch.setattr(gate, "QUEUE_SECONDS", 30.0)
    entered = []

    def wait() -> None:
        with rendering():
            entered.append(True)

    with take(PLACES):
        waiting = Thread(target=wait)
        waiting.start()
        waiting.join(0.1)
        assert waiting.is_alive()
        assert not entered
    eventually(lambda: entered)
    waiting.join()


@pytest.mark.usefixtures("platform")
def test_pages_take_a_place_and_visitors_get_503_when_there_is_none(client):
    with take(PLACES):
        with pytest.raises(Busy):
            PAGES["home"].content("")
        answer = client.get("/listings/?bedrooms_min=2")
    assert answer.status_code == 503
    assert answer["Retry-After"]
    assert client.get("/listings/?bedrooms_min=2").status_code == 200
