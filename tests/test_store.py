"""The four scripts, on a real server."""

from __future__ import annotations

import msgspec
import pytest
from django.core.management import CommandError, call_command

from listings.cache import registries
from listings.cache import store as store_module
from listings.cache.dependencies import Count
from listings.cache.entries import Entry, Header, Layer, Stored
from listings.cache.registries import Memory
from listings.cache.store import POLICY, Full, Lease, Taken, Wait, expiry, store

ENTRY = Entry(Layer.PAGE, "cseattle", "page", "city=seattle")
DIGESTS = {ENTRY.partition: [ENTRY.digest]}


@pytest.fixture
def cache():
    cache = store("pipeline")
    cache.flush()
    cache.client.config_resetstat()
    return cache


def leased(cache, entry=ENTRY) -> Lease:
    lease = cache.lease(entry)
    assert isinstance(lease, Lease)
    return lease


def header(lease: Lease, entry=ENTRY) -> Header:
    return Header(as_of=lease.granted_at, expires_at=expiry(entry.layer, lease, 0))


def fill(cache, lease: Lease, body=b"body", entry=ENTRY) -> bool:
    return cache.fill(entry, lease, header(lease, entry), body)


def registered(cache, entry=ENTRY) -> set[str]:
    return set(cache.registries([entry.partition], entry.layer).get(entry.partition, {}))


def keys(cache) -> set[str]:
    """The kinds of keys there are, but for the counters that other tests' reads leave."""
    return {key.decode()[:2] for key in cache.client.keys("*")} - {"s:"}


def test_first_caller_gets_the_lease_and_the_next_one_waits(cache):
    leased(cache)
    assert cache.lease(ENTRY) == Wait()


def test_lease_registers_the_descriptor_before_anything_is_read(cache):
    leased(cache)
    assert cache.registries(["cseattle"], Layer.PAGE) == {
        "cseattle": {ENTRY.digest: ENTRY.descriptor()}
    }


def test_filled_value_is_returned_to_everybody(cache):
    lease = leased(cache)
    assert fill(cache, lease)
    stored = cache.lease(ENTRY)
    assert stored.body == b"body"
    assert stored.header.as_of == lease.granted_at


def test_second_fill_under_one_lease_is_refused(cache):
    lease = leased(cache)
    assert fill(cache, lease)
    assert not fill(cache, lease, b"other")
    assert cache.lease(ENTRY).body == b"body"


def test_fill_is_refused_after_an_invalidation(cache):
    lease = leased(cache)
    cache.invalidate(DIGESTS, Layer.PAGE)
    assert not fill(cache, lease)
    assert keys(cache) == set()


def test_fill_is_refused_when_somebody_else_holds_the_lease(cache):
    old = leased(cache)
    cache.invalidate(DIGESTS, Layer.PAGE)
    new = leased(cache)
    assert not fill(cache, old, b"old")
    assert fill(cache, new, b"new")
    assert cache.lease(ENTRY).body == b"new"


def test_fill_is_refused_after_a_flush(cache):
    lease = leased(cache)
    cache.flush()
    assert not fill(cache, lease)
    assert keys(cache) == set()


def test_released_lease_lets_the_next_caller_fill(cache):
    cache.release(ENTRY, leased(cache))
    leased(cache)


def test_lease_of_a_dead_filler_expires(cache):
    leased(cache)
    left = cache.client.pttl(f"l:{{cseattle}}:{ENTRY.digest}")
    assert 0 < left <= store_module.LEASE_MS


def test_waiting_does_not_prolong_or_change_the_lease(cache):
    lease = leased(cache)
    key = f"l:{{cseattle}}:{ENTRY.digest}"
    before = cache.client.pexpiretime(key)
    for _ in range(5):
        assert cache.lease(ENTRY) == Wait()
    assert cache.client.pexpiretime(key) == before
    assert fill(cache, lease)


def test_lease_that_is_asked_for_again_under_its_own_token_is_granted_again(cache, monkeypatch):
    """As when the connection is lost before the answer has arrived, and the client asks again."""
    monkeypatch.setattr(store_module.secrets, "token_hex", lambda size: "same")
    leased(cache)
    lease = leased(cache)
    monkeypatch.undo()
    assert cache.lease(ENTRY) == Wait()
    assert fill(cache, lease)


def test_value_older_than_asked_for_is_filled_again(cache):
    lease = leased(cache)
    fill(cache, lease)
    assert isinstance(cache.lease(ENTRY, not_before=lease.granted_at), Stored)
    assert isinstance(cache.lease(ENTRY, not_before=lease.granted_at + 1), Lease)


