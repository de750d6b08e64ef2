"""What the terminal shows once the site answers."""

from __future__ import annotations

import time
from http.client import HTTPConnection, HTTPException

from web.terminal import Terminal

ASK_EVERY_SECONDS = 0.1
PATIENCE_SECONDS = 60.0

LOGIN = "log in as admin / admin, unless you have changed that"


class Welcome:
    """Called again and again: asks for `/readyz` and, at its first 200, prints the addresses."""

    def __init__(self, terminal: Terminal, demo_user: bool) -> None:
        from web import settings  # noqa: PLC0415 - they need the servers' addresses

        self._terminal = terminal
        self._demo_user = demo_user
        self._host = settings.OWN_HOST
        self._port, self._exporter_port = settings.PORT, settings.EXPORTER_PORT
        self._done = False
        self._asked = 0.0
        self._impatient_at = time.monotonic() + PATIENCE_SECONDS

    def __call__(self) -> None:
        now = time.monotonic()
        if self._done or now - self._asked < ASK_EVERY_SECONDS:
            return
        self._asked = now
        if _is_ready(self._host, self._port):
            self._done = True
            self._terminal.write(self._text())
        elif now > self._impatient_at:
            self._impatient_at = now + PATIENCE_SECONDS
            self._terminal.write("The site is not ready yet; the lines above may tell why.\n")

    def _text(self) -> str:
        site = f"http://{self._host}:{self._port}"
        return (
            f"\n  Site     {site}/\n"
            f"  Admin    {site}/admin/  {LOGIN if self._demo_user else ''}\n"
            f"  Metrics  http://{self._host}:{self._exporter_port}/metrics\n"
            f"  Ops      {site}/ops/  the same as charts, for staff\n"
            '  Shell    set -a; eval "$(.venv/bin/python manage.py stack_env)"; set +a\n'
            "  Ctrl-C stops everything; the data stay in var/.\n\n"
        )


def _is_ready(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
