"""What a request asked for, in a word: names of views, few and known before anybody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, get_resolver

from listings.addresses import page_of

ADMIN = "admin"  # all of its pages: there are dozens, and one person reads them
STATIC = "static"
UNKNOWN = "unknown"  # no view has this address, or the request was refused before it got there


class View(NamedTuple):
    """A view as it is told."""

    name: str
    is_cached: bool = False


def known() -> Iterator[View]:
    """Every view that can be told. May tell one twice."""
    yield View(STATIC)
    yield View(UNKNOWN)
    yield from _known(get_resolver().url_patterns)


def name_of(request: HttpRequest) -> str:
    """The view that has answered, or should have."""
    match = request.resolver_match
    if match is not None:
        return ADMIN if ADMIN in match.app_names else _name(match.url_name, match.func)
    return (
        STATIC if request.path_info.startswith(f"/{settings.STATIC_URL.strip('/')}/") else UNKNOWN
    )


def _known(patterns: Sequence[URLPattern | URLResolver], namespace: str = "") -> Iterator[View]:
    routes = set()
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            route = str(pattern.pattern)
            if route not in routes:  # the first of several names is the one that is told
                routes.add(route)
                page = page_of(f"{namespace}{pattern.name}", pattern.callback)
                yield View(_name(pattern.name, pattern.callback), page is not None)
        elif pattern.app_name == ADMIN:
            yield View(ADMIN)
        else:
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _known(pattern.url_patterns, inner)


def _name(url_name: str | None, view: Callable[..., Any]) -> str:
    return url_name or str(getattr(view, "__name__", UNKNOWN))
