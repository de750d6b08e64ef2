"""On what a benchmark was run."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import msgspec
import psycopg2
import redis

PACKAGES = ("Django", "granian", "celery", "redis", "psycopg2-binary", "Jinja2")


class Machine(msgspec.Struct, frozen=True):
    """Hardware and versions."""

    processor: str
    cores: int
    memory_gib: float
    versions: dict[str, str]

    def described(self) -> str:
        """A sentence."""
        named = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return f"{self.cores} cores of {self.processor}, {self.memory_gib:.0f} GiB; {named}."


def machine(environment: Mapping[str, str]) -> Machine:
    """This machine, with the servers to which the environment leads."""
    with closing(psycopg2.connect(environment["DATABASE_URL"])) as database:
        postgres = str(database.get_parameter_status("server_version")).partition(" ")[0]
    with closing(redis.Redis.from_url(environment["CACHE_URL"])) as client:
        server = client.info("server")
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return Machine(
        _processor(),
        os.cpu_count() or 1,
        pages * size / 2**30,
        {
            "Linux": platform.release().partition("-")[0],
            "Python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
            "PostgreSQL": postgres,
            "Valkey": str(server.get("valkey_version", server["redis_version"])),
            **_nginx(),
        },
    )


def _nginx() -> dict[str, str]:
    if not (nginx := shutil.which("nginx")):
        return {}
    said = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr
    return {"nginx": said.rpartition("/")[2].split()[0]}


def _processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()
