"""The cache server as the engine sees it: a few atomic scripts and a scan of registries.

Nothing else in the project writes a value, a lease or a registration.
"""

from __future__ import annotations

import enum
import functools
import random
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, overload

import msgspec
import redis
from django_redis import get_redis_connection
from redis.commands.core import Script
from redis.exceptions import NoScriptError, OutOfMemoryError

from listings.cache import endings, registries
from listings.cache.dependencies import Dependency
from listings.cache.endings import Refusal
from listings.cache.entries import (
    Entry,
    Header,
    Layer,
    Stored,
    journal_key,
    lease_key,
    registry_key,
    value_key,
)
from listings.cache.quick_script import Lines, QuickScript
from listings.cache.registries import JOURNAL_LENGTH, Memory

LEASE_MS = 5_000  # longer than any fill should take; a dead filler blocks its entry that long
PARTITION_CAPACITY = 20_000  # entries of one layer in one partition; beyond it, nothing is stored
STEP = 250  # digests in one script call: at most 3 ms during which the server serves nobody else
JITTER = 0.1  # of the TTL, so that what was filled together does not expire together
POLICY = "volatile-lfu"  # of eviction: the only one that never takes a registry, which has no TTL
HORIZON_KEY = "s:horizon"

_SCRIPTS = Path(__file__).parent / "scripts"

Registry = dict[str, bytes]  # digest → descriptor
T = TypeVar("T")


class Lease(msgspec.Struct, frozen=True):
    """The right to fill an entry, until it is invalidated or 5 s have passed."""

    token: str
    granted_at: int  # microseconds of the cache server's clock
    monotonic: float  # the same moment on ours


class Wait(msgspec.Struct, frozen=True):
    """Somebody else is filling this entry."""


class Full(msgspec.Struct, frozen=True):
    """There is no room to store this entry."""


class Switch(enum.StrEnum):
    """What an operator can switch off."""

    NEAR = "near"  # the near caches of all processes
    ALL = "all"  # every cache: pages come from the database


class Mark(NamedTuple):
    """The horizon as it stands: it says that changes are applied in time, as long as it moves."""

    run: str  # of the cache server; a restart is another run
    counter: int  # 0: this run's data have not been vouched for
    now: int  # microseconds of the cache server's clock
    off: frozenset[Switch]  # what is switched off


class Taken(NamedTuple):
    """What an invalidation has found, as digests."""

    had: set[str]  # a value
    unknown: set[str]  # they had gone before


class Swept(NamedTuple):
    """What a sweep has found in one registry."""

    gone: int  # entries that are no longer registered
    left: int  # those that are
    bytes: int  # of the registry before


@dataclass(frozen=True, slots=True)
class Found:
    """What the server knows of one entry at one moment."""

    stored: Stored | None
    descriptor: bytes | None  # none: not registered
    being_filled: bool
    now: int  # microseconds of the cache server's clock


