"""Who takes part in part 1: servers that have one page in their cache, and have shown it."""

from __future__ import annotations

import base64
import gzip
import http.client
import shutil
import sys
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from benchmarks.speed import contenders, nginx
from benchmarks.speed.constant import Recorded
from benchmarks.speed.load import GZIP, Target, WrongAnswer
from benchmarks.speed.names import (
    CACHE_PAGE,
    CONSTANT,
    GUNICORN,
    NEAR,
    NEAR_304,
    NGINX,
    NGINX_304,
    REDIS,
    REDIS_304,
)
from benchmarks.speed.processes import House, WebServer
from benchmarks.speed.sameness import assert_same
from web.local_servers import ports

PAGE = "/listings/"  # the list that visitors see first: 24 homes

READY_SECONDS = 30.0
TTL_SECONDS = 900  # of `cache_page`, as of our pages
# Of a recorded response, what each server says for itself.
OWN_HEADERS = {"connection", "date", "server", "transfer-encoding"}


class Contender(NamedTuple):
    """A server that answers from its cache, and how it is asked."""

    name: str
    server: WebServer
    target: Target


class Known(NamedTuple):
    """The page as our near cache gives it."""

    response: http.client.HTTPResponse
    body: bytes

    @property
    def text(self) -> str:
        return gzip.decompress(self.body).decode()

    @property
    def if_none_match(self) -> dict[str, str]:
        return {**GZIP, "If-None-Match": self.response.headers["ETag"]}


def all_contenders(house: House, peers: bool = True) -> tuple[list[Contender], list[str]]:
    """Everybody who can be here, and a sentence for each who cannot. `peers` may be left out.

    Raises:
        WrongAnswer: somebody does not answer from its cache, or not with this page.
        DifferentPages: somebody shows something else.
    """
    near, from_redis = contenders.ours(house), contenders.ours(house, near=False)
    known = _answered(near, "Cache-Status", "listings; hit; detail=near")
    _same_bytes(known, _answered(from_redis, "Cache-Status", "listings; hit"))
    found = [
        _contender(NEAR, near),
        _contender(REDIS, from_redis),
        _contender(CONSTANT, _constant(house, known)),
        _cache_page(house, CACHE_PAGE, known),
        _not_modified(NEAR_304, near, known),
        _not_modified(REDIS_304, from_redis, known),
    ]
    skipped = []
    if peers and contenders.has_module("gunicorn"):
        found.append(_cache_page(house, GUNICORN, known))
    elif peers:
        skipped.append(contenders.missing("gunicorn"))
    if peers and shutil.which("nginx"):
        server = nginx.start(house, near.port)
        _same_bytes(known, _answered(server, "X-Cache", "HIT"))
        found += [_contender(NGINX, server), _not_modified(NGINX_304, server, known)]
    elif peers:
        skipped.append(contenders.missing("nginx"))
    return found, skipped


def _contender(
    name: str, server: WebServer, path: str = PAGE, headers: Mapping[str, str] = GZIP
) -> Contender:
    return Contender(name, server, Target(server.port, path, headers))


def _answered(server: WebServer, header: str, value: str) -> Known:
    """The page, as soon as this header says that it comes from where it shall come from."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        response, body = server.get(PAGE, GZIP)
        if response.status == 200 and response.headers[header] == value:
            if response.headers["Content-Encoding"] != "gzip":
                raise WrongAnswer(f"{header}: {value} came without gzip")
            return Known(response, body)
        if time.monotonic() > deadline:
            raise WrongAnswer(f"{header}: {response.headers[header]}, never {value}")
        time.sleep(0.05)


def _same_bytes(known: Known, other: Known) -> None:
    if other.body != known.body:
        raise WrongAnswer("the same page has other bytes")


def _not_modified(name: str, server: WebServer, known: Known) -> Contender:
    response, body = server.get(PAGE, known.if_none_match)
    if response.status != 304 or body:
        raise WrongAnswer(f"{name}: {response.status}")
    return _contender(name, server, headers=known.if_none_match)


def _constant(house: House, known: Known) -> WebServer:
    """The recorded response, from the same web server, with nothing behind it."""
    headers = [
        (name, value)
        for name, value in known.response.headers.items()
        if name.lower() not in OWN_HEADERS
    ]
    path = house.folder / "recorded.json"
    Recorded("200 OK", headers, base64.b64encode(known.body).decode()).save(path)
    server = contenders.granian(
        house,
        CONSTANT,
        "benchmarks.speed.constant:application",
        {"RECORDED_RESPONSE": str(path)},
    )
    response, body = server.get(PAGE)
    if response.status != 200 or body != known.body:
        raise WrongAnswer("what was recorded is not what is sent")
    return server


def _cache_page(house: House, name: str, known: Known) -> Contender:
    """Django's own whole-page cache over the ordinary site. No gzip, as Django comes without."""
    path, port = f"/cached{PAGE}", ports.free_port()
    database = contenders.OF_CACHE_PAGE if name == CACHE_PAGE else contenders.OF_GUNICORN
    variables = {**contenders.PLAIN, "ORDINARY_CACHE_URL": contenders.cache_url(house, database)}
    application = "benchmarks.ordinary.wsgi:application"
    if name == CACHE_PAGE:
        server = contenders.granian(house, name, application, variables)
    else:
        argv = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--workers", "1"]
        argv += ["--threads", contenders.THREADS, "--keep-alive", "75"]
        argv += ["--bind", f"127.0.0.1:{port}", application]
        server = house.serve(name, argv, variables, port)
    first, body = server.get(path)
    assert_same(known.text, body.decode(), name)
    _check_kept(server, path, first.headers["Expires"])
    return _contender(name, server, path)


def _check_kept(server: WebServer, path: str, expires: str) -> None:
    """What `cache_page` has kept still ends when it was to end, although it is later by now."""
    fresh_would_end = parsedate_to_datetime(expires).timestamp()
    deadline = time.monotonic() + READY_SECONDS
    while time.time() + TTL_SECONDS < fresh_would_end + 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    response, _ = server.get(path)
    if response.headers["Expires"] != expires:
        raise WrongAnswer("cache_page does not keep its page")
