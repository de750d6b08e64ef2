"""The front door: cached pages are answered here, before Django hears of the request.

Django's handler and its middleware would take longer than all else that a hit from Redis needs. So
pages that are near are given at once, and others are read, or rendered, right here. What middleware
add to a page is learnt from the first answer of its kind, which Django gives: it must not depend on
anything else in a request, and only a new process learns it anew.
Whatever is unusual in a request (another method, a session, an unknown host) is Django's to answer,
and so is what goes wrong.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterable
from functools import lru_cache
from http import HTTPStatus
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, get_path_info
from django.db import close_old_connections, reset_queries
from django.http import QueryDict
from django.http.request import split_domain_port, validate_host

from listings.addresses import Place, place_of
from listings.cache.near import Kept, Near
from listings.cache.trust import trust
from listings.pages import FAILURE, Visit
from listings.responses import ALWAYS, PageResponse, accepts_gzip, etag_of, knows, sent
from web.request_counts import STARTED, TIMED, TOLD, Asked, NearHits, counts

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

Environ = dict[str, Any]
Address = tuple[str, str, str | None]  # path, query string, scheme before a proxy
Kind = tuple[str | None, str]  # of pages: scheme before a proxy, name of the view
Headers = tuple[tuple[str, str], ...]

LONGEST = 300  # characters of a header that is remembered with what it means
MOST_REMEMBERED = 256
STATUS: Final = ("Cache-Status", "listings; hit; detail=near")
SCHEMES = {None, "http", "https"}  # that a proxy may name


class Reply:
    """A page in every form in which it can be sent, with its age in whole seconds."""

    __slots__ = (
        *("_forms", "body", "born", "etags", "headers", "is_ok", "seen", "status", "turns_at"),
        "unchanged",
    )

    def __init__(self, visit: Visit, added: Headers, view: str) -> None:
        content = visit.answer.content
        kind = ("Content-Type", content.content_type)
        length = ("Content-Length", str(len(content.body)))
        self.body: Final = content.body
        # Not later than now, should the cache server's clock be ahead of what was last seen of it.
        self.born: Final = min(trust.monotonic(visit.answer.as_of), monotonic())
        self.is_ok: Final = content.status == 200
        self.status: Final = _line(content.status)
        # To be counted up: GET, HEAD, and the same two when the visitor has the page already.
        self.seen: Final = counts.near_hits(view, content.status, visit.answer.queries)
        # By whether gzip is accepted: identity, gzip.
        self.etags: Final = tuple(etag_of(content, zipped) for zipped in (False, True))
        always = (*added, *ALWAYS, STATUS)
        identity, zipped = ((*always, ("ETag", etag)) for etag in self.etags)
        zipped_body = (*zipped, kind, length, ("Content-Encoding", "gzip"))
        self._forms: Final = identity, zipped, (*identity, kind), zipped_body
        self.grow(monotonic())

    def grow(self, now: float) -> None:
        """Tell its age at this moment. Whoever sends its headers leaves them as they are."""
        age = int(now - self.born)
        told = [[*form, ("Age", str(age))] for form in self._forms]
        self.unchanged, self.headers = tuple(told[:2]), tuple(told[2:])
        self.turns_at = self.born + age + 1


class Front:
    """The WSGI application."""

    def __init__(self, django: WSGIHandler, near: Near) -> None:
        self._django = django
        self._near = near
        # The server adds this process's variables to each request; they are nobody's business.
        self._variables = tuple(os.environ.items())
        self._session = settings.SESSION_COOKIE_NAME
        self._ours = _Meanings(_is_ours)
        self._zipped = _Meanings(accepts_gzip)
        self._added: dict[Kind, Headers] = {}  # by middleware

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        get = environ.get
        near = self._near
        method = environ["REQUEST_METHOD"]
        # One hit in so many is timed: two looks at the clock cost as much as all other counting.
        started = 0.0 if near.hits % TIMED else perf_counter()
        # In one piece, without calls and looks that can be spared: they would be a tenth of a hit's
        # time.
        if (
            (method != "GET" and method != "HEAD")  # noqa: PLR1714 - a tuple takes twice as long
            or ("HTTP_COOKIE" in environ and self._session in environ["HTTP_COOKIE"])
            or not self._ours[get("HTTP_HOST", "")]
        ):
            return self._ask(environ, start_response)
        address = (environ["PATH_INFO"], environ["QUERY_STRING"], get("HTTP_X_FORWARDED_PROTO"))
        now = monotonic()
        kept = near.find(address, now)
        if kept is None:
            return self._visit(environ, start_response, address)
        reply: Reply = kept.response
        if now >= reply.turns_at:
            reply.grow(now)
        zipped = self._zipped[get("HTTP_ACCEPT_ENCODING", "")]
        if zipped and method == "GET" and "HTTP_IF_NONE_MATCH" not in environ:  # as most are
            start_response(reply.status, reply.headers[True])
            seen, body = reply.seen[0], [reply.body]
        else:
            seen, body = _in_another_form(reply, environ, start_response, zipped)
        seen.number += 1
        if started:
            counts.time_near(seen, perf_counter() - started, near.hits)
        return body

    def _visit(
        self, environ: Environ, start_response: StartResponse, address: Address
    ) -> Iterable[bytes]:
        """Read a page that is not near, if the address is that of a page."""
        started = perf_counter()
        place = place_of(get_path_info(environ))
        if place is None:
            return self._ask(environ, start_response)
        kind = address[2], place.view_name
        added = self._added.get(kind)
        if added is None:
            return self._ask(environ, start_response, kind)
        _forget_former_request()
        try:
            query = QueryDict(environ["QUERY_STRING"].encode("latin-1"), encoding="utf-8")
            visit = place.page.visit(query, place.route)
            status, headers, body = sent(visit.answer, environ)
        except Exception as error:  # noqa: BLE001 - Django has an answer to everything
            environ |= {FAILURE: error, STARTED: started}
        else:
            start_response(_line(status), [*added, *headers])
            self._keep(visit, place, address, added)
            cache = TOLD[visit.answer.outcome]
            asked = Asked(place.view_name, environ["REQUEST_METHOD"], str(status), cache)
            counts.count(asked, perf_counter() - started)
            return [body] if body else []
        try:
            return self._ask(environ, start_response)
        finally:
            environ.pop(FAILURE, None)  # it holds this frame, and that the environ

    def _keep(self, visit: Visit, place: Place, address: Address, added: Headers) -> None:
        """Keep near what may be kept."""
        if visit.ticket:
            reply = Reply(visit, added, place.view_name)
            own_bytes = len(reply.body) + sum(len(part or "") for part in address)
            kept = Kept(address, visit.wish, reply, own_bytes)
            self._near.keep(visit.ticket, kept, visit.answer.expires_at)

    def _ask(
        self, environ: Environ, start_response: StartResponse, kind: Kind | None = None
    ) -> Iterable[bytes]:
        """Let Django answer. From answers to plain requests, given with their kind, is learnt."""
        if "HTTP_IF_NONE_MATCH" in environ:
            start_response = _without_wrong_length(start_response)
        for name, value in self._variables:
            if environ.get(name) == value:
                del environ[name]
        response = self._django(environ, start_response)
        if kind and isinstance(response, PageResponse) and not response.cookies:
            self._learn(kind, response)
        return response

    def _learn(self, kind: Kind, response: PageResponse) -> None:
        """What middleware add to such pages. If they change what one says, they are asked again."""
        found = dict(response.items())
        is_kept = all(found.pop(name, None) == value for name, value in response.sent.headers)
        found.pop("Content-Length", None)  # of a 304
        if is_kept and kind[0] in SCHEMES:
            self._added[kind] = tuple(found.items())


def _in_another_form(
    reply: Reply, environ: Environ, start_response: StartResponse, zipped: bool
) -> tuple[NearHits, list[bytes]]:
    """Send it without its body, if it is not asked for or known, or unzipped; and where that is to
    be counted.
    """
    is_head = environ["REQUEST_METHOD"] == "HEAD"
    if_none_match = environ.get("HTTP_IF_NONE_MATCH")
    if if_none_match and reply.is_ok and knows(if_none_match, reply.etags[zipped]):
        start_response("304 Not Modified", reply.unchanged[zipped])
        return reply.seen[2 + is_head], []
    body, headers = reply.body, reply.headers[zipped]
    if not zipped:
        body = gzip.decompress(body)
        headers = [*headers, ("Content-Length", str(len(body)))]
    start_response(reply.status, headers)
    return reply.seen[is_head], [] if is_head or not body else [body]


def _forget_former_request() -> None:
    """What Django does first with each request."""
    close_old_connections()
    if settings.DEBUG:
        reset_queries()


@lru_cache(maxsize=64)
def _line(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}"


def _without_wrong_length(start_response: StartResponse) -> StartResponse:
    """Django gives a 304 the length of no body; it must be the page's, or none (RFC 9110, 8.6)."""

    def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
        if status.startswith("304"):
            headers = [header for header in headers if header[0].lower() != "content-length"]
        return start_response(status, headers, *error)

    return start


class _Meanings(dict[str, bool]):
    """What a header means, of those values that have come lately."""

    def __init__(self, find: Callable[[str], bool]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, value: str) -> bool:
        found = self._find(value)
        if len(value) <= LONGEST:
            if len(self) >= MOST_REMEMBERED:
                self.clear()
            self[value] = found
        return found


def _is_ours(host: str) -> bool:
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)
