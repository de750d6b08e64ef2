"""What a Redis-compatible server says of itself, asked without patience."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import InvalidResponse
from redis.retry import Retry

TIMEOUT_SECONDS = 0.4  # to connect, and again for the answer: a silent server costs under 1 s


@dataclass(frozen=True, slots=True)
class Statistics:
    """One reading of `INFO`. Counts start with the server, or at `CONFIG RESETSTAT`."""

    keyspace_hits: int
    keyspace_misses: int
    evicted_keys: int  # removed early, because memory was full
    expired_keys: int
    keys: int  # in all databases
    connected_clients: int
    memory_used_bytes: int
    memory_max_bytes: int | None  # None: no limit
    memory_fragmentation_ratio: float  # of what the system gave to what the server uses
    commands_processed: int
    uptime_seconds: int
    ping_seconds: float  # from a PING to its answer
    role: str  # master or slave
    maxmemory_policy: str
    version: str


def impatient_client(url: str) -> redis.Redis:
    """A client of its own that tries once; use it in a `with`, which closes it."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def read_statistics(url: str) -> Statistics:
    """What the server tells now. `INFO` reads no key, so asking changes none of the counts.

    Raises:
        redis.RedisError: the server does not answer in time, refuses, or tells less than this.
    """
    with impatient_client(url) as client:
        return read_from(client)


def read_from(client: redis.Redis) -> Statistics:
    """The same, by a client that is there. What the server tells costs it 0.1 ms.

    Raises:
        redis.RedisError: as `read_statistics`.
    """
    info: dict[str, Any] = client.info()
    started = time.perf_counter()
    client.ping()
    ping_seconds = time.perf_counter() - started
    try:
        return Statistics(
            keyspace_hits=info["keyspace_hits"],
            keyspace_misses=info["keyspace_misses"],
            evicted_keys=info["evicted_keys"],
            expired_keys=info["expired_keys"],
            keys=sum(part["keys"] for part in info.values() if _is_database(part)),
            connected_clients=info["connected_clients"],
            memory_used_bytes=info["used_memory"],
            memory_max_bytes=info["maxmemory"] or None,
            memory_fragmentation_ratio=info["mem_fragmentation_ratio"],
            commands_processed=info["total_commands_processed"],
            uptime_seconds=info["uptime_in_seconds"],
            ping_seconds=ping_seconds,
            role=info["role"],
            maxmemory_policy=info["maxmemory_policy"],
            # Valkey says for which Redis it may be taken, too.
            version=str(info.get("valkey_version", info["redis_version"])),
        )
    except KeyError as error:
        raise InvalidResponse(f"its INFO does not tell {error}") from error


def _is_database(part: object) -> bool:
    return isinstance(part, dict) and "keys" in part and "expires" in part  # db0, db1, …
