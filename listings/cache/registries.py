"""Reading registries of any size from the cache server, without keeping it from others for long.

A large one is remembered: most entries outlive many batches of changes. Its journal tells which
have been registered since, so that a reader who has left a mark there reads those alone, and the
whole registry only when its mark is gone (`scripts/registry.lua`).
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Generic, NamedTuple, TypeVar

import hiredis
import redis
from redis.commands.core import Script
from redis.connection import ConnectionInterface
from redis.exceptions import NoScriptError

READ_STEP = 1_000  # fields in one HSCAN: 0.7 ms
COUNT_FIELD = b"#"  # of a registry: how many entries it holds
WORTH_A_JOURNAL = 256  # fields: to read fewer anew takes less than a millisecond
JOURNAL_LENGTH = 1_500  # leases, fills and marks that are kept at least, twice as many at the most
MOST_ENTRIES = 100_000  # that a memory keeps, of all registries: 1 to 2 kB each
# What goes from a registry is not told: it is read as a whole, and what has gone is forgotten, when
# the memory holds more than so many times the entries that there are.
MOST_HELD = 9 / 8
_END = b"0"  # the cursor before the first step and after the last
_TOLD = b"told"  # in its place: these fields are what is new

T = TypeVar("T")
Entries = MutableMapping[str, T]  # digest → what was made of its descriptor


class Step(NamedTuple):
    """Some of a registry, or what is new in it."""

    key: str
    fields: list[Any]  # a field, its value, the next field, …; no value: it has gone
    is_last: bool
    mark: str | None = None  # put with the first step; none: there is no journal
    entries: int | None = None  # that there are, if these fields are what is new


class Remembered(Generic[T]):
    """One registry as it was when it was last read."""

    def __init__(self, entries: Entries[T]) -> None:
        self.entries = entries
        # In the journal, from where to go on. Empty: the whole must be read. None: there is none.
        self.mark: str | None = None
        self._seen: set[str] = set()  # by a reading of the whole that is under way

    def take(self, step: Step, decoded: Callable[[bytes], T]) -> None:
        """Take in what a step has told."""
        there = dict(_told(step.fields))
        for digest, raw in there.items():
            if raw is None:
                self.forget([digest])
            elif self.entries.get(digest) is not (one := decoded(raw)):
                self.entries[digest] = one
        self.mark = step.mark or self.mark
        if step.entries is None:
            self._seen |= there.keys()
            if step.is_last:
                self.forget(self.entries.keys() - self._seen)
                self._seen.clear()
        elif len(self.entries) > step.entries * MOST_HELD:
            self.mark = ""

    def forget(self, digests: Iterable[str]) -> None:
        """These have gone."""
        for digest in self.entries.keys() & digests:
            del self.entries[digest]


class Memory(Generic[T]):
    """Large registries as they were when they were last read. For one thread.

    What is being changed is not in it, so that nothing half changed is ever kept.
    """

    def __init__(self, empty: Callable[[], Entries[T]]) -> None:
        """`empty`: a registry without entries. What it derives from those it gets, it keeps."""
        self.empty = empty
        self._known: OrderedDict[str, Remembered[T]] = OrderedDict()

    def take_out(self, keys: Iterable[str]) -> dict[str, Remembered[T]]:
        """Those of these registries that are known."""
        return {key: self._known.pop(key) for key in self._known.keys() & keys}

    def put_back(self, key: str, known: Remembered[T]) -> None:
        """Keep it, and as many of the others as there is room for: those that were read last."""
        self._known[key] = known
        while (
            len(self._known) > 1
            and sum(len(one.entries) for one in self._known.values()) > MOST_ENTRIES
        ):
            self._known.popitem(last=False)

    def forget(self, key: str, digests: Iterable[str]) -> None:
        """These have been dropped."""
        for known in self.take_out([key]).values():
            known.forget(digests)
            self.put_back(key, known)


def read(
    client: redis.Redis,
    script: Script,
    keys: Mapping[str, str],
    decoded: Callable[[bytes], T],
    memory: Memory[T] | None = None,
) -> dict[str, Entries[T]]:
    """What is in these registries, given as key → key of the journal; empty ones are left out.

    An entry that is registered from the first to the last step is in the answer. With a memory, its
    objects: they are kept, and change with the next reading.

    Raises:
        redis.RedisError: the server does not answer, or one of the keys holds no hash.
    """
    known = memory.take_out(keys) if memory else {}
    marks = {key: one.mark for key, one in known.items() if one.mark} if memory else None
    found = {}
    for one in known.values():
        one.mark = None
    for step in _in_steps(client, script, keys, marks):
        if step.key not in known:
            known[step.key] = Remembered(memory.empty() if memory else {})
        one = known[step.key]
        one.take(step, decoded)
        if step.is_last:
            if one.entries:
                found[step.key] = one.entries
            if memory and one.mark is not None and one.entries:
                memory.put_back(step.key, one)
    return found


def _in_steps(
    client: redis.Redis,
    script: Script,
    keys: Mapping[str, str],
    marks: Mapping[str, str] | None,
) -> Iterator[Step]:
    """What is new in these registries since these marks, or all that is in them, some of one
    registry at a time. No marks: nobody is going to remember it. Of a registry that is not there,
    an empty step comes.

    The server looks for the next fields while the caller works with these: reading and decoding
    10,000 descriptors one after the other took 19 ms instead of 11. Hence a connection of its own,
    on which nothing else is asked meanwhile.
    """
    mark = "" if marks is None else secrets.token_hex(8)
    settings = READ_STEP, WORTH_A_JOURNAL, JOURNAL_LENGTH, mark
    first = [
        ("EVALSHA", script.sha, 2, key, journal, *settings, (marks or {}).get(key, ""))
        for key, journal in keys.items()
    ]
    connection = client.connection_pool.get_connection()
    try:
        _ask(connection, first)
        try:
            answers = _answers(connection, len(first))
        except NoScriptError:  # the server began anew
            # Other answers may be on their way.
            connection.disconnect()  # type: ignore[no-untyped-call]
            client.script_load(script.script)
            _ask(connection, first)
            answers = _answers(connection, len(first))
        steps = [_first_step(key, answer, mark) for key, answer in zip(keys, answers, strict=True)]
        while steps:
            cursors = {step.key: cursor for step, cursor in steps if cursor != _END}
            _ask(connection, [("HSCAN", *one, "COUNT", READ_STEP) for one in cursors.items()])
            yield from (step for step, _ in steps)
            answers = _answers(connection, len(cursors))
            steps = [
                (Step(key, fields, is_last=cursor == _END), cursor)
                for key, (cursor, fields) in zip(cursors, answers, strict=True)
            ]
    except BaseException:
        # An answer may be on its way that nobody is going to read.
        connection.disconnect()  # type: ignore[no-untyped-call]
        raise
    finally:
        client.connection_pool.release(connection)


def _first_step(key: str, answer: list[Any], mark: str) -> tuple[Step, bytes]:
    """It, and the cursor with which to go on."""
    length, cursor, fields, *entries = answer
    put = mark if length else None
    if cursor == _TOLD:
        return Step(key, fields, is_last=True, mark=put, entries=entries[0]), _END
    return Step(key, fields, is_last=cursor == _END, mark=put), cursor


def _told(fields: list[Any]) -> Iterator[tuple[str, bytes | None]]:
    """Digests and descriptors."""
    pairs = iter(fields)
    return (
        (one.decode(), raw) for one, raw in zip(pairs, pairs, strict=True) if one != COUNT_FIELD
    )


def _ask(
    connection: ConnectionInterface, commands: Iterable[tuple[str | bytes | int, ...]]
) -> None:
    # redis-py takes eight times as long to pack them. Its annotations know no tuples of words.
    packed = b"".join(hiredis.pack_command(words) for words in commands)  # type: ignore[arg-type]
    if packed:
        connection.send_packed_command([packed])  # type: ignore[no-untyped-call]


def _answers(connection: ConnectionInterface, number: int) -> list[Any]:
    return [connection.read_response() for _ in range(number)]
