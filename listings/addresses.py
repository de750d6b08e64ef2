"""Addresses of this site, and the entries that answer them."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.http import HttpRequest, QueryDict
from django.http.request import split_domain_port, validate_host
from django.urls import Resolver404, resolve

from listings.cache.entries import Entry
from listings.pages import CachedPage
from listings.search import InvalidSearch
from listings.site import PAGES

# The name of a view → the page with which it answers.
_ANSWERING = {page.view_name: page for page in PAGES.values() if page.view_name}


class NoEntry(ValueError):
    """No entry answers this address; the text says why."""


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
    page = _ANSWERING.get(match.view_name, match.func)
    if not isinstance(page, CachedPage):
        raise NoEntry(f"What is at {path} is not cached")
    request = HttpRequest()
    request.GET = QueryDict(query)
    try:
        return page, page.entry(request, **match.kwargs)
    except InvalidSearch as error:
        raise NoEntry(f"The search is invalid: {error}") from error


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
