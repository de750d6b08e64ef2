"""`/ops/`: how the platform does, live, for operators without Grafana. For staff.

The page asks for `samples.json` and `recent.json` again and again, keeps what it got for a while
and draws it; the server keeps nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps

import msgspec
from django.conf import settings
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from monitoring.recent import read_recent
from monitoring.targets import Told, ask_all

# Nothing from elsewhere, nothing inline: what a trace holds was written by visitors.
POLICY = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "connect", "img")),
        *("form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"),
    )
)

View = Callable[[HttpRequest], HttpResponse]


class Scrape(msgspec.Struct, frozen=True):
    """What all targets told, at one moment."""

    at: float  # Unix time, by the clock of the web process
    targets: list[Told]


def for_operators(view: View) -> View:
    """Staff get what the view answers, others the admin's login; nobody keeps any of it."""

    @wraps(view)
    def with_policy(request: HttpRequest) -> HttpResponse:
        response = view(request)
        response["Content-Security-Policy"] = POLICY
        return response

    guarded: View = staff_member_required(with_policy)
    return require_safe(cache_control(no_store=True, private=True)(guarded))


@for_operators
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "monitoring/ops.html", using="django")


@for_operators
def samples(request: HttpRequest) -> HttpResponse:
    """What every target of `OPS_TARGETS` tells now. One that is away says why."""
    asked_at = time.time()
    return _json(Scrape(asked_at, ask_all(settings.OPS_TARGETS)))


@for_operators
def recent(request: HttpRequest) -> HttpResponse:
    """The last changes and what each dropped, wanted pages, dead letters, switches."""
    return _json(read_recent())


def _json(answer: msgspec.Struct) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(answer), content_type="application/json")
