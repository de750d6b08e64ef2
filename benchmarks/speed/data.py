"""The servers that hold the data: their processes, found by asking the servers themselves."""

from __future__ import annotations

from contextlib import closing

import psutil
import psycopg2
import redis

from benchmarks.speed.processes import House, pin_tree, tree_cpu_seconds


class DataServers:
    """PostgreSQL and the cache server."""

    def __init__(self, house: House) -> None:
        with closing(psycopg2.connect(house.environment["DATABASE_URL"])) as connection:
            backend = psutil.Process(connection.info.backend_pid)
            postmaster = backend.parent()
        assert postmaster
        self._postgres = postmaster
        with closing(redis.Redis.from_url(house.environment["CACHE_URL"])) as client:
            self._cache = psutil.Process(client.info("server")["process_id"])

    def pin(self, processor: int) -> None:
        """Let them work on this processor alone."""
        for process in (self._postgres, self._cache):
            pin_tree(process, processor)

    @property
    def database_cpu(self) -> float:
        """User and system seconds so far."""
        return tree_cpu_seconds(self._postgres)

    @property
    def cache_cpu(self) -> float:
        """User and system seconds so far."""
        return tree_cpu_seconds(self._cache)
