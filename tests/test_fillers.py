"""Fillers: other processes fill pages just as this one would, and it does if they cannot."""

from __future__ import annotations

import gzip
import itertools
import os
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import psutil
import pytest
from django.db import connection

from listings.cache import counters, endings, reading, spared
from listings.cache.counters import Outcome
from listings.cache.entries import Layer
from listings.cache.filling import Answer, fill_pages_elsewhere
from listings.cache.near import near
from listings.cache.store import Lease, store
from listings.models import Property
from listings.pages import CachedPage
from listings.site import PAGES
from tests.conftest import apply_all, page_entry, stored_page
from tests.services import services_environment
from tests.waiting import eventually
from web import fillers as fillers_module
from web.filler import Line
from web.fillers import Fillers

pytestmark = pytest.mark.usefixtures("platform")

KENT = ("property_list", "city=kent")
LIST = PAGES["property_list"]


@pytest.fixture
def fillers(platform, monkeypatch) -> Iterator[Fillers]:
    """One filler, which fills for this process."""
    for name, value in services_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(fillers_module, "AGAIN_SECONDS", 0.2)
    monkeypatch.setattr(fillers_module, "PATIENCE_SECONDS", 30.0)
    Property.objects.create(listing_key="A-1", list_price=1, city="Kent")
    apply_all()
    found = Fillers(1, itertools.count(1).__next__)  # there are always new hits
    eventually(lambda: found.running)
    fill_pages_elsewhere(found)
    yield found
    fill_pages_elsewhere(None)
    last = idle(found)
    # Nobody starts another: whoever keeps it sleeps on until the tests are over.
    monkeypatch.setattr(fillers_module, "AGAIN_SECONDS", 1e6)
    last.kill()
    eventually(lambda: not found.running)
    eventually(nobody_else_is_connected)  # or the database could not be dropped


