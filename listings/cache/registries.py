"""Reading hashes of any size from the cache server, without keeping it from others for long."""

from __future__ import annotations

from collections import ChainMap, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import redis
from redis.commands.core import Script
from redis.connection import ConnectionInterface
from redis.exceptions import NoScriptError

READ_STEP = 1_000  # fields in one HSCAN: 0.7 ms
COUNT_FIELD = b"#"  # of a registry: how many entries it holds
MOST_FIELDS = 65_536  # that a memory keeps, of all registries: some 30 MB
WORTH_KEEPING = 256  # fields of a step: to read fewer anew takes less than a millisecond
_END = b"0"  # the cursor after the last step

T = TypeVar("T")


class Step(NamedTuple):
    """Some of a hash, as one HSCAN tells it."""

    key: str
    cursor: bytes  # with which it was asked
    fields: list[bytes]  # a field, its value, the next field, …


class Part(dict[str, T]):
    """What one step has told of a registry: digest → what was made of its descriptor. Not to be
    changed.
    """

    derived: Any = None  # what its reader wants to keep with it


class Memory:
    """What each step told the last time, so that what is told again need not be made again.

    A whole step is compared at once: the server tells an unchanged one in the same words. Nothing
    is taken for unchanged that has not been read now.
    """

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, bytes], tuple[list[bytes], Part[Any]]] = OrderedDict()
        self._fields = 0

    def part(self, step: Step, decoded: Callable[[bytes], T]) -> Part[T]:
        """What a step has told: the same object as the last time if it told the same."""
        place = step.key, step.cursor
        last, part = self._last.pop(place, (None, None))
        self._fields -= len(last or ()) // 2
        if part is None or step.fields != last:
            part = made(step, decoded)
        if len(part) >= WORTH_KEEPING:
            self._last[place] = step.fields, part
            self._fields += len(step.fields) // 2
            while self._fields > MOST_FIELDS and self._last:
                _, (oldest, _) = self._last.popitem(last=False)
                self._fields -= len(oldest) // 2
        return part


def made(step: Step, decoded: Callable[[bytes], T]) -> Part[T]:
    """What a step tells, without the number of entries."""
    pairs = iter(step.fields)
    part = Part(zip(map(bytes.decode, pairs), map(decoded, pairs), strict=True))
    part.pop(COUNT_FIELD.decode(), None)
    return part


def parts_of(registry: Mapping[str, T]) -> Iterable[Mapping[str, T]]:
    """What each step has told of a registry."""
    return registry.maps if isinstance(registry, ChainMap) else (registry,)


def in_steps(client: redis.Redis, first: Script, keys: Iterable[str]) -> Iterator[Step]:
    """Fields and values of these hashes in turn, some of one hash at a time.

    A field that is there from the first to the last step comes at least once. `first` is the
    script that takes the first step; of a hash that is not there, nothing comes.

    The server looks for the next fields while the caller works with these: reading and decoding
    10,000 descriptors one after the other took 19 ms instead of 11. Hence a connection of its own,
    on which nothing else is asked meanwhile.

    Raises:
        redis.RedisError: the server does not answer, or one of the keys holds no hash.
    """
    connection = client.connection_pool.get_connection()
    try:
        cursors = dict.fromkeys(keys, _END)  # where scans begin, too
        steps = [("EVALSHA", first.sha, 1, key, READ_STEP) for key in cursors]
        _ask(connection, steps)
        try:
            answers = _answers(connection, cursors)
        except NoScriptError:  # the server began anew
            # Other answers may be on their way.
            connection.disconnect()  # type: ignore[no-untyped-call]
            client.script_load(first.script)
            _ask(connection, steps)
            answers = _answers(connection, cursors)
        while cursors:
            asked = cursors
            cursors = {key: cursor for key, (cursor, _) in answers.items() if cursor != _END}
            _ask(connection, [("HSCAN", *one, "COUNT", READ_STEP) for one in cursors.items()])
            for key, (_, fields) in answers.items():
                yield Step(key, asked[key], fields)
            answers = _answers(connection, cursors)
    except BaseException:
        # An answer may be on its way that nobody is going to read.
        connection.disconnect()  # type: ignore[no-untyped-call]
        raise
    finally:
        client.connection_pool.release(connection)


def _ask(connection: ConnectionInterface, steps: Sequence[tuple[str | bytes | int, ...]]) -> None:
    if steps:
        connection.send_packed_command(connection.pack_commands(steps))  # type: ignore[no-untyped-call]


def _answers(connection: ConnectionInterface, keys: Iterable[str]) -> dict[str, Any]:
    """To each step its cursor and what it found."""
    return {key: connection.read_response() for key in keys}
