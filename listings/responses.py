"""Answers of the page layer as HTTP responses (RFC 9110, 9111 and 9211)."""

from __future__ import annotations

import gzip
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from django.http import HttpResponse
from django.utils.http import parse_etags

from listings.cache.counters import Outcome
from listings.cache.filling import Answer, Content
from listings.cache.trust import trust

# Of every answer, whatever page it is and however it is sent. A browser may keep the page but asks
# each time: no invalidation reaches a browser.
ALWAYS: Final = (("Vary", "Accept-Encoding"), ("Cache-Control", "no-cache"))

# RFC 9211. A refused or impossible store is a miss without `stored`.
CACHE_STATUS = {
    Outcome.HIT: "listings; hit",
    Outcome.STALE: "listings; hit; detail=stale-if-error",
    Outcome.STORED: "listings; fwd=miss; stored",
    Outcome.UNSTORED: "listings; fwd=miss",
    Outcome.BYPASS: "listings; fwd=bypass",
    Outcome.ERROR: "listings; fwd=miss; detail=cache-unreachable",
}


class Sent(NamedTuple):
    """An answer over HTTP."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class PageResponse(HttpResponse):
    """A page as visitors get it from Django, whose middleware may add to it."""

    def __init__(self, sent: Sent) -> None:
        super().__init__(sent.body, status=sent.status)
        del self["Content-Type"]  # Django's own idea of it
        for name, value in sent.headers:
            self[name] = value
        self.sent = sent


def sent(answer: Answer, environ: Mapping[str, Any]) -> Sent:
    """The stored bytes as they are, unzipped for the few who cannot read gzip, or 304."""
    content = answer.content
    zipped = accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING", ""))
    etag = etag_of(content, zipped)
    headers = [*ALWAYS, ("ETag", etag), ("Cache-Status", CACHE_STATUS[answer.outcome])]
    if answer.outcome in (Outcome.HIT, Outcome.STALE):
        headers.append(("Age", age(answer)))
    if content.status == 200 and knows(environ.get("HTTP_IF_NONE_MATCH", ""), etag):
        return Sent(304, headers, b"")
    body = content.body if zipped else gzip.decompress(content.body)
    headers += [("Content-Type", content.content_type), ("Content-Length", str(len(body)))]
    if zipped:
        headers.append(("Content-Encoding", "gzip"))
    return Sent(content.status, headers, b"" if environ["REQUEST_METHOD"] == "HEAD" else body)


def age(answer: Answer) -> str:
    """How long ago a stored page was true at the least, in whole seconds (RFC 9111, 5.1)."""
    return str(max(0, int(time.monotonic() - trust.monotonic(answer.as_of))))


def etag_of(content: Content, zipped: bool) -> str:
    """Two encodings are two representations, so their strong ETags differ (RFC 9110, 8.8.3.3)."""
    return f'"{content.etag}{"-gzip" if zipped else ""}"'


def knows(if_none_match: str, etag: str) -> bool:
    """Whether who sends this header has the page already (RFC 9110, 13.1.2)."""
    if if_none_match == etag:  # as nearly all browsers say it
        return True
    known = parse_etags(if_none_match)
    return etag in known or "*" in known or f"W/{etag}" in known


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header allows gzip (RFC 9110, 12.5.3)."""
    for item in accept_encoding.split(","):
        coding, _, parameters = item.partition(";")
        if coding.strip().lower() in ("gzip", "x-gzip"):
            weight = parameters.strip().lower().removeprefix("q=").strip()
            return weight not in ("0", "0.0", "0.00", "0.000")
    return False
