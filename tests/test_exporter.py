"""What Prometheus gets to see of the cache server, over HTTP, from a real server."""

from __future__ import annotations

import time

import pytest
import redis
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

from monitoring.exporter import PREFIX
from tests import servers
from tests.scraping import exporting, get, promtool_says, scrape
from tests.waiting import eventually
from web.local_servers import ports
from web.local_servers.valkey import CACHE, Valkey

pytestmark = pytest.mark.usefixtures("platform")

ABOUT_THE_SCRAPE = {"up", "scrape_duration_seconds"}
ABOUT_THE_SERVER = {
    "keyspace_hits_total",
    "keyspace_misses_total",
    "evicted_keys_total",
    "expired_keys_total",
    "keys",
    "connected_clients",
    "memory_used_bytes",
    "memory_max_bytes",
    "memory_fragmentation_ratio",
    "commands_processed_total",
    "ping_seconds",
    "uptime_seconds",
    "info",
}


@pytest.fixture
def valkey(tmp_path):
    """A cache server that nobody else asks, so that its counts are exact."""
    server = Valkey("cache", servers.guardian, tmp_path, CACHE)
    server.start()
    yield server
    server.thaw()
    server.stop()


@pytest.fixture
def visitor(valkey):
    """A client of that server."""
    with redis.Redis.from_url(valkey.url) as client:
        yield client


@pytest.fixture
def exporter(valkey):
    """The port of an exporter that watches that server."""
    with exporting({"cache": valkey.url}) as port:
        yield port


def told(port: int, server: str = "cache") -> dict[str, float]:
    """What is told of one cache server, by its name without the common prefix."""
    return {
        name.partition("{")[0].removeprefix(PREFIX): value
        for name, value in scrape(port).items()
        if name.startswith(PREFIX) and f'server="{server}"' in name
    }


def test_hits_and_misses_rise_by_exactly_what_was_looked_up(exporter, visitor):
    visitor.set("known", 1)
    before = told(exporter)
    for _ in range(5):
        visitor.get("known")
    for _ in range(3):
        visitor.get("unknown")
    scrape(exporter)  # asking changes nothing
    after = told(exporter)
    assert after["keyspace_hits_total"] - before["keyspace_hits_total"] == 5
    assert after["keyspace_misses_total"] - before["keyspace_misses_total"] == 3
    assert after["hit_ratio"] == 5 / 8


def test_hit_ratio_is_absent_until_something_is_looked_up(exporter, visitor):
    assert set(told(exporter)) == ABOUT_THE_SCRAPE | ABOUT_THE_SERVER
    visitor.get("unknown")
    assert told(exporter)["hit_ratio"] == 0
    visitor.config_resetstat()
    assert set(told(exporter)) == ABOUT_THE_SCRAPE | ABOUT_THE_SERVER


def test_memory_keys_and_clients_are_those_of_the_server(exporter, visitor):
    visitor.mset({"a": 1, "b": 2})
    visitor.select(3)
    visitor.set("c", 3)
    empty = told(exporter)
    visitor.set("d", b"x" * 1_000_000)
    found = told(exporter)
    assert found["keys"] == 4
    # Buffers of the connection come and go, too.
    assert 1_000_000 < found["memory_used_bytes"] - empty["memory_used_bytes"] < 5_000_000
    assert found["memory_max_bytes"] == 256 * 1024**2
    assert found["connected_clients"] == 2  # the visitor and the exporter


def test_memory_limit_is_absent_when_there_is_none(exporter, visitor):
    visitor.config_set("maxmemory", 0)
    assert "memory_max_bytes" not in told(exporter)


def test_expired_and_evicted_keys_are_counted_apart(exporter, visitor):
    visitor.set("short", 1, px=1)
    eventually(lambda: visitor.info("stats")["expired_keys"] == 1)
    found = told(exporter)
    assert (found["expired_keys_total"], found["evicted_keys_total"]) == (1, 0)

    visitor.set("long", b"x" * 1_000_000, ex=3600)
    visitor.config_set("maxmemory", "1mb")
    eventually(lambda: visitor.info("stats")["evicted_keys"] == 1)
    found = told(exporter)
    assert (found["expired_keys_total"], found["evicted_keys_total"]) == (1, 1)


