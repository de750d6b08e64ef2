"""On what was measured, in one line for the document."""

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

import psycopg2
import redis

PACKAGES = {"Django": "Django", "granian": "granian", "redis-py": "redis", "Jinja2": "Jinja2"}


def description(environment: Mapping[str, str]) -> str:
    """Processors, kernel, and the versions of what takes part, the servers' among them."""
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    cores, model = len(os.sched_getaffinity(0)), found[1].strip() if found else platform.machine()
    versions = {
        "Linux": platform.release().partition("-")[0],
        "Python": platform.python_version(),
        **{name: version(package) for name, package in PACKAGES.items()},
        **_servers(environment),
    }
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    return f"{cores} processors ({model}), {listed}"


def _servers(environment: Mapping[str, str]) -> dict[str, str]:
    with closing(psycopg2.connect(environment["DATABASE_URL"])) as connection:
        postgres = str(connection.get_parameter_status("server_version")).partition(" ")[0]
    with closing(redis.Redis.from_url(environment["CACHE_URL"])) as client:
        server = client.info("server")
    found = {"PostgreSQL": postgres}
    name = "Valkey" if "valkey_version" in server else "Redis"
    found[name] = str(server[f"{name.lower()}_version"])
    if nginx := shutil.which("nginx"):
        said = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr
        found["nginx"] = said.rpartition("/")[2].split()[0]
    return found
