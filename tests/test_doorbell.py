"""Signals ring the queue: once per transaction, after its commit, never waiting for a broker."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection, transaction
from django.db.models.signals import m2m_changed

from invalidation_worker.doorbell import APPLY, EXPIRES_SECONDS, Doorbell, Publisher, Ring
from invalidation_worker.pace import TURN
from listings.models import Agent, Property
from tests.scheduling import real_time
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("platform")


@pytest.fixture
def broker():
    client = redis.Redis.from_url(settings.BROKER_URL)
    client.flushdb()
    return client


def rings(broker: redis.Redis) -> list[dict[str, Any]]:
    """What rings in the queue, oldest first."""
    messages = [json.loads(raw) for raw in reversed(broker.lrange("invalidation", 0, -1))]
    assert {message["headers"]["task"] for message in messages} <= {APPLY}
    return [json.loads(base64.b64decode(message["body"]))[0][0] for message in messages]


def new(key: str, **fields: Any) -> Property:
    return Property.objects.create(listing_key=key, list_price=1, city="Kent", **fields)


def test_save_rings_with_its_table_operation_and_key(broker):
    new("A-1")
    (ring,) = eventually(lambda: rings(broker))
    assert ring == {
        "tables": ["listings_property"],
        "operations": ["INSERT"],
        "keys": ["A-1"],
        "transaction_id": None,
    }


@real_time
def test_who_rings_comes_first(broker):
    new("A-1")
    eventually(lambda: rings(broker))
    (ringing,) = (one for one in threading.enumerate() if one.name == "doorbell")
    assert ringing.native_id is not None
    assert os.sched_getparam(ringing.native_id).sched_priority == TURN


def test_transaction_rings_once_after_its_commit_with_its_id(broker):
    with transaction.atomic():
        new("A-1")
        new("A-2").delete()
        Agent.objects.create(member_key="G-1", member_full_name="Agent")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()::text::bigint")
            (transaction_id,) = cursor.fetchone()
        assert not rings(broker)
    (ring,) = eventually(lambda: rings(broker))
    assert ring == {
        "tables": ["listings_property", "listings_agent"],
        "operations": ["INSERT", "DELETE"],
        "keys": ["A-1", "A-2", "G-1"],
        "transaction_id": transaction_id,
    }


def test_ring_names_at_most_a_hundred_keys(broker):
    with transaction.atomic():
        for number in range(150):
            new(f"A-{number}")
    (ring,) = eventually(lambda: rings(broker))
    assert len(ring["keys"]) == 100


def test_rolled_back_transaction_does_not_ring(broker):
    with transaction.atomic():
        new("A-1")
        transaction.set_rollback(True)
    new("A-2")
    eventually(lambda: rings(broker))
    assert [ring["keys"] for ring in rings(broker)] == [["A-2"]]


def test_transaction_still_rings_after_its_first_savepoint_was_rolled_back(broker):
    with transaction.atomic():
        with transaction.atomic():
            new("A-1")
            transaction.set_rollback(True)
        new("A-2")
    (ring,) = eventually(lambda: rings(broker))
    assert ring["keys"] == ["A-2"]


def test_ring_goes_stale(broker):
    new("A-1")
    eventually(lambda: rings(broker))
    message = json.loads(broker.lindex("invalidation", 0))
    assert message["headers"]["expires"]
    assert EXPIRES_SECONDS == 5


def test_every_many_to_many_change_of_a_shown_model_rings(broker):
    """No shown model has such a field yet; one that gets one is listened to already."""
    home = new("A-1")
    eventually(lambda: len(rings(broker)) == 1)
    m2m_changed.send(sender=Property, instance=home, action="pre_add", using="default", pk_set={1})
    m2m_changed.send(sender=Property, instance=home, action="post_add", using="default", pk_set={1})
    eventually(lambda: len(rings(broker)) == 2)
    assert rings(broker)[1]["operations"] == ["UPDATE"]


@pytest.mark.parametrize("outage", ["stop", "freeze"])
def test_save_returns_at_once_while_the_broker_is_away(broker_server, outage):
    new("A-0")
    getattr(broker_server, outage)()
    started = time.monotonic()
    for number in range(1, 101):
        new(f"A-{number}")
    assert time.monotonic() - started < 15  # a hundred publishes would wait 0.2 s each at the least
    assert Property.objects.count() == 101


@pytest.mark.parametrize("outage", ["stop", "freeze"])
def test_publishing_gives_up_soon_and_works_again_afterwards(broker_server, outage):
    publisher = Publisher()
    assert publisher.send(APPLY, Ring(), expires=5)
    getattr(broker_server, outage)()
    started = time.monotonic()
    assert not publisher.send(APPLY, Ring(), expires=5)
    assert time.monotonic() - started < 20  # Celery's own publish would not come back at all
    broker_server.thaw()
    if not broker_server.running:
        broker_server.start()
    eventually(lambda: publisher.send(APPLY, Ring(), expires=5))


def test_rings_wait_for_the_broker_in_bounded_memory(broker_server):
    broker_server.freeze()
    bell = Doorbell()
    for _ in range(5_000):
        bell.ring(Ring())
    assert len(bell._rings) <= 1_000
