"""What was measured as text, and whether it is what is promised."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.markdown import markdown, percent
from benchmarks.mixed.plan import (
    FULL,
    PROMISED,
    SCENARIOS,
    SIXTY,
    Audited,
    Results,
    Round,
)

P99_MS = 5.0  # of hits, at 60 % of saturation with 100 reads a write
REDUCTION = 0.95  # of what the same load without writes saves
DISTURBED = 0.01  # of the requests may fail; with more, latencies mean nothing

Cell = Callable[[Results, Round], str]

COLUMNS: dict[str, Cell] = {
    "written": lambda _, one: SCENARIOS[one.scenario].name,
    "load": lambda _, one: one.load,
    "reads/s": lambda _, one: f"{one.per_second:,.0f}",
    "hits p50 / p95 / p99, ms": lambda _, one: one.hits.shown(),
    "all p50 / p95 / p99, ms": lambda _, one: one.everything.shown(),
    "near hits": lambda _, one: percent(one.near_ratio),
    "page hits": lambda _, one: percent(one.page_ratio),
    "queryset hits": lambda _, one: percent(one.queryset_ratio),
    "from a cache": lambda _, one: percent(one.hits.number / one.reads),
    "queries/read": lambda _, one: f"{one.queries / one.reads:.2f}",
    "+ warming": lambda _, one: f"{one.warming_queries / one.reads:.2f}",
    "saved": lambda all_, one: percent(all_.reduction(one)),
    "writes": lambda _, one: f"{one.writes:,} of {one.writes_due:,}" if one.writes_due else "",
    "failed": lambda _, one: f"{one.failed:,}",
    "processors": lambda _, one: percent(one.cpu_use),
    "generator": lambda _, one: percent(one.generator_cpu),
}
AUDIT_COLUMNS: dict[str, Callable[[Audited], str]] = {
    "written": lambda one: SCENARIOS[one.scenario].name,
    "load": lambda one: one.load,
    "checks": lambda one: f"{one.checks:,}",
    "older than a version seen before: within 50 ms": lambda one: f"{one.steps_back_within:,}",
    "beyond": lambda one: f"{one.steps_back_beyond:,}",
    "never true": lambda one: f"{one.never_true:,}",
    "oldest served, s": lambda one: f"{one.oldest_served_seconds:.2f}",
    "p99 of the lag, slowest path through the ORM, ms": lambda one: f"{one.lag_orm_p99_ms:.0f}",
    "around it": lambda one: f"{one.lag_other_p99_ms:.0f}",
    "failed": lambda one: f"{one.failed:,}",
    "processors": lambda one: percent(one.cpu_use),
}


def table(results: Results) -> str:
    """In Markdown: a row for each round."""
    rows = [[cell(results, one) for cell in COLUMNS.values()] for one in results.rounds]
    return markdown(list(COLUMNS), rows, words=2)


def audits(results: Results) -> str:
    """In Markdown: a row for each audit."""
    rows = [[cell(one) for cell in AUDIT_COLUMNS.values()] for one in results.audits]
    return markdown(list(AUDIT_COLUMNS), rows, words=2)


def promised(results: Results) -> str:
    """In Markdown: each promise that was put to the test."""
    found = verdicts(results).items()
    return markdown(
        ["found", "holds"], [[text, "yes" if kept else "no"] for text, kept in found], 2
    )


def run(results: Results) -> str:
    """What was run, and on what."""
    plan = results.plan
    return (
        f"{plan.listings:,} made-up listings; each round {plan.reads:,} reads over "
        f"{plan.connections} connections after {plan.warm_up:,} that warmed the caches up. Without "
        f"any cache a read costs {results.uncached_queries_per_read:.2f} queries. Machine: "
        f"{results.machine.described()}\n"
    )


def summary(results: Results, one: Round) -> str:
    """One line, to be shown while others run."""
    return ", ".join(f"{name} {cell(results, one)}" for name, cell in COLUMNS.items())


def verdicts(results: Results) -> dict[str, bool]:
    """Each promise that was put to the test, with its figure, and whether it was kept."""
    found: dict[str, bool] = {}
    if one := results.round(PROMISED, SIXTY):
        name = SCENARIOS[PROMISED].name
        figure = f"p99 of hits {one.hits.p99:.1f} ms (< {P99_MS:g})"
        found[f"{name}, {SIXTY}: {figure}"] = one.hits.p99 < P99_MS
        if (reduction := results.reduction(one)) is not None:
            figure = f"saves {reduction:.1%} of what it saves without writes (≥ {REDUCTION:.0%})"
            found[f"{name}, {SIXTY}: {figure}"] = reduction >= REDUCTION
    failed = sum(one.failed for one in results.rounds if one.load != FULL)
    reads = sum(one.reads for one in results.rounds if one.load != FULL) or 1
    found[f"{failed:,} of {reads:,} requests failed below saturation"] = failed <= DISTURBED * reads
    for audit in results.audits:
        where = f"{SCENARIOS[audit.scenario].name}, {audit.load}"
        wrong = audit.steps_back_beyond + audit.never_true
        found[f"{where}: {wrong} steps back beyond 50 ms or values never true"] = not wrong
    return found
