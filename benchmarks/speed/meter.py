"""Measures who has used how much CPU while somebody asked."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.speed.data import DataServers
from benchmarks.speed.load import Asked
from benchmarks.speed.plan import Sample
from benchmarks.speed.processes import WebServer


class Meter:
    def __init__(self, data: DataServers) -> None:
        self._data = data

    def sample(self, server: WebServer, ask: Callable[[], Asked]) -> Sample:
        """What asking this server took."""
        before = self._read(server)
        asked = ask()
        used = [now - then for now, then in zip(self._read(server), before, strict=True)]
        web, database, cache = used
        return Sample(asked.requests, asked.seconds, web, asked.client_cpu, database, cache)

    def _read(self, server: WebServer) -> tuple[float, float, float]:
        return server.cpu_seconds, self._data.database_cpu, self._data.cache_cpu
