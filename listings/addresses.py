"""Addresses of this site, and the entries that answer them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.http import QueryDict
from django.http.request import split_domain_port, validate_host
from django.urls import Resolver404, resolve

from listings.cache.entries import Entry
from listings.pages import CachedPage
from listings.search import InvalidSearch
from listings.site import PAGES

LONGEST = 300  # characters of a path that is remembered with what is there
# The name of a view → the page with which it answers.
_ANSWERING = {page.view_name: page for page in PAGES.values() if page.view_name}


class Place(NamedTuple):
    """What is at a path."""

    page: CachedPage[Any]
    route: dict[str, Any]
    view_name: str  # without that of its namespace


class NoEntry(ValueError):
    """No entry answers this address; the text says why."""


def place_of(path: str) -> Place | None:
    """The page at a path of this site; none: nothing is there, or nothing that is cached."""
    return _place_of_short(path) if len(path) <= LONGEST else _place_of(path)


def _place_of(path: str) -> Place | None:
    try:
        match = resolve(path)
    except Resolver404:
        return None
    page = page_of(match.view_name, match.func)
    return None if page is None else Place(page, match.kwargs, match.url_name or "")


_place_of_short = lru_cache(maxsize=1_024)(_place_of)


def page_at(url: str) -> tuple[CachedPage[Any], Entry]:
    """The page at a path, or at a full URL of this site, and its entry.

    Raises:
        NoEntry: it is another site's, nothing is there, what is there is not cached, or the
            search is invalid; then the text names each parameter that is not allowed.
    """
    path, query = _on_this_site(url)
    try:
        match = resolve(path)
    except Resolver404 as error:
        raise NoEntry(f"There is nothing at {path}") from error
    page = page_of(match.view_name, match.func)
    if page is None:
        raise NoEntry(f"What is at {path} is not cached")
    try:
        return page, page.entry(QueryDict(query), match.kwargs)
    except InvalidSearch as error:
        raise NoEntry(f"The search is invalid: {error}") from error


def page_of(view_name: str, view: object) -> CachedPage[Any] | None:
    """The page with which a view answers, which is named with its namespace; none: with others."""
    page = _ANSWERING.get(view_name, view)
    return page if isinstance(page, CachedPage) else None


def _on_this_site(url: str) -> tuple[str, str]:
    """Path and query string."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise NoEntry(f"{url} is no address: {error}") from error
    host, _ = split_domain_port(parts.netloc)
    if parts.netloc and not validate_host(host, settings.ALLOWED_HOSTS):
        raise NoEntry(f"{parts.netloc} is not this site: {', '.join(settings.ALLOWED_HOSTS)} is")
    return unquote(parts.path) or "/", parts.query
