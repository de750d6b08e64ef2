"""What visitors get while others wait for pages that somebody fills slowly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from listings.cache.store import Lease, store
from tests.conftest import page_entry
from tests.waiting import eventually

WAITING = 16  # of the 32 threads of a web process


def is_near(answer) -> bool:
    return answer.cache.endswith("detail=near")


def test_near_hits_are_served_while_sixteen_requests_wait_for_slow_fills(services):
    services.start("web", "relay")
    eventually(lambda: is_near(services.get("/")), 30)
    searches = [f"list_price_min={number}" for number in range(1, WAITING + 1)]
    for search in searches:  # somebody fills these, and takes longer than anybody waits
        entry = page_entry(("property_list", search))
        assert isinstance(store("pipeline").lease(entry), Lease)
    with ThreadPoolExecutor(WAITING) as pool:
        waiting = [pool.submit(services.get, f"/listings/?{search}") for search in searches]
        eventually(lambda: sum(one.running() for one in waiting) == WAITING)
        hits = [services.get("/") for _ in range(50)]
        assert not any(one.done() for one in waiting)
        answers = [one.result() for one in waiting]
    assert all(map(is_near, hits))
    assert [answer.status for answer in answers] == [200] * WAITING
    assert not any("stored" in answer.cache for answer in answers)