@pytest.fixture
def nothing_is_made_here(monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("made here")

    monkeypatch.setattr(CachedPage, "_content", fail)


@pytest.fixture
def made_here(monkeypatch) -> list[str]:
    """Names of pages that this process has made."""
    made: list[str] = []
    make = CachedPage._content

    def note(page, about):
        made.append(page.name)
        return make(page, about)

    monkeypatch.setattr(CachedPage, "_content", note)
    return made


def nobody_else_is_connected() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        (others,) = cursor.fetchone()
    return others == 0


def idle(fillers: Fillers) -> psutil.Process:
    """The process of the one filler, once it has nothing to do."""
    (found,) = eventually(lambda: list(fillers._free))
    return psutil.Process(found.process.pid)


def stopped(fillers: Fillers) -> psutil.Process:
    """The same, which from now on does not answer."""
    process = idle(fillers)
    process.suspend()
    return process


def visit(city: str = "Kent") -> Answer:
    """In whatever thread: its connection does not outlive this."""
    try:
        return LIST.visit({"city": city}, {}).answer
    finally:
        if threading.current_thread() is not threading.main_thread():
            connection.close()


def lease() -> Lease:
    answer = store().lease(page_entry(KENT))
    assert isinstance(answer, Lease)
    return answer


@pytest.mark.usefixtures("fillers", "nothing_is_made_here")
def test_missed_page_is_made_by_a_filler_alone():
    assert visit().outcome is Outcome.STORED
    assert visit().outcome is Outcome.HIT


def test_filler_makes_what_would_be_made_here(fillers):
    made_there, made_here = visit().content, LIST.content(KENT[1])
    stored = stored_page(KENT)
    assert stored is not None
    assert made_there.body == stored.body
    assert made_there.etag == stored.header.etag
    assert shown(made_there.body) == shown(made_here.body)


def shown(body: bytes) -> str:
    """The page, whether or not the names of its static files have hashes."""
    return re.sub(r"\.[0-9a-f]{12}(?=\.)", "", gzip.decompress(body).decode())


def test_page_depends_on_the_same_wherever_it_was_made(fillers):
    visit()
    Property.objects.filter(listing_key="A-1").update(list_price=2)
    apply_all()
    assert stored_page(KENT) is None


def test_change_during_the_fill_of_a_filler_leaves_nothing_stored(fillers):
    granted = lease()
    Property.objects.filter(listing_key="A-1").update(list_price=2)
    apply_all()
    answer = fillers(page_entry(KENT), granted, 0)
    assert answer is not None
    assert answer.outcome is Outcome.UNSTORED
    assert stored_page(KENT) is None


def test_filler_takes_no_part_that_is_older_than_the_page_may_be(fillers):
    visit()
    store("pipeline").client.delete(f"v:{{{page_entry(KENT).partition}}}:{page_entry(KENT).digest}")
    granted = lease()
    answer = fillers(page_entry(KENT), granted, granted.granted_at)
    assert answer is not None
    assert answer.as_of >= granted.granted_at


def test_what_a_filler_counts_is_counted_once_by_its_web_process(fillers):
    counters.flush()
    before, told_before = counters.counted(), counters.totals()
    asked, fills = spared.asked.number, endings.fill_seconds[Layer.PAGE].observed()
    visit()
    visit()
    counters.flush()
    now, told = counters.counted(), counters.totals()
    assert now[Layer.PAGE, Outcome.STORED] - before[Layer.PAGE, Outcome.STORED] == 1
    assert now[Layer.PAGE, Outcome.HIT] - before[Layer.PAGE, Outcome.HIT] == 1
    assert now[Layer.QUERYSET, Outcome.STORED] > before[Layer.QUERYSET, Outcome.STORED]
    assert spared.asked.number > asked
    assert endings.fill_seconds[Layer.PAGE].observed().at_most[-1] == fills.at_most[-1] + 1
    for (layer, outcome), number in now.items():
        came = number - before[layer, outcome]
        assert told[layer][outcome] - told_before[layer][outcome] == came


def test_refusals_and_waits_of_a_filler_are_its_web_processs(fillers):
    before = endings.refusals()
    granted = lease()
    store("pipeline").flush()
    fillers(page_entry(KENT), granted, 0)
    now = endings.refusals()
    lost = Layer.PAGE, endings.Refusal.LEASE_LOST
    assert now[lost] == before[lost] + 1


def test_dead_filler_is_replaced_and_its_pages_are_made_here_meanwhile(fillers, made_here):
    dead = idle(fillers)
    dead.kill()
    eventually(lambda: not fillers.running)
    assert visit().outcome is Outcome.STORED
    assert made_here == ["property_list"]
    eventually(lambda: fillers.running)
    store("pipeline").flush()
    made_here.clear()
    assert visit().outcome is Outcome.STORED
    assert not made_here


def test_page_is_made_here_when_its_filler_dies_over_it(fillers, made_here):
    busy = stopped(fillers)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(visit)
        eventually(lambda: not fillers._free)
        busy.kill()
        assert answer.result(30).outcome is Outcome.STORED
    assert made_here == ["property_list"]


def test_filler_that_takes_too_long_is_given_up(fillers, made_here):
    stuck = stopped(fillers)
    fillers._free[0].line._stream.settimeout(0.05)
    assert visit().outcome is Outcome.STORED
    assert made_here == ["property_list"]
    eventually(lambda: not stuck.is_running() or stuck.status() == psutil.STATUS_ZOMBIE)
    eventually(lambda: fillers.running)


def test_who_finds_no_filler_free_makes_the_page(fillers, made_here, monkeypatch):
    monkeypatch.setattr(fillers_module, "PATIENCE_SECONDS", 0.01)
    busy = stopped(fillers)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(visit)
        eventually(lambda: not fillers._free)
        assert visit("Auburn").outcome is Outcome.STORED
        assert made_here == ["property_list"]
        busy.resume()
        assert first.result(30).outcome is Outcome.STORED
    assert made_here == ["property_list"]


def test_who_waits_for_a_filler_gets_the_next_that_is_free(fillers, made_here):
    busy = stopped(fillers)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(visit)
        eventually(lambda: not fillers._free)
        second = pool.submit(visit, "Auburn")
        eventually(lambda: fillers._changed._waiters)  # type: ignore[attr-defined]
        busy.resume()
        assert first.result(30).outcome is second.result(30).outcome is Outcome.STORED
    assert not made_here


def test_filler_that_fails_says_so_and_goes_on(fillers):
    wrong = msgspec.structs.replace(page_entry(KENT), name="similar_homes", arguments="nowhere")
    assert fillers(wrong, lease(), 0) is None
    store("pipeline").flush()
    assert visit().outcome is Outcome.STORED


def test_page_that_is_quick_is_made_here(fillers, made_here):
    assert PAGES["property_detail"].visit({}, {"listing_key": "A-1"}).answer.content.status == 200
    assert made_here == ["property_detail"]


def test_pages_are_made_here_while_nobody_gets_hits(fillers, made_here, monkeypatch):
    monkeypatch.setattr(fillers_module, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(fillers, "_hits", fillers_module.hits)
    visit("Auburn")  # hits of other tests are seen
    made_here.clear()
    assert visit("Kent").outcome is Outcome.STORED
    assert made_here == ["property_list"]
    assert visit("Kent").outcome is Outcome.HIT
    assert visit("Renton").outcome is Outcome.STORED
    near.hits += 1
    assert visit("Seattle").outcome is Outcome.STORED
    assert made_here == ["property_list"]
    assert visit("Tacoma").outcome is Outcome.STORED
    assert len(made_here) == 2


def test_warming_asks_no_filler(fillers, made_here):
    LIST.warm(KENT[1])
    assert made_here == ["property_list"]


def test_fill_of_a_filler_wakes_who_waits_for_the_page_here(fillers, monkeypatch):
    monkeypatch.setattr(reading, "LOOK_AGAIN_SECONDS", (60.0,))
    monkeypatch.setattr(reading, "WAIT_SECONDS", 60.0)
    busy = stopped(fillers)
    listed = threading.Event()
    wait = reading.waiters.listed

    def listed_then(entry):
        listed.set()
        return wait(entry)

    monkeypatch.setattr(reading.waiters, "listed", listed_then)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(visit)
        eventually(lambda: not fillers._free)
        second = pool.submit(visit)
        eventually(listed.is_set)
        busy.resume()
        assert first.result(30).outcome is Outcome.STORED
        assert second.result(30).outcome is Outcome.HIT


def test_message_of_any_length_arrives_whole():
    ours, theirs = map(Line, socket.socketpair())
    with ThreadPoolExecutor(1) as pool:
        for length in (0, 1, 4, 65_531, 65_532, 65_533, 3_000_000):
            message = os.urandom(length)
            sending = pool.submit(ours.send, message)
            assert theirs.receive() == message
            sending.result(30)
    ours.close()
    with pytest.raises(EOFError):
        theirs.receive()
    theirs.close()


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="only Linux has real time")
def test_filler_runs_as_all_others_do(fillers):
    assert os.sched_getscheduler(idle(fillers).pid) == os.SCHED_OTHER


def test_fillers_end_with_their_web_process_and_the_next_has_its_own(services):
    services.variables = {"WEB_FILLERS": "2"}
    services.start("web")

    def running() -> list[psutil.Process]:
        web = psutil.Process(services.processes["web"].pid)
        everybody = web.children(recursive=True)
        return [one for one in everybody if "web.filler" in " ".join(one.cmdline())]

    eventually(lambda: len(running()) == 2)
    first = running()
    worker = first[0].parent()
    assert worker is not None
    worker.kill()
    eventually(lambda: not any(one.is_running() for one in first))
    eventually(lambda: len(running()) == 2)
    assert services.get("/listings/").status == 200
