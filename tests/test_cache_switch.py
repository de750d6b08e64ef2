"""`manage.py cache_switch`: what it says, and what the running site does then."""

from __future__ import annotations

from io import StringIO

import pytest
import redis
from django.core.management import call_command
from django.core.management.base import CommandError

from listings.cache.store import Store, Switch, store


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("cache_switch", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def cache():
    cache = store("pipeline")
    cache.client.flushdb()
    yield cache
    cache.client.flushdb()


def states(text: str) -> dict[str, str]:
    return dict(line.split()[:2] for line in text.splitlines()[:2])


def test_each_switch_is_told_and_set_by_itself(cache):
    assert states(said()) == {"near": "on", "all": "on"}
    assert states(said("near", "off")) == {"near": "off", "all": "on"}
    assert cache.horizon().off == {Switch.NEAR}
    assert states(said("all", "off")) == {"near": "off", "all": "off"}
    assert states(said("near", "on")) == {"near": "on", "all": "off"}
    assert states(said()) == {"near": "on", "all": "off"}
    said("all", "on")
    assert cache.horizon().off == set()


@pytest.mark.parametrize("arguments", [["near"], ["far", "on"], ["near", "maybe"]], ids=" ".join)
def test_half_a_command_changes_nothing(cache, arguments):
    with pytest.raises(CommandError):
        said(*arguments)
    assert cache.horizon().off == set()


def test_silent_server_is_a_clear_error(monkeypatch):
    def away(self, *_):
        raise redis.ConnectionError("away")

    monkeypatch.setattr(Store, "horizon", away)
    with pytest.raises(CommandError, match="does not answer: away"):
        said()


def test_full_memory_does_not_stop_an_operator(cache):
    before = cache.client.config_get("maxmemory")["maxmemory"]
    try:
        cache.client.config_set("maxmemory", "1")
        said("all", "off")
        assert cache.horizon().off == {Switch.ALL}
    finally:
        cache.client.config_set("maxmemory", before)
