"""PostgreSQL and Valkey for one folder: real servers, no installation, no system users.

They listen on the loopback interface only, with random passwords, on ports picked at each start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from web.local_servers.errors import LocalServerError
from web.local_servers.guardian import Guardian, Stage, StoppingError
from web.local_servers.postgres import NO_DURABILITY, Postgres
from web.local_servers.server import Server
from web.local_servers.valkey import BROKER, CACHE, Valkey

__all__ = [
    "NO_DURABILITY",
    "Guardian",
    "LocalServerError",
    "LocalServers",
    "Server",
    "Stage",
    "StoppingError",
]


@dataclass(frozen=True)
class LocalServers:
    """The three servers that the platform needs."""

    database: Postgres
    cache: Valkey
    broker: Valkey

    @classmethod
    def in_folder(
        cls,
        folder: Path,
        guardian: Guardian,
        postgres_settings: Mapping[str, str] | None = None,
    ) -> LocalServers:
        """Servers that keep their data in this folder. None is started yet."""
        return cls(
            Postgres("database", guardian, folder / "postgres", postgres_settings),
            Valkey("cache", guardian, folder / "cache", CACHE),
            Valkey("broker", guardian, folder / "broker", BROKER),
        )

    def by_variable(self) -> dict[str, Server]:
        """Each server under the name of the variable that replaces it."""
        return {
            "DATABASE_URL": self.database,
            "CACHE_URL": self.cache,
            "BROKER_URL": self.broker,
        }
