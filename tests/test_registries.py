"""A registry that is read again tells what it holds now, and what is unchanged is kept."""

from __future__ import annotations

import random as random_module

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invalidation_worker.holders import Holders, holders
from listings.cache import registries as registries_module
from listings.cache.dependencies import Dependency, Search
from listings.cache.entries import Descriptor, Entry, Layer
from listings.cache.registries import Memory, Part, Step, parts_of
from listings.cache.store import Lease, Store, store

ENTRIES = [Entry(Layer.PAGE, "*", "page", str(n), Search(f"q={n}")) for n in range(3_000)]
randoms = given(random=st.randoms(use_true_random=False))
many = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


def decoded(raw: bytes) -> list[bytes]:
    return [raw]  # a new object each time


def register(cache: Store, entries: list[Entry]) -> None:
    for entry in entries:
        assert isinstance(cache.lease(entry), Lease)


def read(cache: Store, memory: Memory) -> dict[str, bytes]:
    """The registry, through a memory; in it, each entry that was registered, as it is."""
    found = cache.registries(["*"], Layer.PAGE, decoded, memory).get("*", {})
    assert dict(found) == {
        digest: [raw] for digest, raw in cache.registries(["*"], Layer.PAGE).get("*", {}).items()
    }
    return {digest: raw for digest, [raw] in found.items()}


@pytest.fixture
def cache() -> Store:
    found = store("pipeline")
    found.flush()
    return found


def test_registry_that_is_read_again_holds_what_came_changed_and_went_meanwhile(cache):
    memory = Memory()
    register(cache, ENTRIES[:2_000])
    assert len(read(cache, memory)) == 2_000
    for round_ in range(5):
        first = 2_000 + 200 * round_
        register(cache, ENTRIES[first : first + 200])
        gone = ENTRIES[100 * round_ : 100 * round_ + 100]
        cache.invalidate({"*": [entry.digest for entry in gone]}, Layer.PAGE)
        changed = ENTRIES[1_500 + round_]
        cache.client.hset("r:{*}:page", changed.digest, f"changed {round_}")
        found = read(cache, memory)
        assert found[changed.digest] == f"changed {round_}".encode()
        assert len(found) == 2_000 + 100 * (round_ + 1)
    cache.flush()
    assert read(cache, memory) == {}


def test_parts_that_have_not_changed_are_the_same_objects(cache):
    memory = Memory()
    register(cache, ENTRIES)

    def parts() -> set[int]:
        found = list(parts_of(cache.registries(["*"], Layer.PAGE, decoded, memory)["*"]))
        kept.extend(found)
        return set(map(id, found))

    kept: list[object] = []
    first = parts()
    assert len(first) > 1
    assert parts() == first
    cache.client.hset("r:{*}:page", ENTRIES[0].digest, "changed")
    assert len(parts() & first) == len(first) - 1


def test_memory_keeps_so_many_fields_and_the_latest_steps(monkeypatch):
    monkeypatch.setattr(registries_module, "MOST_FIELDS", 1_000)
    memory = Memory()
    steps = [
        Step(key, b"0", [b"%d" % number for number in range(800)])  # 400 fields
        for key in ("r:a", "r:b", "r:c")
    ]
    first = [memory.part(step, decoded) for step in steps]
    for at in (2, 1):
        assert memory.part(steps[at], decoded) is first[at]
    assert memory.part(steps[0], decoded) is not first[0]
    small = Step("r:d", b"0", [b"digest", b"descriptor"])
    assert memory.part(small, decoded) is not memory.part(small, decoded)


def test_holders_are_worked_out_once_for_a_part():
    part: Part[Descriptor] = Part({"one": Descriptor("", "", "", (Search(""),))})
    assert holders(part) is holders(part)


@many
@randoms
def test_holders_tell_the_first_dependency_of_each_entry_that_has_one(random: random_module.Random):
    dependencies: list[Dependency] = [Search(str(number)) for number in range(8)]
    part = {
        str(at): Descriptor("", "", "", tuple(random.sample(dependencies, random.randint(0, 3))))
        for at in range(10)
    }
    part["any"] = Descriptor("", "", "")
    some = {id(one): one for one in random.sample(dependencies, 3)}
    expected = {}
    for digest, descriptor in part.items():
        if having := [id(one) for one in descriptor.dependencies or () if id(one) in some]:
            expected[digest] = having[0]
    found = Holders(part)
    assert dict(found.of(some.keys())) == expected
    assert found.unknown == ["any"]
    assert found.dependencies == {
        id(one): one for descriptor in part.values() for one in descriptor.dependencies or ()
    }