def test_life_of_a_value_is_its_ttl_less_at_most_a_tenth(cache):
    for entry, ttl in ((ENTRY, 900), (Entry(Layer.QUERYSET, "*", "count"), 3600)):
        fill(cache, leased(cache, entry), entry=entry)
        left = cache.client.pttl(f"v:{{{entry.partition}}}:{entry.digest}")
        assert 0.9 * ttl * 1000 - 1000 <= left <= ttl * 1000


def test_value_whose_boundary_has_passed_is_not_stored(cache):
    lease = leased(cache)
    past = Header(as_of=lease.granted_at, expires_at=expiry(Layer.PAGE, lease, boundary=1))
    assert not cache.fill(ENTRY, lease, past, b"body")
    leased(cache)


def test_invalidation_takes_value_lease_and_registration_and_tells_what_had_a_value(cache):
    filled = leased(cache)
    fill(cache, filled)
    other = Entry(Layer.PAGE, "cseattle", "page", "city=seattle&page=2")
    leased(cache, other)
    absent = Entry(Layer.PAGE, "cseattle", "page", "city=seattle&page=3")
    digests = [ENTRY.digest, other.digest, absent.digest]
    taken = cache.invalidate({"cseattle": digests}, Layer.PAGE)
    assert taken == Taken(had={ENTRY.digest}, unknown={absent.digest})
    assert keys(cache) == set()


def test_invalidation_leaves_other_entries_of_the_partition(cache):
    fill(cache, leased(cache))
    other = Entry(Layer.PAGE, "cseattle", "page", "city=seattle&page=2")
    fill(cache, leased(cache, other), entry=other)
    cache.invalidate(DIGESTS, Layer.PAGE)
    assert registered(cache) == {other.digest}
    assert isinstance(cache.lease(other), Stored)


def test_thousands_of_entries_are_read_and_invalidated_in_steps(cache):
    entries = [Entry(Layer.PAGE, "*", "page", str(n)) for n in range(1_234)]
    for entry in entries:
        fill(cache, leased(cache, entry), entry=entry)
    found = cache.registries(["*", "cnowhere"], Layer.PAGE)
    assert set(found) == {"*"}
    assert set(found["*"]) == {entry.digest for entry in entries}
    assert cache.invalidate(found, Layer.PAGE).had == set(found["*"])
    assert keys(cache) == set()


def test_sweep_unregisters_only_what_has_neither_value_nor_lease(cache):
    filled, being_filled, dead = (Entry(Layer.PAGE, "*", "page", str(n)) for n in range(3))
    fill(cache, leased(cache, filled), entry=filled)
    leased(cache, being_filled)
    leased(cache, dead)
    cache.client.delete(f"l:{{*}}:{dead.digest}")
    before = cache.client.pttl(f"v:{{*}}:{filled.digest}")
    assert cache.sweep(["*"], Layer.PAGE).gone == 1
    assert registered(cache, filled) == {filled.digest, being_filled.digest}
    assert cache.lease(filled).body == b"body"
    assert cache.client.pttl(f"v:{{*}}:{filled.digest}") <= before


def test_sweep_of_the_last_entry_leaves_no_key(cache):
    fill(cache, leased(cache))
    cache.client.delete(f"v:{{cseattle}}:{ENTRY.digest}")
    assert cache.sweep(["cseattle"], Layer.PAGE).gone == 1
    assert keys(cache) == set()


def test_full_partition_stores_nothing_more_until_there_is_room(cache, monkeypatch):
    monkeypatch.setattr(store_module, "PARTITION_CAPACITY", 2)
    entries = [Entry(Layer.PAGE, "*", "page", str(n)) for n in range(3)]
    for entry in entries[:2]:
        fill(cache, leased(cache, entry), entry=entry)
    assert cache.lease(entries[2]) == Full()
    assert cache.lease(entries[2]) == Full()
    assert len(registered(cache, entries[2])) == 2
    assert isinstance(cache.lease(entries[0]), Stored)
    cache.invalidate({"*": [entries[0].digest]}, Layer.PAGE)
    leased(cache, entries[2])


def test_memory_that_is_full_refuses_fills_but_not_hits_nor_invalidations(cache):
    fill(cache, leased(cache))
    other = Entry(Layer.PAGE, "cseattle", "page", "city=seattle&page=2")
    lease = leased(cache, other)
    limit = cache.client.config_get("maxmemory")["maxmemory"]
    policy = cache.client.config_get("maxmemory-policy")["maxmemory-policy"]
    cache.client.config_set("maxmemory-policy", "noeviction")
    cache.client.config_set("maxmemory", "1")
    try:
        assert not fill(cache, lease, entry=other)
        assert cache.lease(ENTRY).body == b"body"
        assert cache.lease(other) == Full()
        assert cache.sweep(["cseattle"], Layer.PAGE).gone == 1
        assert cache.invalidate(DIGESTS, Layer.PAGE).had == {ENTRY.digest}
    finally:
        cache.client.config_set("maxmemory", limit)
        cache.client.config_set("maxmemory-policy", policy)
    assert keys(cache) == set()


