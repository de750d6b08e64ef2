"""Scripts run the quick way: loaded where they are missing, and asked again as redis-py would."""

from __future__ import annotations

import pytest
import redis

from listings.cache.entries import Entry, Layer, lease_key, value_key
from listings.cache.store import Lease, Store, Wait, store

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
    really = redis.Connection.read_response

    def lost(self: redis.Connection, *arguments: object, **named: object) -> object:
        answer = really(self, *arguments, **named)
        # A list is the answer of our script; a new connection is greeted with others.
        if left[0] and isinstance(answer, list):
            left[0] -= 1
            self.disconnect()
            raise redis.ConnectionError("lost")
        return answer

    patch.setattr(redis.Connection, "read_response", lost)


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


def test_connections_go_back_to_their_pool(quick):
    for _ in range(5):
        quick.lease(ENTRY)
    idle = len(quick.client.connection_pool._available_connections)
    for _ in range(5):
        quick.lease(ENTRY)
    assert len(quick.client.connection_pool._available_connections) == idle > 0
    assert not quick.client.connection_pool._in_use_connections
