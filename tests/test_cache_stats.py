"""`manage.py cache_stats`: the counts of a real server and of the layers, and what they mean."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time

import pytest
import redis
from django.conf import settings
from django.core.management import CommandError, call_command

from invalidation_worker.models import DeadLetter
from listings.cache import counters, totals
from listings.cache.counters import Outcome
from listings.cache.entries import Layer
from listings.cache.store import store
from listings.cache.totals import Total
from listings.models import Property
from monitoring.hit_ratio import Reading, hit_ratio, read_in_words
from tests import servers
from tests.services import services_environment

NOTHING = {
    "hits": 0,
    "misses": 0,
    "hit_ratio": None,
    "reading": "nothing asked yet",
    "stored": 0,
    "unstored": 0,
    "bypass": 0,
    "error": 0,
    "entries": 0,
    "registry_bytes": 0,
}


@pytest.fixture
def cache():
    """A client of an empty cache server whose counts are all zero."""
    counters.flush()  # what earlier tests have left would come in later
    with redis.Redis.from_url(settings.CACHE_URL) as client:
        client.flushall()
        client.config_resetstat()
        yield client
        client.flushall()


def cache_stats(*options: str) -> str:
    out = io.StringIO()
    call_command("cache_stats", *options, stdout=out)
    return out.getvalue()


def count(layer: Layer, **numbers: int) -> None:
    """So many reads of this layer that ended like this."""
    for outcome, number in numbers.items():
        for _ in range(number):
            counters.count(layer, Outcome(outcome))
    counters.flush()


def look_up(cache: redis.Redis, hits: int, misses: int) -> None:
    cache.set("known", 1)
    for _ in range(hits):
        cache.get("known")
    for _ in range(misses):
        cache.get("unknown")


@pytest.mark.parametrize(
    ("hits", "misses", "reading"),
    [
        (0, 0, "nothing asked yet"),
        (0, 1, "not working"),
        (0, 10**9, "not working"),
        (1, 10**9, "look at TTLs and keys"),
        (49_999, 50_001, "look at TTLs and keys"),
        (1, 1, "fair"),
        (4, 1, "fair"),
        (8 * 10**17, 2 * 10**17, "fair"),  # exactly 80 %
        (8 * 10**17 + 1, 2 * 10**17 - 1, "effective"),
        (1, 0, "effective"),
    ],
)
def test_reading_changes_at_its_boundaries(hits, misses, reading):
    assert read_in_words(hits, misses) == reading


def test_every_reading_can_be_reached():
    assert {read_in_words(hits, 10 - hits) for hits in range(11)} == set(Reading) - {
        Reading.UNASKED
    }


def test_ratio_of_nothing_is_none():
    assert hit_ratio(0, 0) is None
    assert hit_ratio(0, 4) == 0
    assert hit_ratio(3, 1) == 0.75


def test_json_counts_what_was_looked_up(cache):
    look_up(cache, hits=9, misses=1)
    count(Layer.PAGE, hit=3, stored=4, unstored=2, bypass=50, error=60)
    store("pipeline").client.hset("s:counters", mapping={"near:hit": 7, "near:miss": 1})
    report = json.loads(cache_stats("--json"))
    del report["pipeline"]
    assert report == {
        "server": {"hits": 9, "misses": 1, "hit_ratio": 0.9, "reading": "effective"},
        "near": {"hits": 7, "misses": 1, "hit_ratio": 0.875, "reading": "effective"},
        "layers": {
            "queryset": NOTHING,
            "page": {
                "hits": 3,
                "misses": 6,
                "hit_ratio": pytest.approx(1 / 3),
                "reading": "look at TTLs and keys",
                "stored": 4,
                "unstored": 2,
                "bypass": 50,
                "error": 60,
                "entries": 0,
                "registry_bytes": 0,
            },
        },
    }


def test_first_call_on_an_unused_server_says_that_nothing_was_asked(cache):
    report = json.loads(cache_stats("--json"))
    assert report["server"] == {
        "hits": 0,
        "misses": 0,
        "hit_ratio": None,
        "reading": "nothing asked yet",
    }
    assert report["layers"] == {"queryset": NOTHING, "page": NOTHING}


def test_table_has_a_row_for_the_server_the_near_caches_and_each_layer(cache):
    look_up(cache, hits=0, misses=2)
    count(Layer.QUERYSET, hit=1200, stored=300, unstored=1)
    count(Layer.PAGE, hit=2, stored=2, bypass=7, error=5)
    totals.publish(store("pipeline"), {Layer.PAGE: Total(1_234, 5_678_900)})
    store("pipeline").client.hset("s:counters", mapping={"near:hit": 1, "near:miss": 3})
    assert rows(cache_stats())[:4] == [
        ["server", "0", "2", "", "", "", "0.0%", "not working", "", ""],
        ["near", "1", "3", "", "", "", "25.0%", "look at TTLs and keys", "", ""],
        ["queryset", "1,200", "301", "1", "0", "0", "79.9%", "fair", "0", "0"],
        ["page", "2", "2", "0", "7", "5", "50.0%", "fair", "1,234", "5,679"],
    ]


def rows(text: str) -> list[list[str]]:
    """The cells of its tables, without their heads."""
    lines = [line.strip() for line in text.splitlines()]
    return [[cell.strip() for cell in line[1:-1].split("│")] for line in lines if line[:1] == "│"]


def test_pipeline_tells_what_waits_in_it(platform, cache):
    with redis.Redis.from_url(settings.BROKER_URL) as broker:
        broker.delete("invalidation", "warming", "unacked")
        broker.lpush("warming", *"abc")
        try:
            Property.objects.bulk_create([Property(listing_key="A-1", list_price=1)])
            DeadLetter.objects.create(event_id=1, logged_at="2026-01-01T00:00Z", reason="")
            pipeline = json.loads(cache_stats("--json"))["pipeline"]
            (cells,) = rows(cache_stats())[4:]
        finally:
            broker.delete("warming")
    assert 0 <= pipeline.pop("oldest_event_seconds") < 60
    assert pipeline == {
        "pending_events": 1,
        "dead_letters": 1,
        "ready_messages": {"invalidation": 0, "warming": 3},
        "unacknowledged_messages": 0,
        "horizon": 0,
    }
    assert cells[0].startswith("1, the oldest for ")
    assert cells[1:] == ["1", "0", "3", "0", "0"]


def test_broker_away_is_said_beside_what_is_known(platform, cache, broker_server):
    broker_server.stop()
    assert rows(cache_stats())[4:] == [["0", "0", "away", "0"]]


def test_watching_shows_it_again_and_again_until_ctrl_c(platform, cache):
    with subprocess.Popen(
        [sys.executable, "manage.py", "cache_stats", "--watch", "0.1"],
        cwd=settings.BASE_DIR,
        env=services_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        seen = 0
        while seen < 3:
            seen += "│ page " in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize("seconds", ["0", "often", "nan"])
def test_bad_pause_is_named_with_what_is_allowed(seconds):
    with pytest.raises(CommandError, match=f"'{seconds}' is not allowed: give a number from 0.1"):
        call_command("cache_stats", "--watch", seconds)


def test_server_away_is_a_clear_error(cache, cache_server):
    cache_server.stop()
    with pytest.raises(CommandError) as raised:
        cache_stats()
    assert str(raised.value).startswith("The cache server does not answer: ")
    assert servers.stack.cache.password not in str(raised.value)


def test_silent_server_is_given_up_soon(cache, cache_server):
    cache_server.freeze()
    started = time.monotonic()
    with pytest.raises(CommandError, match=r"^The cache server does not answer: "):
        cache_stats("--json")
    assert time.monotonic() - started < 20  # without a timeout it would never end
    cache_server.thaw()
