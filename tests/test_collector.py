"""The collector leaves alone what lived when a worker was ready."""

from __future__ import annotations

import gc

import pytest
from celery.signals import worker_ready

from invalidation_worker import app  # noqa: F401 - connects what is to be done


@pytest.fixture
def _thawed():
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("_thawed")
def test_ready_worker_collects_only_what_it_makes_from_then_on():
    kept = [[number] for number in range(1_000)]
    worker_ready.send(sender=None)
    looked_at = set(map(id, gc.get_objects()))
    assert not looked_at.intersection(map(id, kept))
    assert gc.get_freeze_count() > len(kept)
