"""A registry that is read again tells what it holds now, and only what is new is read."""

from __future__ import annotations

import random as random_module
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invalidation_worker.holders import Holders
from listings.cache import registries as registries_module
from listings.cache.dependencies import Dependency, Search
from listings.cache.entries import (
    Descriptor,
    Entry,
    Header,
    Layer,
    journal_key,
    lease_key,
    registry_key,
    value_key,
)
from listings.cache.registries import JOURNAL_LENGTH, WORTH_A_JOURNAL, Memory
from listings.cache.store import Lease, Store, store

PAGE = Layer.PAGE
ENTRIES = [Entry(PAGE, "*", "page", str(n), Search(f"q={n}")) for n in range(3_000)]
R, J = registry_key("*", PAGE), journal_key("*", PAGE)
LATER = 9_000_000_000_000_000  # µs: what expires then outlives the test
randoms = given(random=st.randoms(use_true_random=False))
many = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
some = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))

Lists = Memory[list[bytes]]


def decoded(raw: bytes) -> list[bytes]:
    return [raw]  # a new object each time


def memory() -> Lists:
    return Memory(dict)


def register(cache: Store, entries: list[Entry]) -> list[Lease]:
    leases = [cache.lease(entry) for entry in entries]
    assert all(isinstance(lease, Lease) for lease in leases)
    return leases  # type: ignore[return-value]


def refill(cache: Store, entry: Entry, search: str) -> None:
    """Fill an entry, which then depends on something else."""
    cache.client.delete(lease_key(entry.partition, entry.digest))
    lease = cache.lease(entry, LATER)
    assert isinstance(lease, Lease)
    assert cache.fill(entry, lease, Header(0, LATER), b"", (Search(search),))


def read(cache: Store, memory: Lists) -> dict[str, list[bytes]]:
    """The registry, through a memory; in it, each entry that was registered, as it is."""
    found = cache.registries(["*"], PAGE, decoded, memory).get("*", {})
    for digest, raw in cache.registries(["*"], PAGE).get("*", {}).items():
        assert found[digest] == [raw]
    return dict(found)


def scans(cache: Store) -> int:
    """How many steps of a whole reading the server has taken since it was asked this."""
    calls = cache.client.info("commandstats").get("cmdstat_hscan", {"calls": 0})["calls"]
    cache.client.config_resetstat()
    return int(calls)


def lease_during(cache: Store, entries: list[Entry]) -> Callable[[bytes], list[bytes]]:
    """Decodes, and meanwhile somebody leases these, one at a time."""
    ahead = iter(entries)

    def decode(raw: bytes) -> list[bytes]:
        if entry := next(ahead, None):
            cache.lease(entry)
        return [raw]

    return decode


@pytest.fixture
def cache() -> Store:
    found = store("pipeline")
    found.flush()
    return found


def test_what_is_new_is_read_alone_and_all_else_stays_the_same_object(cache):
    known = memory()
    leases = register(cache, ENTRIES[:2_000])
    before = dict(cache.registries(["*"], PAGE, decoded, known)["*"])
    assert len(before) == 2_000
    scans(cache)
    register(cache, ENTRIES[2_000:2_100])
    assert cache.fill(ENTRIES[7], leases[7], Header(0, LATER), b"", (Search("q=other"),))
    after = dict(cache.registries(["*"], PAGE, decoded, known)["*"])
    assert scans(cache) == 0
    new = {one.digest for one in ENTRIES[2_000:2_100]}
    assert after.keys() - before.keys() == new
    changed = {digest for digest in before if after[digest] is not before[digest]}
    assert changed == {ENTRIES[7].digest}
    assert after[ENTRIES[7].digest] == [ENTRIES[7].descriptor((Search("q=other"),))]


def test_what_its_reader_has_dropped_is_forgotten_and_may_come_again(cache):
    known = memory()
    register(cache, ENTRIES[:1_000])
    read(cache, known)
    gone = [entry.digest for entry in ENTRIES[:10]]
    cache.invalidate({"*": gone}, PAGE)
    known.forget(R, gone)
    assert len(read(cache, known)) == 990
    register(cache, ENTRIES[:5])
    assert len(read(cache, known)) == 995


def test_what_is_registered_while_the_whole_is_read_is_told_the_next_time(cache, monkeypatch):
    monkeypatch.setattr(registries_module, "READ_STEP", 10)
    known = memory()
    register(cache, ENTRIES[:500])
    cache.registries(["*"], PAGE, lease_during(cache, ENTRIES[500:900]), known)
    scans(cache)
    assert len(cache.registries(["*"], PAGE, decoded, known)["*"]) == 900
    assert scans(cache) == 0


