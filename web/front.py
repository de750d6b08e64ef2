"""The front door: pages that are near are answered here, before Django hears of the request.

What Django has answered from the cache is kept near together with the headers that Django gave it,
so an answer from here differs from Django's in `Cache-Status` and `Age` only. Whatever is unusual
in a request (another method, a session, an unknown host) is Django's to answer.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http.request import split_domain_port, validate_host

from listings.cache.near import Kept, Near
from listings.cache.trust import trust
from listings.pages import Offer, PageResponse, accepts_gzip, etag_of, knows
from web.request_counts import TIMED, VIEW, counts

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

Environ = dict[str, Any]
Address = tuple[str, str, str | None]  # path, query string, scheme before a proxy

LONGEST = 300  # characters of a header that is remembered with what it means
STATUS: Final = ("Cache-Status", "listings; hit; detail=near")
# Of Django's headers, those that depend on how a page is sent. The others are the page's own.
SENDING = {"age", "cache-status", "content-encoding", "content-length", "content-type", "etag"}


class Reply:
    """A page in every form in which it can be sent."""

    __slots__ = ("body", "born", "etags", "headers", "is_ok", "seen", "status", "unchanged")

    def __init__(self, response: PageResponse, offer: Offer, view: str) -> None:
        content = offer.answer.content
        own = [(name, value) for name, value in response.items() if name.lower() not in SENDING]
        kind = ("Content-Type", content.content_type)
        length = ("Content-Length", str(len(content.body)))
        self.body: Final = content.body
        # Not later than now, should the cache server's clock be ahead of what was last seen of it.
        self.born: Final = min(trust.monotonic(offer.answer.as_of), monotonic())
        self.is_ok: Final = content.status == 200
        self.status: Final = f"{content.status} {HTTPStatus(content.status).phrase}"
        # To be counted up: GET, HEAD, and the same two when the visitor has the page already.
        self.seen: Final = counts.near_hits(view, content.status, offer.answer.queries)
        # By whether gzip is accepted: identity, gzip.
        self.etags: Final = tuple(etag_of(content, zipped) for zipped in (False, True))
        self.unchanged: Final = tuple([*own, ("ETag", etag), STATUS] for etag in self.etags)
        self.headers: Final = (
            [kind, *self.unchanged[False]],
            [kind, length, ("Content-Encoding", "gzip"), *self.unchanged[True]],
        )


class Front:
    """The WSGI application."""

    def __init__(self, django: WSGIHandler, near: Near) -> None:
        self._django = django
        self._near = near
        # The server adds this process's variables to each request; they are nobody's business.
        self._variables = tuple(os.environ.items())
        self._session = settings.SESSION_COOKIE_NAME

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        get = environ.get
        near = self._near
        # One hit in so many is timed: two looks at the clock cost as much as all other counting.
        started = 0.0 if near.hits % TIMED else perf_counter()
        # In one piece, without calls that can be spared: they would be a tenth of a hit's time.
        if (
            environ["REQUEST_METHOD"] not in ("GET", "HEAD")
            or self._session in get("HTTP_COOKIE", "")
            or len(host := get("HTTP_HOST", "")) > LONGEST
            or not _is_ours(host)
            or len(coding := get("HTTP_ACCEPT_ENCODING", "")) > LONGEST
        ):
            return self._ask(environ, start_response)
        address = (environ["PATH_INFO"], environ["QUERY_STRING"], get("HTTP_X_FORWARDED_PROTO"))
        kept = near.find(address)
        if kept is None:
            return self._ask(environ, start_response, address)
        reply: Reply = kept.response
        zipped = _accepts_gzip(coding)
        age = ("Age", str(int(monotonic() - reply.born)))
        is_head = environ["REQUEST_METHOD"] == "HEAD"
        if_none_match = get("HTTP_IF_NONE_MATCH")
        if if_none_match and reply.is_ok and knows(if_none_match, reply.etags[zipped]):
            start_response("304 Not Modified", [*reply.unchanged[zipped], age])
            seen, body = reply.seen[2 + is_head], b""
        elif zipped:
            start_response(reply.status, [*reply.headers[True], age])
            seen, body = reply.seen[is_head], reply.body
        else:
            body = gzip.decompress(reply.body)
            length = ("Content-Length", str(len(body)))
            start_response(reply.status, [*reply.headers[False], length, age])
            seen = reply.seen[is_head]
        seen.number += 1
        if started:
            counts.time_near(seen, perf_counter() - started, near.hits)
        return [] if is_head or not body else [body]

    def _ask(
        self, environ: Environ, start_response: StartResponse, address: Address | None = None
    ) -> Iterable[bytes]:
        if "HTTP_IF_NONE_MATCH" in environ:
            start_response = _without_wrong_length(start_response)
        for name, value in self._variables:
            if environ.get(name) == value:
                del environ[name]
        response = self._django(environ, start_response)
        if address and isinstance(response, PageResponse) and not response.cookies:
            self._keep(address, response, environ[VIEW])
        return response

    def _keep(self, address: Address, response: PageResponse, view: str) -> None:
        if offer := response.offer:
            reply = Reply(response, offer, view)
            own_bytes = len(reply.body) + sum(len(part or "") for part in address)
            kept = Kept(address, offer.wish, reply, own_bytes)
            self._near.keep(offer.ticket, kept, offer.answer.expires_at)


def _without_wrong_length(start_response: StartResponse) -> StartResponse:
    """Django gives a 304 the length of no body; it must be the page's, or none (RFC 9110, 8.6)."""

    def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
        if status.startswith("304"):
            headers = [header for header in headers if header[0].lower() != "content-length"]
        return start_response(status, headers, *error)

    return start


_accepts_gzip = lru_cache(maxsize=256)(accepts_gzip)


@lru_cache(maxsize=256)
def _is_ours(host: str) -> bool:
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)
