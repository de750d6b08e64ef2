"""What was measured as text, and whether it is what is promised."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.bulk.plan import Case, Results
from benchmarks.markdown import markdown, percent

COLUMNS: dict[str, Callable[[Case], str]] = {
    "changed by": lambda one: one.name,
    "rows": lambda one: f"{one.rows:,}",
    "took, s": lambda one: f"{one.took_seconds:.1f}",
    "reads/s": lambda one: f"{one.offered:,.0f}",
    "cached pages": lambda one: f"{one.cached_pages:,}",
    "least of them": lambda one: percent(one.least_live),
    "all true after, s": lambda one: f"{one.true_seconds:.2f}",
    "99 % warm after, s": lambda one: _seconds(one.warm_seconds),
    "cached at last": lambda one: percent(one.live_at_end),
    "stale at last": lambda one: f"{one.stale:,} of {one.checked:,}",
    "failed": lambda one: f"{one.failed:,}",
}
TIMES: dict[str, Callable[[Case], tuple[str, str]]] = {
    "before": lambda one: (one.before.shown(), one.hits_before.shown()),
    "until all is warm": lambda one: (one.meanwhile.shown(), one.hits_meanwhile.shown()),
    "after": lambda one: (one.after.shown(), one.hits_after.shown()),
}


def table(results: Results) -> str:
    """In Markdown: a row for each change."""
    rows = [[cell(one) for cell in COLUMNS.values()] for one in results.cases]
    return markdown(list(COLUMNS), rows)


def latencies(results: Results) -> str:
    """In Markdown: what visitors noticed before, meanwhile and after."""
    head = ["changed by", "visitors who came", "all p50 / p95 / p99, ms", "hits"]
    rows = [[one.name, when, *cells(one)] for one in results.cases for when, cells in TIMES.items()]
    return markdown(head, rows, words=2)


def run(results: Results) -> str:
    """What was run, and on what."""
    plan = results.plan
    source = "King County's" if plan.file else "made-up"
    return (
        f"{plan.rows:,} {source} sales, {plan.warm_up:,} reads before. Machine: "
        f"{results.machine.described()}\n"
    )


def verdicts(results: Results) -> dict[str, bool]:
    """Each promise that was put to the test, with its figure, and whether it was kept."""
    return {
        f"{one.name}: {one.stale} of {one.checked} entries stale, {one.failed} requests failed": (
            not one.stale and not one.failed
        )
        for one in results.cases
    }


def _seconds(number: float | None) -> str:
    return "not in time" if number is None else f"{number:.1f}"