def test_registry_is_read_as_a_whole_when_the_journal_has_gone_or_tells_too_little(cache):
    known = memory()
    register(cache, ENTRIES[:1_000])
    read(cache, known)
    for lose in (
        lambda: cache.client.delete(J),
        lambda: cache.client.ltrim(J, -1, -1),
    ):
        cache.invalidate({"*": [ENTRIES[0].digest]}, PAGE)
        register(cache, ENTRIES[:1])
        lose()
        assert len(cache.registries(["*"], PAGE, decoded, known)["*"]) == 1_000
        scans(cache)
        read(cache, known)  # and then the journal serves again
    cache.flush()
    assert cache.registries(["*"], PAGE, decoded, known) == {}


def test_mark_of_another_reader_is_not_taken_for_ones_own(cache):
    known = memory()
    register(cache, ENTRIES[:300])
    read(cache, known)
    cache.client.delete(J)
    register(cache, ENTRIES[300:310])  # and nobody is told
    read(cache, memory())
    assert len(read(cache, known)) == 310


def test_journal_stays_short_and_who_missed_some_of_it_reads_the_whole(cache):
    known = memory()
    register(cache, ENTRIES[:300])
    read(cache, known)
    lengths = []
    for entry in [*ENTRIES[300:], *ENTRIES[:600]]:
        refill(cache, entry, "q=other")
        lengths.append(cache.client.llen(J))
    assert max(lengths) <= 2 * JOURNAL_LENGTH
    assert min(lengths[JOURNAL_LENGTH:]) >= JOURNAL_LENGTH
    scans(cache)
    assert len(read(cache, known)) == len(ENTRIES)
    assert scans(cache) > 1
    for _ in range(2 * JOURNAL_LENGTH):  # marks, too
        cache.registries(["*"], PAGE, decoded, known)
    assert cache.client.llen(J) <= 2 * JOURNAL_LENGTH


def test_memories_do_not_disturb_one_another(cache):
    first, second = memory(), memory()
    register(cache, ENTRIES[:500])
    for at in range(500, 600, 10):
        assert len(read(cache, first)) == at
        register(cache, ENTRIES[at : at + 10])
        assert len(read(cache, second)) == at + 10


def test_small_registry_has_no_journal_and_a_journal_goes_with_its_registry(cache):
    register(cache, ENTRIES[: WORTH_A_JOURNAL - 10])
    read(cache, memory())
    assert not cache.client.exists(J)
    register(cache, ENTRIES[WORTH_A_JOURNAL - 10 : WORTH_A_JOURNAL + 10])
    cache.registries(["*"], PAGE, decoded)
    assert not cache.client.exists(J)  # nobody remembers it
    for empty in (_drop_all, _expire_all):
        read(cache, memory())
        assert cache.client.exists(J)
        empty(cache)
        assert cache.client.keys("[rj]:*") == []
        register(cache, ENTRIES[: WORTH_A_JOURNAL + 10])


def _drop_all(cache: Store) -> None:
    cache.invalidate(cache.registries(["*"], PAGE), PAGE)


def _expire_all(cache: Store) -> None:
    for key in cache.client.keys("[vl]:*"):
        cache.client.delete(key)
    cache.sweep(["*"], PAGE)


def test_what_others_drop_is_forgotten_when_it_has_become_much(cache):
    known = memory()
    register(cache, ENTRIES[:1_000])
    read(cache, known)
    cache.invalidate({"*": [entry.digest for entry in ENTRIES[:100]]}, PAGE)
    assert len(read(cache, known)) == 1_000
    cache.invalidate({"*": [entry.digest for entry in ENTRIES[100:150]]}, PAGE)
    assert len(read(cache, known)) == 1_000  # and found that it is too much
    assert len(read(cache, known)) == 850


def test_nothing_half_read_is_kept(cache):
    known = memory()
    register(cache, ENTRIES[:1_500])

    def interrupted(raw: bytes) -> list[bytes]:
        if raw == ENTRIES[700].descriptor():
            raise KeyboardInterrupt
        return [raw]

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            cache.registries(["*"], PAGE, interrupted, known)
        assert len(read(cache, known)) == 1_500
        refill(cache, ENTRIES[699], "q=other")
        refill(cache, ENTRIES[700], f"q={700}")


