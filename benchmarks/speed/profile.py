"""Where the CPU time of our misses goes: `python -m benchmarks.speed.profile KIND < addresses`.

Asks the site's WSGI application, in one thread and without a web server. The kernel interrupts
after so much CPU time, and the innermost Python function that this file can name says which part
has used it; what C code does counts for whoever has called it. Prints a `Profile` as JSON.
"""

from __future__ import annotations

import io
import signal
import sys
import time
from collections import Counter
from types import FrameType
from typing import Any

import msgspec

from benchmarks.servers import PROJECT
from benchmarks.speed.plan import Profile

EVERY_SECONDS = 0.001  # of CPU time; the kernel may make it 4 ms
REST = "other"

# part → what the file of a function contains, or, of this project's own, begins with. The first
# part that fits has it.
PARTS: dict[str, tuple[str, ...]] = {
    "templates": (
        ".html",
        "/jinja2/",
        "/markupsafe/",
        "listings/templating",
        "listings/quick_templates",
    ),
    "Redis": (
        "/redis/",
        "/hiredis/",
        "/django_redis/",
        "listings/cache/store",
        "listings/cache/quick_script",
    ),
    "cache engine": ("listings/cache/",),
    "gzip": ("/gzip.py", "/zlib", "/isal"),
    "SQL: sending, fetching": ("/django/db/backends/", "/psycopg2/"),
    "SQL: building (ORM)": ("/django/db/",),
    "rows and searches": (
        "listings/counting",
        "listings/prepared",
        "listings/queries",
        "listings/rows",
        "listings/search",
    ),
    "Django: middleware, addresses, responses": ("/django/", "/whitenoise/", "/asgiref/"),
    "the site's own views": ("listings/", "web/"),
}


def main() -> None:
    kind = sys.argv[1]
    paths: list[str] = msgspec.json.decode(sys.stdin.buffer.read())
    from web.wsgi import application  # noqa: PLC0415 - it starts Django

    ask = Asker(application)
    warm_up = len(paths) // 10
    for path in paths[:warm_up]:
        ask(path)
    sampler = Sampler()
    started = time.thread_time()
    sampler.start()
    for path in paths[warm_up:]:
        ask(path)
    sampler.stop()
    used = time.thread_time() - started
    profile = Profile(kind, len(paths) - warm_up, used, dict(sampler.seen))
    sys.stdout.write(msgspec.json.encode(profile).decode())


class Asker:
    """Asks a WSGI application as a web server would."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self.header = ""  # Cache-Status of the last response

    def __call__(self, path: str) -> bytes:
        """The body.

        Raises:
            ValueError: the response is no 200.
        """
        path, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_ACCEPT_ENCODING": "gzip",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        response = self._application(environ, self._start)
        try:
            body = b"".join(response)
        finally:
            if hasattr(response, "close"):
                response.close()
        if not self._status.startswith("200"):
            raise ValueError(f"{path}: {self._status}")
        return body

    def _start(self, status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        self._status = status
        self.header = dict(headers).get("Cache-Status", "")


class Sampler:
    """Counts parts, at equal steps of the CPU time that this process uses."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self._known: dict[str, str] = {}  # file → part

    def start(self) -> None:
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _look(self, number: int, frame: FrameType | None) -> None:
        while frame is not None:
            if part := self._part(frame.f_code.co_filename):
                self.seen[part] += 1
                return
            frame = frame.f_back
        self.seen[REST] += 1

    def _part(self, file: str) -> str:
        """Empty for the standard library and whatever else is called by a part."""
        if file not in self._known:
            own = file.removeprefix(f"{PROJECT}/")
            fitting = (
                name
                for name, marks in PARTS.items()
                if any(mark in file if mark[0] in "/." else own.startswith(mark) for mark in marks)
            )
            self._known[file] = next(fitting, "")
        return self._known[file]


if __name__ == "__main__":
    main()
