"""One visitor's browser: a connection that stays open, and pages that it asks for again."""

from __future__ import annotations

import gzip
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from random import Random
from urllib.parse import urlsplit

from invalidation_worker.freshness.history import Sighting
from invalidation_worker.freshness.pages import Page
from invalidation_worker.freshness.truth import Thing, Value

TIMEOUT_SECONDS = 30.0
MOST_READ = 1_024  # different responses whose content is remembered
AGAIN = 0.5  # of requests for a page that is known say so: If-None-Match, as browsers do


class Visitor:
    """Looks at pages, one after the other. `failures` gets why a request came to nothing.

    `again` is the share of requests for a known page that say so.
    """

    def __init__(
        self, url: str, dice: Random, failures: list[str], *, again: float = AGAIN
    ) -> None:
        parts = urlsplit(url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
        self._dice = dice
        self._failures = failures
        self._again = again
        self._known: dict[str, tuple[str, Mapping[Thing, Value]]] = {}  # address → ETag, content

    def look(self, page: Page) -> Sighting | None:
        """What the page shows now. None: there was no answer, or an error.

        Raises:
            Unreadable: it does not look like that page.
        """
        etag, known = self._known.get(page.address, ("", {}))
        headers = {"Accept-Encoding": "gzip"}
        if etag and self._dice.random() < self._again:
            headers["If-None-Match"] = etag
        try:
            began, response, raw = self._ask(page.address, headers)
        except (OSError, HTTPException) as error:
            self._connection.close()
            self._failures.append(type(error).__name__)
            return None
        ended = time.monotonic()
        if response.status >= 500:
            self._failures.append(f"status {response.status}")
            return None
        if response.status == 304:
            things = known
        else:
            zipped = response.headers["Content-Encoding"] == "gzip"
            things = _content(page, response.status, raw, zipped)
        if response.status == 200:
            self._known[page.address] = (response.headers["ETag"] or "", things)
        return Sighting(page.address, began, ended, _kept(response), things)

    def close(self) -> None:
        self._connection.close()

    def _ask(self, address: str, headers: dict[str, str]) -> tuple[float, HTTPResponse, bytes]:
        """The moment of the request, and the answer. A connection that was closed is made anew."""
        if self._connection.sock is not None:
            with suppress(ConnectionError):
                return self._ask_once(address, headers)
            self._connection.close()
        self._connection.connect()
        return self._ask_once(address, headers)

    def _ask_once(self, address: str, headers: dict[str, str]) -> tuple[float, HTTPResponse, bytes]:
        began = time.monotonic()
        self._connection.request("GET", address, headers=headers)
        response = self._connection.getresponse()
        return began, response, response.read()


@lru_cache(MOST_READ)
def _content(page: Page, status: int, raw: bytes, zipped: bool) -> Mapping[Thing, Value]:
    """What these bytes show. Most come again and again, and reading them holds up those who watch
    the time.
    """
    return page.read(status, (gzip.decompress(raw) if zipped else raw).decode())


def _kept(response: HTTPResponse) -> bool:
    """Whether the cache has what this shows (RFC 9211): a hit, or a miss that was stored."""
    words = [word.strip() for word in (response.headers["Cache-Status"] or "").split(";")]
    return "hit" in words or "stored" in words