def test_remembering_goes_on_when_memory_is_full_or_the_server_has_lost_its_scripts(cache):
    known = memory()
    register(cache, ENTRIES[:500])
    read(cache, known)
    cache.client.script_flush()
    register(cache, ENTRIES[500:600])
    assert len(read(cache, known)) == 600
    cache.client.config_set("maxmemory", 1)
    try:
        assert len(cache.registries(["*"], PAGE, decoded, known)["*"]) == 600
        assert len(cache.registries(["*"], PAGE, decoded, memory())["*"]) == 600
    finally:
        cache.client.config_set("maxmemory", 0)


def test_registry_that_has_gone_is_not_remembered(cache):
    known = memory()
    register(cache, ENTRIES[:500])
    read(cache, known)
    cache.flush()
    assert cache.registries(["*"], PAGE, decoded, known) == {}
    assert not known.take_out([R])


def test_memory_keeps_so_many_entries_and_the_latest_registries(cache, monkeypatch):
    monkeypatch.setattr(registries_module, "MOST_ENTRIES", 1_000)
    known = memory()
    kept = {}
    for city in ("ca", "cb", "cc"):
        register(cache, [Entry(PAGE, city, "page", str(n)) for n in range(400)])
        kept[city] = cache.registries([city], PAGE, decoded, known)[city]
    for city in ("cc", "cb"):
        assert cache.registries([city], PAGE, decoded, known)[city] is kept[city]
    assert cache.registries(["ca"], PAGE, decoded, known)["ca"] is not kept["ca"]


class Happenings:
    """What may come between two readings, at random. Of two readers, each drops, and forgets, some
    of what it knows; the other is not told.
    """

    def __init__(self, cache: Store, random: random_module.Random) -> None:
        self.cache = cache
        self.random = random
        self.readers = [memory(), memory()]

    def _some(self) -> list[Entry]:
        return self.random.sample(ENTRIES[:200], self.random.randint(1, 30))

    def leases(self) -> None:
        for entry in self._some():
            self.cache.lease(entry)

    def fills(self) -> None:
        for entry in self._some():
            refill(self.cache, entry, f"q=again {self.random.random()}")

    def drops(self) -> None:
        reader = self.random.choice(self.readers)
        found = list(self.cache.registries(["*"], PAGE, decoded, reader).get("*", {}))
        dropped = self.random.sample(found, self.random.randint(0, len(found)))
        self.cache.invalidate({"*": dropped}, PAGE)
        self.leases()
        reader.forget(R, dropped)

    def sweeps(self) -> None:
        for entry in self._some():
            keys = value_key("*", entry.digest), lease_key("*", entry.digest)
            self.cache.client.delete(*keys)
        self.cache.sweep(["*"], PAGE)

    def flush(self) -> None:
        self.cache.flush()

    def trimmed_journal(self) -> None:
        self.cache.client.ltrim(J, -self.random.randint(1, 5), -1)

    def lost_journal(self) -> None:
        self.cache.client.delete(J)


@some
@randoms
def test_memory_knows_every_entry_whatever_came_and_went(random: random_module.Random):
    cache = store("pipeline")
    cache.flush()
    happenings = Happenings(cache, random)
    may_happen = [getattr(happenings, name) for name in vars(Happenings) if name[0] != "_"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registries_module, "WORTH_A_JOURNAL", 5)
        patch.setattr(registries_module, "READ_STEP", 20)
        for _ in range(40):
            random.choice(may_happen)()
            read(cache, random.choice(happenings.readers))
        for reader in happenings.readers:
            read(cache, reader)


@many
@randoms
def test_holders_tell_the_first_dependency_of_each_entry_that_has_one(random: random_module.Random):
    """Also after entries have come, changed and gone."""
    dependencies: list[Dependency] = [Search(str(number)) for number in range(8)]
    found = Holders()
    for _ in range(random.randint(1, 30)):
        digest = str(random.randrange(10))
        if digest in found and random.random() < 0.4:
            del found[digest]
        elif random.random() < 0.1:
            found[digest] = Descriptor("", "", "")
        else:
            own = tuple(random.choices(dependencies, k=random.randint(0, 3)))
            found[digest] = Descriptor("", "", "", own)
    wanted = {id(one): one for one in random.sample(dependencies, 3)}
    expected = {}
    for digest, descriptor in found.items():
        if having := [id(one) for one in descriptor.dependencies or () if id(one) in wanted]:
            expected[digest] = having[0]
    assert dict(found.of(wanted.keys())) == expected
    assert found.unknown == {digest for digest, one in found.items() if one.dependencies is None}
    assert found.dependencies == {
        id(one): one for descriptor in found.values() for one in descriptor.dependencies or ()
    }
    assert dict(Holders(found).of(wanted.keys())) == expected
