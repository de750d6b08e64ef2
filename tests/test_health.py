"""`/healthz` and `/readyz`, with each server away in turn."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.utils import timezone

from invalidation_worker.models import ChangeEvent
from tests import servers
from tests.waiting import eventually
from web import health

WELL = {"database": "ok", "cache": "ok", "broker": "ok", "pipeline": "ok"}


@pytest.fixture
def ready(platform, client):
    """Asks `/readyz`: status and answer, which tells no secret and comes whatever is silent."""

    stack = servers.stack

    def ask() -> tuple[int, dict[str, str]]:
        started = time.monotonic()
        response = client.get("/readyz")
        assert time.monotonic() - started < 20  # 1 s is meant; a silent server would take for ever
        assert response["Cache-Control"] == "no-store"
        for server in (stack.database, stack.cache, stack.broker):
            assert server.password not in response.content.decode()
            assert str(server.port) not in response.content.decode()
        return response.status_code, response.json()

    yield ask
    eventually(lambda: not askers())


def askers() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("readyz-")]


def logged(seconds_ago: float) -> None:
    """A change that has waited since then to be applied."""
    ChangeEvent.objects.create(
        table_name="listings_property",
        operation="UPDATE",
        transaction_id=1,
        logged_at=timezone.now() - timedelta(seconds=seconds_ago),
    )


def test_process_is_alive_though_nothing_else_is(client, cache_server, broker_server):
    # Without a database fixture, a query would fail the test.
    cache_server.freeze()
    broker_server.stop()
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok")
    assert response["Cache-Control"] == "no-store"


def test_all_well_is_ready(ready):
    assert ready() == (200, WELL)


def test_only_reading_is_allowed(client):
    assert client.post("/healthz").status_code == 405
    assert client.post("/readyz").status_code == 405


def test_cache_away_is_named(ready, cache_server):
    cache_server.stop()
    assert ready() == (503, {**WELL, "cache": "failed (ConnectionError)"})
    cache_server.start()
    assert ready() == (200, WELL)


def test_silent_cache_is_named_in_time(ready, cache_server):
    cache_server.freeze()
    assert ready() == (503, {**WELL, "cache": "failed (TimeoutError)"})


@pytest.mark.parametrize("policy", ["allkeys-lfu", "noeviction"])
def test_cache_with_another_eviction_policy_is_not_ready(ready, policy):
    with redis.Redis.from_url(settings.CACHE_URL) as cache:
        cache.config_set("maxmemory-policy", policy)
        try:
            assert ready() == (
                503,
                {**WELL, "cache": f"maxmemory-policy is {policy}, not volatile-lfu"},
            )
        finally:
            cache.config_set("maxmemory-policy", "volatile-lfu")


def test_broker_away_is_named(ready, broker_server):
    broker_server.stop()
    assert ready() == (503, {**WELL, "broker": "failed (ConnectionError)"})


def test_silent_broker_is_named_in_time(ready, broker_server):
    broker_server.freeze()
    assert ready() == (503, {**WELL, "broker": "failed (TimeoutError)"})
    broker_server.thaw()
    assert ready() == (200, WELL)


def test_database_away_is_named(ready, database_server):
    connection.close()  # the test's own, which would be found broken afterwards
    database_server.stop()
    failed = "failed (OperationalError)"
    assert ready() == (503, {**WELL, "database": failed, "pipeline": failed})
    database_server.start()
    assert ready() == (200, WELL)


def test_silent_database_is_named_in_time(ready, database_server):
    database_server.freeze()
    silent = "no answer within 1 s"
    assert ready() == (503, {**WELL, "database": silent, "pipeline": silent})
    database_server.thaw()
    eventually(lambda: ready() == (200, WELL))


def test_question_without_an_answer_is_not_asked_twice():
    released, asked = threading.Event(), []

    def find_out() -> str:
        asked.append(1)
        released.wait(10)
        return "ok"

    question = health.Question("patience", find_out)
    first, second = question.ask(), question.ask()
    released.set()
    assert (first.result(10), second.result(10)) == ("ok", "ok")
    assert len(asked) == 1
    assert question.ask().result(10) == "ok"
    assert len(asked) == 2


def test_young_change_is_no_reason_to_worry(ready):
    logged(seconds_ago=8)
    assert ready() == (200, WELL)


def test_change_that_nobody_applies_is_named(ready):
    logged(seconds_ago=60)
    logged(seconds_ago=0)
    status, answer = ready()
    assert status == 503
    assert answer.pop("pipeline") in {f"the oldest change has waited {n} s" for n in range(60, 63)}
    assert answer == {name: state for name, state in WELL.items() if name != "pipeline"}


def test_asking_keeps_no_connection_to_the_database(ready):
    def connections() -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            )
            return int(cursor.fetchone()[0])

    before = connections()
    for _ in range(5):
        assert ready() == (200, WELL)
    eventually(lambda: connections() == before)


def test_defect_in_a_question_is_logged_and_not_shown(ready, monkeypatch, caplog):
    def broken() -> str:
        raise KeyError("secret")

    monkeypatch.setitem(health.QUESTIONS, "broker", health.Question("broker", broken))
    assert ready() == (503, {**WELL, "broker": "failed (KeyError)"})
    assert "KeyError: 'secret'" in caplog.text