class Store:
    """The cache behind one Redis client (a name in `settings.CACHES`).

    Every method raises `redis.RedisError` when the server does not answer.
    """

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        lines = Lines(client)
        self._lease = QuickScript(lines, _script(client, "lease"))
        self._fill = QuickScript(lines, _script(client, "fill"))
        self._registry = _script(client, "registry")
        self._invalidate = _script(client, "invalidate")
        self._sweep = _script(client, "sweep")
        self._horizon = _script(client, "horizon")
        self._flush = _script(client, "flush")
        self._switch = _script(client, "switch")

    def lease(self, entry: Entry, not_before: int = 0) -> Stored | Lease | Wait | Full:
        """The stored value, if it is as of `not_before` (µs) or later; else who may fill it."""
        token = secrets.token_hex(8)
        monotonic = time.monotonic()
        try:
            answer = self._lease(
                keys=_keys(entry),
                args=[
                    entry.digest,
                    entry.descriptor(),
                    token,
                    LEASE_MS,
                    f"{not_before:016d}",
                    PARTITION_CAPACITY,
                    JOURNAL_LENGTH,
                ],
            )
        except OutOfMemoryError:
            # What is stored can still be read; nothing can be added.
            raw = self.client.get(value_key(entry.partition, entry.digest))
            stored = Stored.decode(raw) if isinstance(raw, bytes) else None
            if stored and stored.header.as_of >= not_before:
                return stored
            endings.refused(entry.layer, Refusal.MEMORY)
            return Full()
        match answer[0]:
            case b"hit":
                return Stored.decode(answer[1])
            case b"lease":
                return Lease(token, answer[1], monotonic)
            case b"wait":
                return Wait()
            case _:
                endings.refused(entry.layer, Refusal.FULL)
                return Full()

    def fill(
        self,
        entry: Entry,
        lease: Lease,
        header: Header,
        body: bytes,
        dependencies: tuple[Dependency, ...] | None = None,
    ) -> bool:
        """Store a value under its lease. False: it was refused, because the lease is gone."""
        now = lease.granted_at + int((time.monotonic() - lease.monotonic) * 1e6)
        life_ms = (header.expires_at - now) // 1000
        if life_ms <= 0:
            endings.refused(entry.layer, Refusal.EXPIRED)
            self.release(entry, lease)
            return False
        try:
            stored = self._fill(
                keys=_keys(entry),
                args=[
                    entry.digest,
                    entry.descriptor(dependencies),
                    lease.token,
                    Stored(header, body).encode(),
                    life_ms,
                    JOURNAL_LENGTH,
                ],
            )
        except OutOfMemoryError:
            endings.refused(entry.layer, Refusal.MEMORY)
            self.release(entry, lease)
            return False
        if not stored:
            endings.refused(entry.layer, Refusal.LEASE_LOST)
        return bool(stored)

    def release(self, entry: Entry, lease: Lease) -> None:
        """Give a lease back unused, so that nobody waits for it."""
        self.client.lrem(lease_key(entry.partition, entry.digest), 1, lease.token)

    def look(self, entry: Entry) -> Found:
        """What there is of an entry, for a person: it counts as three look-ups, and asks for no
        lease.
        """
        value, lease, registry, _ = _keys(entry)
        pipe = self.client.pipeline(transaction=True)
        pipe.get(value)
        pipe.exists(lease)
        pipe.hget(registry, entry.digest)
        pipe.time()
        raw, leases, descriptor, (seconds, microseconds) = pipe.execute()
        stored = Stored.decode(raw) if raw else None
        return Found(stored, descriptor, bool(leases), seconds * 1_000_000 + microseconds)

    @overload
    def registries(self, partitions: Iterable[str], layer: Layer) -> dict[str, Registry]: ...

    @overload
    def registries(
        self,
        partitions: Iterable[str],
        layer: Layer,
        decoded: Callable[[bytes], T],
        memory: Memory[T] | None = None,
    ) -> dict[str, Mapping[str, T]]: ...

    def registries(
        self,
        partitions: Iterable[str],
        layer: Layer,
        decoded: Callable[[bytes], object] = bytes,
        memory: Memory[Any] | None = None,
    ) -> Mapping[str, Mapping[str, object]]:
        """What is live or being filled in each of these partitions, as digest → what `decoded`
        makes of its descriptor; empty ones are left out.

        Reads with HSCAN: a large hash never blocks the server for long. An entry that is
        registered from the first to the last step is in the answer. With a memory, of one thread
        and one `decoded`, large registries are read as a whole only the first time; the answer is
        what is kept, so it changes with the next reading.
        """
        keys = {registry_key(one, layer): one for one in partitions}
        journals = {key: journal_key(one, layer) for key, one in keys.items()}
        found = registries.read(self.client, self._registry, journals, decoded, memory)
        return {keys[key]: entries for key, entries in found.items()}

    def invalidate(self, digests: Mapping[str, Iterable[str]], layer: Layer) -> Taken:
        """Take entries away, given as partition → digests."""
        taken = Taken(set(), set())
        for had, unknown in self._in_steps(self._invalidate, digests, layer):
            taken.had.update(map(bytes.decode, had))
            taken.unknown.update(map(bytes.decode, unknown))
        return taken

    def sweep(self, partitions: Iterable[str], layer: Layer) -> Swept:
        """Unregister what has neither value nor lease."""
        registries = self.registries(partitions, layer)
        gone = sum(self._in_steps(self._sweep, registries, layer))
        entries = [entry for registry in registries.values() for entry in registry.items()]
        size = sum(len(digest) + len(descriptor) for digest, descriptor in entries)
        return Swept(gone, len(entries) - gone, size)

    def horizon(self, move_for: str = "", not_after: int = 0) -> Mark:
        """The horizon; moved on first if `move_for` is the id of the server's present run, and by
        its clock it is not later than `not_after` (µs).
        """
        run, counter, now, *off = self._horizon(keys=[HORIZON_KEY], args=[move_for, not_after])
        switched_off = frozenset(
            switch for switch, is_off in zip(Switch, off, strict=True) if is_off
        )
        return Mark(run.decode(), counter, now, switched_off)

    def switch(self, switch: Switch, *, on: bool) -> None:
        """Every process heeds it the next time it looks at the horizon. It outlives a flush, but
        not the server.
        """
        self._switch(keys=[HORIZON_KEY], args=[switch, int(not on)])

    def policy(self) -> str:
        """The server's `maxmemory-policy`, which has to be `POLICY`."""
        return str(self.client.info("memory")["maxmemory_policy"])

    def flush(self) -> None:
        """Take everything away but the switches, at once for whoever looks; the server frees the
        memory later.
        """
        self._flush(keys=[HORIZON_KEY])

    def _in_steps(
        self, script: Script, digests: Mapping[str, Iterable[str]], layer: Layer
    ) -> Iterator[Any]:
        """Run a script over many entries, at most `STEP` of one partition in a call."""
        calls = []
        for partition, members in digests.items():
            for some in _chunks(list(members)):
                keys = [registry_key(partition, layer), journal_key(partition, layer)]
                for digest in some:
                    keys += [value_key(partition, digest), lease_key(partition, digest)]
                calls.append((len(keys), *keys, *some))
        if not calls:
            return
        try:
            answers = self._call(script, calls)
        except NoScriptError:  # the server began anew; calls that it did answer may be repeated
            self.client.script_load(script.script)
            answers = self._call(script, calls)
        yield from answers

    def _call(self, script: Script, calls: Iterable[tuple[Any, ...]]) -> list[Any]:
        """All of these calls in one round trip; redis-py would ask in another what is loaded."""
        pipe = self.client.pipeline(transaction=False)
        pipe.client_no_touch("ON")  # looking after an entry does not make it popular
        for call in calls:
            pipe.evalsha(script.sha, *call)
        return pipe.execute()[1:]


def expiry(layer: Layer, lease: Lease, boundary: int) -> int:
    """When a value filled under this lease expires (µs): its TTL less jitter, or its boundary."""
    ttl = layer.ttl_seconds * (1 - random.random() * JITTER)
    at = lease.granted_at + int(ttl * 1e6)
    return min(at, boundary) if boundary else at


@functools.cache
def store(alias: str = "default") -> Store:
    """The store behind a cache of `settings.CACHES`; its client is shared between threads."""
    return Store(get_redis_connection(alias))


def _script(client: redis.Redis, name: str) -> Script:
    return client.register_script((_SCRIPTS / f"{name}.lua").read_text())


def _keys(entry: Entry) -> list[str]:
    digest = entry.digest
    return [
        value_key(entry.partition, digest),
        lease_key(entry.partition, digest),
        registry_key(entry.partition, entry.layer),
        journal_key(entry.partition, entry.layer),
    ]


def _chunks(items: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(items), STEP):
        yield items[start : start + STEP]
