"""Who is measured, and how each is started. Every web server has one worker and 32 threads."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from urllib.parse import urlsplit, urlunsplit

from benchmarks.speed.processes import House, WebServer
from web.local_servers import ports

OURS = {"CONTESTANT": "ours", "DJANGO_SETTINGS_MODULE": "benchmarks.settings"}
PLAIN = {"CONTESTANT": "plain", "DJANGO_SETTINGS_MODULE": "benchmarks.ordinary.settings"}
THREADS = "32"  # of gunicorn, as many as granian's blocking threads

# The cache server's databases of those who share nothing.
OF_CACHE_PAGE, OF_CACHEOPS, OF_CACHALOT, OF_GUNICORN = 3, 4, 5, 6

HOW_TO_INSTALL = {
    "wrk": "apt install wrk",
    "nginx": "apt install nginx-light",
    "gunicorn": "pip install -r benchmarks/requirements.txt",
    "cacheops": "pip install -r benchmarks/requirements.txt",
    "cachalot": "pip install -r benchmarks/requirements.txt",
}


def missing(program: str) -> str:
    """A sentence for the report."""
    return f"{program} is not installed ({HOW_TO_INSTALL[program]})"


def has_module(name: str) -> bool:
    """Whether a peer's package is there, without importing it."""
    return find_spec(name) is not None


def granian(house: House, name: str, application: str, variables: dict[str, str]) -> WebServer:
    """An application on the platform's own web server, with its own options."""
    port = ports.free_port()
    argv = [sys.executable, "-m", "benchmarks.speed.serve", application]
    return house.serve(name, argv, {"PORT": str(port), **variables}, port)


def ours(house: House, near: bool = True) -> WebServer:
    """The platform's site; without its near cache, every hit comes from Redis."""
    variables = OURS if near else {**OURS, "NEAR_CACHE_BYTES": "0"}
    return granian(house, "ours" if near else "ours-redis", "web.wsgi:application", variables)


def ordinary(house: House, peer: str = "") -> WebServer:
    """The ordinary site; a peer ("cacheops", "cachalot") may cache its querysets."""
    database = {"": 0, "cacheops": OF_CACHEOPS, "cachalot": OF_CACHALOT}[peer]
    return granian(
        house,
        peer or "plain",
        "benchmarks.ordinary.wsgi:application",
        {**PLAIN, "CONTESTANT": peer or "plain", "CACHE_URL": cache_url(house, database)},
    )


def relay(house: House) -> None:
    """Sees to it that ours trusts its caches. Nothing is written, so there is nothing to apply."""
    argv = [sys.executable, "manage.py", "relay"]
    house.start("relay", argv, {"METRICS_PORT": "0"}, house.processors.others)


def cache_url(house: House, database: int) -> str:
    """One of the cache server's databases."""
    url = urlsplit(house.environment["CACHE_URL"])
    return urlunsplit(url._replace(path=f"/{database}"))
