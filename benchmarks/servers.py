"""Servers of one benchmark's own, in a temporary folder, with a seeded inventory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2

from web.local_servers import NO_DURABILITY, Guardian, LocalServers
from web.local_servers.valkey import CACHE, Valkey

# A quarter of the memory of a server of its own that has 8 GB, as PostgreSQL's manual advises: the
# tables and indexes of a million listings take 4 GB.
MEMORY = {"shared_buffers": "2GB", "effective_cache_size": "6GB"}
PROJECT = Path(__file__).resolve().parent.parent


@contextmanager
def servers(postgres_settings: Mapping[str, str] | None = None) -> Iterator[dict[str, str]]:
    """The environment of a process that uses them. They go with the `with`, data and all.

    `postgres_settings` are added to those of a server whose data may be lost.
    """
    folder = Path(tempfile.mkdtemp(prefix="listings-benchmark-"))
    folder.chmod(0o711)  # root's PostgreSQL runs as another user, who must pass through
    guardian = Guardian()
    try:
        stack = LocalServers.in_folder(
            folder, guardian, {**NO_DURABILITY, **MEMORY, **(postgres_settings or {})}
        )
        # Room for all that is ever kept, twice: nothing goes for want of memory.
        settings = {**CACHE, "maxmemory": "2gb"}
        cache = Valkey("cache", guardian, folder / "cache", settings)
        started = {**stack.by_variable(), "CACHE_URL": cache}
        for server in started.values():
            server.start()
        yield {
            **os.environ,
            **{name: server.url for name, server in started.items()},
            "SECRET_KEY": "known to the benchmark only",
            "LOG_LEVEL": "WARNING",
            "PRODUCTION": "false",
            # Feeds hold it: whoever compares them must have the one of the web process.
            "SITE_URL": "http://localhost",
            "STATIC_ROOT": str(folder / "static"),
        }
    finally:
        guardian.close()
        shutil.rmtree(folder, ignore_errors=True)


def prepare(environment: Mapping[str, str]) -> None:
    """Make the tables, and collect the static files."""
    manage(environment, "migrate", "--verbosity", "0")
    manage(environment, "collectstatic", "--noinput", "--verbosity", "0")


def seed(environment: dict[str, str], listings: int, seed: int) -> None:
    """Prepare the site, and fill its tables with made-up listings."""
    prepare(environment)
    manage(environment, "seed_listings", "--count", str(listings), "--seed", str(seed))
    with closing(psycopg2.connect(environment["DATABASE_URL"])) as database:
        database.autocommit = True
        # As autovacuum leaves tables that have been there for a while: right after a million
        # listings it is busy for minutes, and until then no index answers by itself.
        database.cursor().execute("VACUUM ANALYZE")


def manage(environment: Mapping[str, str], *command: str) -> None:
    """Run a `manage.py` command, whose output goes to standard error."""
    subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=PROJECT,
        env=environment,
        check=True,
        stdout=sys.stderr,
    )
