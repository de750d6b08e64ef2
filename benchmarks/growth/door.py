"""The site's front door in this process: what the web server calls, without the server."""

from __future__ import annotations

from typing import Any
from wsgiref.util import setup_testing_defaults

from web.front import Environ
from web.wsgi import application


class Door:
    """Gets pages through the near cache, the page layer and whatever is behind."""

    def get(self, url: str) -> str:
        """`Cache-Status` of the answer (RFC 9211)."""
        return self.answer(self.request(url))

    def request(self, url: str) -> Environ:
        """What a web server makes of a browser's request."""
        path, _, query = url.partition("?")
        environ: Environ = {
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_HOST": "127.0.0.1",
            "HTTP_ACCEPT_ENCODING": "gzip",
        }
        setup_testing_defaults(environ)
        return environ

    def answer(self, environ: Environ) -> str:
        sent: dict[str, str] = {}

        def start(_: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            sent.update(headers)

        body = application(environ, start)
        b"".join(body)
        if close := getattr(body, "close", None):
            close()  # Django's connections and signals wait for that
        return sent.get("Cache-Status", "")
