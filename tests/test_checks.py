"""Settings that are refused together."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from invalidation_worker.checks import cache_and_broker_are_apart

ONE_PLACE = [
    ("redis://cache:6379/0", "redis://cache:6379/0"),
    ("redis://:one@cache/1", "redis://user:two@CACHE:6379/1"),
    ("redis://cache", "redis://cache:6379/0"),
    ("redis://cache/3", "redis://cache?db=3"),
    ("redis://cache/3", "rediss://cache/3"),
    ("redis://localhost/0", "redis://127.0.0.1/0"),
    ("redis://[::1]/0", "redis://localhost:6379"),
    ("redis://cache/0", "redis://cache/0?socket_timeout=5"),
]
TWO_PLACES = [
    ("redis://cache/0", "redis://broker/0"),
    ("redis://cache:6379/0", "redis://cache:6380/0"),
    ("redis://cache/0", "redis://cache/1"),
    ("unix:///run/cache.sock", "redis://localhost/0"),
    ("unix:///run/cache.sock?db=1", "redis://localhost/1"),
]


@pytest.mark.parametrize(("cache", "broker"), ONE_PLACE)
def test_cache_and_broker_in_one_place_are_an_error(settings, cache, broker):
    settings.CACHE_URL, settings.BROKER_URL = cache, broker
    (error,) = cache_and_broker_are_apart(None)
    assert error.id == "invalidation_worker.E001"
    assert error.is_serious()
    assert error.hint


@pytest.mark.parametrize(("cache", "broker"), TWO_PLACES)
def test_cache_and_broker_apart_are_no_error(settings, cache, broker):
    settings.CACHE_URL, settings.BROKER_URL = cache, broker
    assert cache_and_broker_are_apart(None) == []


def test_manage_py_check_refuses_them_without_telling_the_password(settings):
    settings.CACHE_URL = settings.BROKER_URL = "redis://:hidden@cache:6379/0"
    with pytest.raises(SystemCheckError) as raised:
        call_command("check")
    assert "(invalidation_worker.E001)" in str(raised.value)
    assert "hidden" not in str(raised.value)


def test_the_servers_of_a_run_pass():
    call_command("check")
