"""The protocol holds in every reachable state, and each of its rules is needed.

`python -m tests.protocol` prints the counterexamples.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import pytest

from listings.cache.entries import Entry, Header, Layer, lease_key, registry_key, value_key
from listings.cache.store import Lease, Store, store
from tests.protocol import server
from tests.protocol.__main__ import main
from tests.protocol.explore import Model, explore
from tests.protocol.rules import INSIDE_OUT, SOUND
from tests.protocol.variants import MUTANTS, SOUND_VARIANTS, Variant


@pytest.mark.timeout(240)  # tens of thousands of states: 10 s on an idle core
@pytest.mark.parametrize("variant", SOUND_VARIANTS, ids=lambda variant: variant.name)
def test_sound_protocol_has_no_fault_in_any_reachable_state(variant: Variant):
    found = explore(variant.model)
    assert (found.fault, found.trace) == ("", ())
    assert found.states > 500


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda variant: variant.name)
def test_each_shortcut_has_a_counterexample(mutant: Variant):
    found = explore(mutant.model)
    assert found.fault == mutant.fault
    steps = iter(found.trace)
    for telling in mutant.steps:
        assert any(step.startswith(telling) for step in steps), f"no {telling!r}: {found.trace}"


def test_exploration_finds_the_shortest_way():
    def steps(number: int) -> Iterator[tuple[str, int]]:
        yield "add 1", number + 1
        yield "double", number * 2

    found = explore(Model(1, steps, lambda number: "ten" if number == 10 else ""))
    assert found.trace == ("add 1", "double", "add 1", "double")


def test_table_of_variants_names_the_counterexample(capsys):
    main("no deadline")
    assert "connection lost" in capsys.readouterr().out


def test_apply_works_in_the_order_of_the_model():
    names = {Layer.QUERYSET: "rows", Layer.PAGE: "page"}
    order = [step for layer in Layer for step in (f"find {names[layer]}", f"drop {names[layer]}")]
    assert (*order, "commit") == INSIDE_OUT


# ---- the model's server does what the real scripts do ----

ENTRY = Entry(Layer.PAGE, "*", "page")
V, L = (key(ENTRY.partition, ENTRY.digest) for key in (value_key, lease_key))
R = registry_key(ENTRY.partition, ENTRY.layer)
LATER = 9_000_000_000_000_000  # µs: a value that expires then outlives the test

Operation = tuple[str, int]  # what is done, and by which of two readers
OPERATIONS: list[Operation] = [
    *((does, who) for does in ("lease", "distrusting lease", "fill", "release") for who in (0, 1)),
    *((does, 0) for does in ("invalidate", "sweep", "flush", "evict", "expire")),
]


def in_the_model(entry: server.Entry, operation: Operation) -> server.Entry:
    does, who = operation
    leased = server.lease(entry, who, SOUND) if entry.is_free else entry
    return {
        "lease": entry if entry.value is not None else leased,
        "distrusting lease": leased,
        "fill": server.fill(entry, who, who, SOUND),
        "release": server.release(entry, who),
        "invalidate": server.invalidate(entry, SOUND),
        "sweep": server.sweep(entry, SOUND),
        "flush": server.flush(entry, SOUND),
        "evict": entry._replace(value=None),
        "expire": entry._replace(lease=server.NOBODY),
    }[does]


class RealEntry:
    """One entry on the real cache server, and two readers of it."""

    def __init__(self, cache: Store) -> None:
        self.cache = cache
        cache.flush()
        self.leases = [Lease(f"never granted to {who}", 0, 0.0) for who in (0, 1)]

    def do(self, operation: Operation) -> None:
        does, who = operation
        match does:
            case "lease" | "distrusting lease":
                granted = self.cache.lease(ENTRY, LATER if does != "lease" else 0)
                if isinstance(granted, Lease):
                    self.leases[who] = granted
            case "fill":
                header = Header(as_of=0, expires_at=LATER)
                self.cache.fill(ENTRY, self.leases[who], header, b"%d" % who)
            case "release":
                self.cache.release(ENTRY, self.leases[who])
            case "invalidate":
                self.cache.invalidate({ENTRY.partition: [ENTRY.digest]}, ENTRY.layer)
            case "sweep":
                self.cache.sweep([ENTRY.partition], ENTRY.layer)
            case "flush":
                self.cache.flush()
            case _:
                self.cache.client.delete(V if does == "evict" else L)

    def seen(self) -> server.Entry:
        client = self.cache.client
        value, tokens = client.get(V), client.lrange(L, 0, -1)
        known = [lease.token.encode() for lease in self.leases]
        return server.Entry(
            None if value is None else int(value[-1:]),
            known.index(tokens[0]) if tokens else server.NOBODY,
            bool(client.hexists(R, ENTRY.digest)),
        )


def test_real_scripts_do_in_every_state_what_the_model_says():
    """Every operation in every state of an entry, each state reached by its shortest way."""
    ways: dict[server.Entry, list[Operation]] = {server.GONE: []}
    ahead = deque(ways)
    while ahead:
        state = ahead.popleft()
        for operation in OPERATIONS:
            real = RealEntry(store("pipeline"))
            for step in ways[state]:
                real.do(step)
            real.do(operation)
            expected = in_the_model(state, operation)
            assert real.seen() == expected, (*ways[state], operation)
            if expected not in ways:
                ways[expected] = [*ways[state], operation]
                ahead.append(expected)
    # Nothing; registered, with or without a value of either reader, leased by either or nobody.
    assert len(ways) == 1 + 3 * 3
