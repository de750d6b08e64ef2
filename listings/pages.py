"""Whole responses from the cache: `@cached_page` makes a view of a function that renders.

The function gets what the page is about and never the request, so no page can depend on who
asks for it; and what it gets can be written down, so the warmer can call it too.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, Generic, NamedTuple, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.loader import render_to_string
from django.urls import reverse

from listings import popularity
from listings.cache.counters import Outcome
from listings.cache.dependencies import Dependency
from listings.cache.entries import Entry, Layer
from listings.cache.filling import Answer, Content
from listings.cache.near import Ticket, near
from listings.cache.reading import bypass, finish, read, without_waiting
from listings.cache.store import Lease
from listings.cache.turns import taking_turns
from listings.gate import rendering
from listings.responses import CACHE_STATUS, PageResponse, sent

S = TypeVar("S")

HTML = "text/html; charset=utf-8"
# Level 5: within 2 % of the size of level 9 on these pages, for less than half of its time.
GZIP_LEVEL = 5

# The key of a request's environ under which whoever tried to answer it leaves why that failed.
FAILURE: Final = "listings.failure"


@dataclass(frozen=True, slots=True)
class Page:
    """What a page function returns."""

    body: str
    status: int = 200
    content_type: str = HTML


@dataclass(frozen=True, slots=True)
class Subject(Generic[S]):
    """What a kind of page is about: read from a request's query and the arguments of its route, or
    from one canonical line of text.
    """

    from_query: Callable[..., S]
    to_text: Callable[[S], str]
    from_text: Callable[[str], S]
    partition: Callable[[S], str]
    scope: Callable[[S], Dependency | None]  # what can change the page; none: anything
    # Where the page is: the arguments of its route, and its query string.
    route: Callable[[S], dict[str, str]] = lambda about: {}
    query: Callable[[S], str] = lambda about: ""


class Visit(NamedTuple):
    """What came of asking for a page."""

    answer: Answer
    ticket: Ticket | None  # to keep it near with; none: it must not be kept
    wish: tuple[str, str] | None  # the page that asking for it again is a wish for


class CachedPage(Generic[S]):
    """A Django view that answers from the page layer."""

    csrf_exempt = True  # it only answers reads: whoever posts here gets 405, not a lecture

    def __init__(
        self,
        render: Callable[[S], Page],
        subject: Subject[S],
        view_name: str = "",
        is_quick: bool = False,
    ) -> None:
        """`view_name`: of the view that answers with this page; empty: the page is a view.
        `is_quick`: it takes about a millisecond to make, so that it is made where it is asked for.
        """
        self.name = render.__name__
        self.view_name = view_name
        self.is_quick = is_quick
        self._render = render
        self._subject = subject

    def __call__(self, request: HttpRequest, **route: Any) -> HttpResponse:
        if failure := request.META.pop(FAILURE, None):
            try:
                raise failure
            finally:
                del failure  # it holds this frame: together they would wait for the collector
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        is_staff = _is_staff(request)
        if is_staff and request.GET.get("as") != "visitor":
            return self._for_staff(request, self._subject.from_query(request.GET, **route))
        visit = self.visit(request.GET, route, is_wished=not is_staff)
        return PageResponse(sent(visit.answer, request.META))

    def visit(
        self, query: Mapping[str, str], route: Mapping[str, Any], *, is_wished: bool = True
    ) -> Visit:
        """The page at this query and route.

        Raises:
            InvalidSearch: the query is not allowed.
            Busy: too many pages are being rendered.
        """
        about = self._subject.from_query(query, **route)
        entry = self._entry(about)
        ticket = near.ticket(entry)
        answer = self._read(entry, about)
        wish = None
        # Nobody wants a page that says that there is none, though a crawler may ask for many.
        if is_wished and answer.content.status == 200:
            wish = entry.name, entry.arguments
            popularity.note(*wish)
        return Visit(answer, ticket if answer.outcome is Outcome.HIT else None, wish)

    def warm(self, arguments: str) -> Outcome:
        """Fill the entry of this subject, unless it is filled. Not counted as anybody's wish.

        Raises:
            Taken: somebody else is filling it, or what it is made of.
        """
        about = self._subject.from_text(arguments)
        with without_waiting():
            return self._read(self._entry(about), about).outcome

    def fill(self, arguments: str, lease: Lease, not_before: int) -> Answer:
        """Fill the entry of this subject under a lease that another process was given."""
        about = self._subject.from_text(arguments)
        return finish(self._entry(about), lease, lambda: self._content(about), not_before)

    def entry(self, query: Mapping[str, str], route: Mapping[str, Any]) -> Entry:
        """The entry from which visitors get the page at this query and route.

        Raises:
            InvalidSearch: the view would answer 400.
        """
        return self._entry(self._subject.from_query(query, **route))

    def content(self, arguments: str) -> Content:
        """What the page of this subject would hold if it were filled now. Stores no page.

        Raises:
            Busy: too many pages are being rendered.
        """
        return self._content(self._subject.from_text(arguments))

    def url(self, arguments: str) -> str:
        """Where the page of this subject is, in its canonical form."""
        about = self._subject.from_text(arguments)
        path = reverse(self.view_name or self, kwargs=self._subject.route(about))
        query = self._subject.query(about)
        return f"{path}?{query}" if query else path

    def _entry(self, about: S) -> Entry:
        subject = self._subject
        partition, text = subject.partition(about), subject.to_text(about)
        return Entry(Layer.PAGE, partition, self.name, text, subject.scope(about))

    def _read(self, entry: Entry, about: S) -> Answer:
        return read(entry, lambda: self._content(about))

    def _content(self, about: S) -> Content:
        with rendering(), taking_turns():
            page = self._render(about)
        body = page.body.encode()
        etag = blake2b(body, digest_size=12).hexdigest()
        packed = gzip.compress(body, GZIP_LEVEL, mtime=0)
        return Content(packed, page.status, page.content_type, etag, dependencies=())

    def _for_staff(self, request: HttpRequest, about: S) -> HttpResponse:
        with bypass(), rendering():
            page = self._render(about)
        body = page.body
        if page.content_type == HTML:
            body = body.replace("<body>", f"<body>{_staff_bar(request)}", 1)
        response = HttpResponse(body, status=page.status, content_type=page.content_type)
        response["Cache-Control"] = "private, no-store"
        response["Cache-Status"] = CACHE_STATUS[Outcome.BYPASS]
        return response


PAGES: dict[str, CachedPage[Any]] = {}  # by name, for the warmer


def cached_page(
    subject: Subject[S], view_name: str = "", *, is_quick: bool = False
) -> Callable[[Callable[[S], Page]], CachedPage[S]]:
    """Serve what the function renders from the page layer, for at most 15 minutes.

    What it returns is a view. If another view answers with it, `view_name` is that one's. If it is
    quick, making it takes hardly longer than having it made.
    """

    def decorate(render: Callable[[S], Page]) -> CachedPage[S]:
        page = CachedPage(render, subject, view_name, is_quick)
        PAGES[page.name] = page
        return page

    return decorate


def _staff_bar(request: HttpRequest) -> str:
    asked = request.GET.copy()
    asked["as"] = "visitor"
    context = {
        "visitor_url": f"{request.path}?{asked.urlencode()}",
        "admin_url": reverse("admin:index"),
    }
    return render_to_string("listings/staff_bar.html", context, using="jinja2")


def _is_staff(request: HttpRequest) -> bool:
    # Without a session cookie nobody is asked who they are: most visitors have none.
    return settings.SESSION_COOKIE_NAME in request.COOKIES and bool(
        request.user.is_authenticated and request.user.is_staff
    )
