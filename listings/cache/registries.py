"""Reading hashes of any size from the cache server, without keeping it from others for long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import redis
from redis.commands.core import Script
from redis.connection import ConnectionInterface
from redis.exceptions import NoScriptError

READ_STEP = 1_000  # fields in one HSCAN: 0.7 ms
_END = b"0"  # the cursor after the last step


def in_steps(
    client: redis.Redis, first: Script, keys: Iterable[str]
) -> Iterator[tuple[str, list[bytes]]]:
    """Fields and values of these hashes in turn, some of one hash at a time, with its key.

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
        asked = list(keys)
        steps = [("EVALSHA", first.sha, 1, key, READ_STEP) for key in asked]
        _ask(connection, steps)
        try:
            answers = _answers(connection, asked)
        except NoScriptError:  # the server began anew
            # Other answers may be on their way.
            connection.disconnect()  # type: ignore[no-untyped-call]
            client.script_load(first.script)
            _ask(connection, steps)
            answers = _answers(connection, asked)
        while asked:
            asked = [key for key, (cursor, _) in answers.items() if cursor != _END]
            _ask(connection, [("HSCAN", key, answers[key][0], "COUNT", READ_STEP) for key in asked])
            for key, (_, fields) in answers.items():
                yield key, fields
            answers = _answers(connection, asked)
    except BaseException:
        # An answer may be on its way that nobody is going to read.
        connection.disconnect()  # type: ignore[no-untyped-call]
        raise
    finally:
        client.connection_pool.release(connection)


def _ask(connection: ConnectionInterface, steps: Sequence[tuple[str | bytes | int, ...]]) -> None:
    if steps:
        connection.send_packed_command(connection.pack_commands(steps))  # type: ignore[no-untyped-call]


def _answers(connection: ConnectionInterface, keys: list[str]) -> dict[str, Any]:
    """To each step its cursor and what it found."""
    return {key: connection.read_response() for key in keys}