def test_eviction_never_takes_a_registry_nor_its_journal(cache, monkeypatch):
    assert cache.client.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-lfu"}
    fill(cache, leased(cache))
    monkeypatch.setattr(registries, "WORTH_A_JOURNAL", 0)
    cache.registries(["cseattle"], Layer.PAGE, bytes, Memory(dict))
    volatile = {key.decode()[:2] for key in cache.client.keys("*") if cache.client.ttl(key) >= 0}
    assert volatile == {"v:"}
    assert keys(cache) == {"v:", "r:", "j:"}


def test_relay_does_not_start_on_a_server_that_may_evict_registries(cache):
    cache.client.config_set("maxmemory-policy", "allkeys-lfu")
    try:
        with pytest.raises(
            CommandError, match="maxmemory-policy is allkeys-lfu: give volatile-lfu"
        ):
            call_command("relay")
    finally:
        cache.client.config_set("maxmemory-policy", POLICY)


def test_only_looking_for_an_entry_counts_in_the_servers_hit_ratio(cache):
    lease = leased(cache)  # one miss
    fill(cache, lease)
    for _ in range(3):
        cache.lease(ENTRY)  # three hits
    cache.client.config_set("maxmemory-policy", "volatile-lfu")
    stats = cache.client.info("stats")
    assert (stats["keyspace_hits"], stats["keyspace_misses"]) == (3, 1)
    assert cache.registries(["cnowhere"], Layer.PAGE) == {}
    for script in (cache._sweep, cache._invalidate):
        members = {ENTRY.partition: [ENTRY.digest, "0" * 32]}
        list(cache._in_steps(script, members, Layer.PAGE))
    stats = cache.client.info("stats")
    assert (stats["keyspace_hits"], stats["keyspace_misses"]) == (3, 1)


def test_sweeping_does_not_make_an_entry_popular(cache):
    fill(cache, leased(cache))
    key = f"v:{{cseattle}}:{ENTRY.digest}"
    cache.client.config_set("lfu-log-factor", 0)  # every touch counts
    try:
        before = cache.client.object("freq", key)
        for _ in range(20):
            cache.sweep(["cseattle"], Layer.PAGE)
        assert cache.client.object("freq", key) <= before
    finally:
        cache.client.config_set("lfu-log-factor", 10)


def test_value_whose_header_names_long_searches_is_read_as_it_was_stored(cache):
    lease = leased(cache)
    long = tuple(Count(f"q={number}{'x' * 2_000}", capped=False) for number in range(20))
    stored = Stored(msgspec.structs.replace(header(lease), dependencies=long), b"body")
    assert cache.fill(ENTRY, lease, stored.header, stored.body)
    assert cache.lease(ENTRY) == stored


def test_server_that_has_forgotten_the_scripts_is_told_them_again(cache):
    def forgotten() -> None:
        cache.client.script_flush()

    fill(cache, leased(cache))
    forgotten()
    assert set(cache.registries([ENTRY.partition], Layer.PAGE)) == {ENTRY.partition}
    forgotten()
    assert cache.invalidate(DIGESTS, Layer.PAGE).had == {ENTRY.digest}
    forgotten()
    lease = leased(cache)
    forgotten()
    fill(cache, lease)
    cache.client.unlink(f"v:{{{ENTRY.partition}}}:{ENTRY.digest}")
    forgotten()
    assert cache.sweep([ENTRY.partition], Layer.PAGE).gone == 1


def test_reading_and_invalidating_each_take_one_round_trip(cache):
    fill(cache, leased(cache))
    cache.registries([ENTRY.partition], Layer.PAGE)  # connections, and scripts, are there
    cache.invalidate(DIGESTS, Layer.PAGE)
    fill(cache, leased(cache))
    cache.client.config_resetstat()
    cache.registries([ENTRY.partition, "cnowhere"], Layer.PAGE)
    assert calls(cache) == {"evalsha": 2, "lrem": 2, "hscan": 1}
    cache.client.config_resetstat()
    cache.invalidate(DIGESTS, Layer.PAGE)
    assert calls(cache).keys() == {"client|no-touch", "evalsha", "unlink", "hdel", "hincrby"}


def calls(cache) -> dict[str, int]:
    """How often the server has been called with which command, from scripts too."""
    stats = cache.client.info("commandstats")
    asking = {"config|resetstat", "info"}
    return {
        name: stat["calls"]
        for name, stat in ((name.removeprefix("cmdstat_"), stat) for name, stat in stats.items())
        if name not in asking
    }
