"""Scripts run the quick way: loaded where they are missing, and asked again as redis-py would."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from listings.cache import quick_script
from listings.cache.entries import Entry, Header, Layer, lease_key, value_key
from listings.cache.store import Lease, Store, Wait, expiry, store

ENTRY = Entry(Layer.PAGE, "cquick", "page", "quick")
OTHER = Entry(Layer.PAGE, "cquick", "page", "other")


@pytest.fixture
def quick() -> Store:
    """The visitors' store, which has asked something before."""
    store("pipeline").flush()
    quick = store()
    quick.client.ping()
    return quick


def lose_answers(patch: pytest.MonkeyPatch, number: int) -> None:
    """The server hears of it, and the connection breaks before so many answers have come."""
    left = [number]
    really = quick_script._Line._answer

    def lost(self: quick_script._Line, line: socket.socket) -> object:
        answer = really(self, line)
        if left[0]:
            left[0] -= 1
            raise ConnectionResetError("lost")
        return answer

    patch.setattr(quick_script._Line, "_answer", lost)


def test_a_script_that_the_server_has_forgotten_is_loaded_again(quick):
    quick.client.script_flush()
    assert isinstance(quick.lease(ENTRY), Lease)
    assert quick.lease(ENTRY) == Wait()


def test_connections_that_the_server_has_closed_are_replaced(quick):
    assert isinstance(quick.lease(ENTRY), Lease)
    store("pipeline").client.client_kill_filter(_type="normal", skipme=True)
    assert quick.lease(ENTRY) == Wait()


def test_an_answer_that_is_lost_once_is_asked_for_again(quick, monkeypatch):
    lose_answers(monkeypatch, 1)
    lease = quick.lease(ENTRY)
    assert isinstance(lease, Lease)
    assert quick.client.lrange(lease_key(ENTRY.partition, ENTRY.digest), 0, -1) == [
        lease.token.encode()
    ]


def test_an_answer_that_is_lost_twice_is_an_error_and_harms_nobody(quick, monkeypatch):
    lose_answers(monkeypatch, 2)
    with pytest.raises(redis.ConnectionError):
        quick.lease(ENTRY)
    assert isinstance(quick.lease(OTHER), Lease)


def test_an_answer_that_comes_too_late_is_nobody_elses(quick, cache_server):
    cache_server.freeze()
    with pytest.raises(redis.TimeoutError):
        quick.lease(ENTRY)
    cache_server.thaw()
    assert isinstance(quick.lease(OTHER), Lease)
    assert quick.lease(OTHER) == Wait()


def test_what_the_server_refuses_is_an_error_and_harms_nobody(quick):
    quick.client.hset(value_key(ENTRY.partition, ENTRY.digest), "no", "text")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        quick.lease(ENTRY)
    assert isinstance(quick.lease(OTHER), Lease)


def test_who_is_interrupted_before_the_answer_leaves_it_to_nobody(quick, monkeypatch):
    def interrupted(*_: object) -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(quick_script._Line, "_answer", interrupted)
        with pytest.raises(KeyboardInterrupt):
            quick.lease(ENTRY)
    assert isinstance(quick.lease(OTHER), Lease)


def test_long_answers_come_whole(quick):
    lease = quick.lease(ENTRY)
    body = os.urandom(3 * quick_script.READ_BYTES)
    assert quick.fill(ENTRY, lease, Header(lease.granted_at, expiry(ENTRY.layer, lease, 0)), body)
    assert quick.lease(ENTRY).body == body


def test_threads_get_their_own_answers(quick):
    entries = [Entry(Layer.PAGE, "cquick", "page", str(number)) for number in range(400)]
    for entry in entries:
        lease = quick.lease(entry)
        header = Header(lease.granted_at, expiry(entry.layer, lease, 0))
        assert quick.fill(entry, lease, header, entry.arguments.encode())
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(quick.lease, entries))
    assert [answer.body.decode() for answer in answers] == [one.arguments for one in entries]


def test_one_line_serves_whoever_asks_one_after_the_other(quick):
    quick.lease(ENTRY)
    idle = idle_lines(quick)
    for _ in range(5):
        quick.lease(ENTRY)
    assert idle_lines(quick) == idle != []


def test_a_child_process_leaves_its_parents_lines_alone(quick):
    assert isinstance(quick.lease(ENTRY), Lease)
    child = os.fork()
    if not child:
        os._exit(bool(idle_lines(quick)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert idle_lines(quick)
    assert quick.lease(ENTRY) == Wait()


def idle_lines(quick: Store) -> list[object]:
    return list(quick._lease._lines._idle)