def test_what_the_server_is_stands_in_labels(exporter, visitor):
    visitor.config_set("maxmemory-policy", "allkeys-lru")
    version = visitor.info("server")["valkey_version"]
    name = (
        f'{PREFIX}info{{maxmemory_policy="allkeys-lru",role="master",server="cache",'
        f'version="{version}"}}'
    )
    assert scrape(exporter)[name] == 1


def test_each_of_several_servers_is_told_by_its_name(valkey, visitor):
    visitor.get("unknown")
    nobody = f"redis://127.0.0.1:{ports.free_port()}"
    with exporting({"one": valkey.url, "two": nobody}) as port:
        assert told(port, "one")["keyspace_misses_total"] == 1
        assert set(told(port, "two")) == ABOUT_THE_SCRAPE
        assert told(port, "two")["up"] == 0


def test_uptime_and_counters_start_again_with_the_server(exporter, visitor, valkey):
    visitor.get("unknown")
    assert told(exporter)["keyspace_misses_total"] == 1
    valkey.stop()
    valkey.start()
    found = told(exporter)
    assert found["keyspace_misses_total"] == 0
    assert found["uptime_seconds"] <= 10


def test_server_away_is_reported_as_down_and_nothing_else(exporter, valkey):
    assert told(exporter)["up"] == 1
    valkey.stop()
    found = told(exporter)
    assert found["up"] == 0
    assert set(found) == ABOUT_THE_SCRAPE
    valkey.start()
    assert told(exporter)["up"] == 1


def test_silent_server_does_not_hold_a_scrape(exporter, valkey):
    valkey.freeze()
    started = time.monotonic()
    found = told(exporter)
    seconds = time.monotonic() - started
    assert seconds < 20  # without a timeout it would never end
    assert set(found) == ABOUT_THE_SCRAPE
    assert found["up"] == 0
    assert 0 < found["scrape_duration_seconds"] <= seconds
    valkey.thaw()
    assert told(exporter)["up"] == 1


def test_server_that_tells_too_little_counts_as_down(exporter, monkeypatch):
    monkeypatch.setattr(redis.Redis, "info", lambda self: {"keyspace_hits": 1})
    assert set(told(exporter)) == ABOUT_THE_SCRAPE
    assert "keyspace_misses" in get(exporter, "/healthz")[1]


def test_health_is_that_of_the_last_scrape(exporter, valkey):
    assert get(exporter, "/healthz") == (200, "ok\n")
    valkey.stop()
    scrape(exporter)
    status, text = get(exporter, "/healthz")
    assert status == 503
    assert text.startswith("no answer from the cache server 'cache': ")
    assert valkey.password not in text
    valkey.start()
    scrape(exporter)
    assert get(exporter, "/healthz") == (200, "ok\n")


def test_outage_is_logged_once_and_so_is_its_end(exporter, valkey, caplog):
    valkey.stop()
    scrape(exporter)
    scrape(exporter)
    valkey.start()
    scrape(exporter)
    scrape(exporter)
    first, second = [record.getMessage() for record in caplog.records]
    assert first.startswith("The cache server 'cache' does not answer: ")
    assert second == "The cache server 'cache' answers again"


def test_front_page_leads_to_the_others(exporter):
    status, text = get(exporter, "/")
    assert status == 200
    assert 'href="/metrics"' in text
    assert get(exporter, "/elsewhere")[0] == 404


def test_openmetrics_is_served_to_who_asks_for_it(exporter, visitor):
    visitor.get("unknown")
    _, text = get(exporter, "/metrics", "application/openmetrics-text; version=1.0.0")
    kinds = {family.name.removeprefix(PREFIX): family.type for family in openmetrics(text)}
    assert kinds["listings_horizon_moves"] == "counter"
    assert kinds["keyspace_misses"] == "counter"
    assert kinds["hit_ratio"] == "gauge"


def test_names_and_types_please_promtool(exporter, visitor):
    visitor.get("unknown")
    _, text = get(exporter, "/metrics")
    assert promtool_says(text) == ""
