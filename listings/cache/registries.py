"""Reading hashes of any size from the cache server, without keeping it from others for long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import redis
from redis.connection import ConnectionInterface

READ_STEP = 1_000  # fields in one HSCAN: 0.7 ms
_END = b"0"  # the cursor after the last step


def in_steps(client: redis.Redis, keys: Iterable[str]) -> Iterator[tuple[str, list[bytes]]]:
    """Fields and values of these hashes in turn, some of one hash at a time, with its key.

    A field that is there from the first to the last step comes at least once.

    The server looks for the next fields while the caller works with these: reading and decoding
    10,000 descriptors one after the other took 19 ms instead of 11. Hence a connection of its own,
    on which nothing else is asked meanwhile.

    Raises:
        redis.RedisError: the server does not answer, or one of the keys holds no hash.
    """
    connection = client.connection_pool.get_connection()
    try:
        cursors: Mapping[str, bytes] = dict.fromkeys(keys, _END)  # where scans begin, too
        _ask(connection, cursors)
        while cursors:
            answers = {key: connection.read_response() for key in cursors}
            cursors = {key: cursor for key, (cursor, _) in answers.items() if cursor != _END}
            _ask(connection, cursors)
            for key, (_, fields) in answers.items():
                yield key, fields
    except BaseException:
        connection.disconnect()  # type: ignore[no-untyped-call] # an answer may be on its way that nobody is going to read
        raise
    finally:
        client.connection_pool.release(connection)


def _ask(connection: ConnectionInterface, cursors: Mapping[str, bytes]) -> None:
    scans = [("HSCAN", key, cursor, "COUNT", READ_STEP) for key, cursor in cursors.items()]
    if scans:
        connection.send_packed_command(connection.pack_commands(scans))  # type: ignore[no-untyped-call]
