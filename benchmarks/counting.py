# ruff: noqa: E402 - models can be imported only when Django is set up
"""`python -m benchmarks.counting`: what counting costs a near hit.

Near hits through the front, beside the same code with its counting taken out, in turns. Needs no
server: a near hit asks none. Ends with 1 if counting costs a microsecond or more.
"""

from __future__ import annotations

import argparse
import ast
import gzip
import inspect
import os
import statistics
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from typing import Any

os.environ |= {
    "DJANGO_SETTINGS_MODULE": "web.settings",
    "SECRET_KEY": "known to the benchmark only",
    # Servers that nobody asks.
    "DATABASE_URL": "postgres://localhost:1/none",
    "CACHE_URL": "redis://localhost:1",
    "BROKER_URL": "redis://localhost:1",
}

import django

django.setup()

from django.core.handlers.wsgi import WSGIHandler

from listings.cache.counters import Outcome
from listings.cache.filling import Answer, Content
from listings.cache.near import Kept, Near, Ticket
from listings.cache.trust import Trust
from listings.pages import Visit
from web import front
from web.front import Front, Reply
from web.request_counts import counts

MOST_NANOSECONDS = 1_000  # that counting may cost
HITS = 20_000  # of one kind in one round
# Requests of browsers, and a program that reads no gzip.
KINDS: dict[str, dict[str, str]] = {
    "gzip": {"HTTP_ACCEPT_ENCODING": "gzip, deflate, br"},
    "304": {"HTTP_ACCEPT_ENCODING": "gzip, deflate, br", "HTTP_IF_NONE_MATCH": '"e-gzip"'},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()
    near = with_a_page()
    counting, silent = Front(WSGIHandler(), near), uncounted()(WSGIHandler(), near)
    dearest = 0.0
    print("| near hit | counted, ns | uncounted, ns | counting, ns |")
    print("| ---|--:|--:|--: |")
    for kind, headers in KINDS.items():
        pairs = [
            (nanoseconds(counting, headers), nanoseconds(silent, headers))
            for _ in range(options.rounds)
        ]
        counted, without = (statistics.median(side) for side in zip(*pairs, strict=True))
        cost = statistics.median(one - other for one, other in pairs)
        dearest = max(dearest, cost)
        print(f"| {kind} | {counted:,.0f} | {without:,.0f} | {cost:,.0f} |")
    assert sum(counts.requests().values()) == options.rounds * HITS * len(KINDS)
    return int(dearest >= MOST_NANOSECONDS)


def nanoseconds(application: Front, headers: dict[str, str]) -> float:
    """Of one near hit, its environ made anew each time as a server does."""
    asked = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/listings/",
        "QUERY_STRING": "",
        "HTTP_HOST": "localhost",
        **headers,
    }
    started = time.perf_counter_ns()
    for _ in range(HITS):
        application(asked, _start_response)
    return (time.perf_counter_ns() - started) / HITS


def _start_response(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
    assert status[0] in "23"


def with_a_page() -> Near:
    """A near cache with one page, which is trusted for as long as this runs."""
    trust = Trust()
    trust.near_until = float("inf")
    near = Near(1_000_000, trust)
    near.begin(float("inf"))
    content = Content(gzip.compress(b"<p>page</p>" * 1_000), etag="e", content_type="text/html")
    answer = Answer(content, Outcome.HIT, as_of=1, expires_at=2**60, queries=3)
    ticket = Ticket("v:{*}:page", near._generations[hash("v:{*}:page") % 256])
    reply = Reply(Visit(answer, ticket, None), (("X-Own", "header"),), "property-list")
    assert near.keep(ticket, Kept(("/listings/", "", None), None, reply, 5_000), 2**60)
    return near


def uncounted() -> type[Front]:
    """The front with every statement taken out that counts or times."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(Front.__call__)))
    before = sum(1 for _ in ast.walk(tree))
    remover = _WithoutCounting()
    found: dict[str, Any] = {}
    code = compile(ast.fix_missing_locations(remover.visit(tree)), "uncounted", "exec")
    exec(code, vars(front), found)  # noqa: S102 - the project's own code
    assert sum(1 for _ in ast.walk(tree)) < before
    assert remover.removed == {"started", "seen"}
    call: Callable[..., Any] = found["__call__"]
    return type("Uncounted", (Front,), {"__call__": call})


class _WithoutCounting(ast.NodeTransformer):
    """Takes out what sets, raises or reads `started` and `seen`."""

    def __init__(self) -> None:
        self.removed: set[str] = set()

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        (target,) = node.targets
        if isinstance(target, ast.Tuple):
            if not isinstance(node.value, ast.Tuple):
                return node  # what is sent and where it is counted come together
            pairs = zip(target.elts, node.value.elts, strict=True)
            (left,) = [pair for pair in pairs if not self._counts(pair[0])]
            return ast.Assign([left[0]], left[1])
        return None if self._counts(target) else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST | None:
        return None if self._counts(node.target) else node

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if self._counts(node.test) else self.generic_visit(node)

    def _counts(self, node: ast.AST) -> bool:
        found = set(_names(node)) & {"started", "seen"}
        self.removed |= found
        return bool(found)


def _names(node: ast.AST) -> Iterator[str]:
    return (one.id for one in ast.walk(node) if isinstance(one, ast.Name))


if __name__ == "__main__":
    sys.exit(main())
