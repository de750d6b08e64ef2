"""What was measured as text, and whether it is what is promised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

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
from benchmarks.traffic.latency import Latency

P99_MS = 5.0  # of hits, at 60 % of saturation with 100 reads a write
REDUCTION = 0.95  # of what the same load without writes saves
DISTURBED = 0.01  # of the requests may fail; with more, latencies mean nothing

Rounds = Sequence[Round]  # of one row: of the same scenario at the same load
Cell = Callable[[Results, Rounds], str]


def _median(some: Rounds, of: Callable[[Round], float | None]) -> float | None:
    found = [value for value in map(of, some) if value is not None]
    return median(found) if found else None


def _ratio(of: Callable[[Round], float | None]) -> Cell:
    return lambda _, some: percent(_median(some, of))


def _waited(of: Callable[[Round], Latency]) -> Cell:
    """Medians over the rounds, and the least and most p99 of any."""

    def cell(_: Results, some: Rounds) -> str:
        found = [of(one) for one in some if of(one).number]
        if not found:
            return ""
        p50, p95, p99 = (
            median(getattr(one, name) for one in found) for name in ("p50", "p95", "p99")
        )
        return f"{p50:.1f} / {p95:.1f} / {p99:.1f}{_spread([one.p99 for one in found])}"

    return cell


def _spread(values: Sequence[float]) -> str:
    return f" ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else ""


def _writes(_: Results, some: Rounds) -> str:
    due = sum(one.writes_due for one in some)
    return f"{sum(one.writes for one in some):,} of {due:,}" if due else ""


def _per_read(of: Callable[[Round], int]) -> Cell:
    return lambda _, some: f"{sum(map(of, some)) / sum(one.reads for one in some):.2f}"


COLUMNS: dict[str, Cell] = {
    "written": lambda _, some: SCENARIOS[some[0].scenario].name,
    "load": lambda _, some: some[0].load,
    "reads/s": lambda _, some: f"{median(one.per_second for one in some):,.0f}",
    "hits p50 / p95 / p99, ms": _waited(lambda one: one.hits),
    "all p50 / p95 / p99, ms": _waited(lambda one: one.everything),
    "near hits": _ratio(lambda one: one.near_ratio),
    "page hits": _ratio(lambda one: one.page_ratio),
    "queryset hits": _ratio(lambda one: one.queryset_ratio),
    "from a cache": _ratio(lambda one: one.hits.number / one.reads),
    "queries/read": _per_read(lambda one: one.queries),
    "+ warming": _per_read(lambda one: one.warming_queries),
    "saved": lambda all_, some: percent(all_.reduction(some)),
    "writes": _writes,
    "failed": lambda _, some: f"{sum(one.failed for one in some):,}",
    "processors": _ratio(lambda one: one.cpu_use),
    "generator": _ratio(lambda one: one.generator_cpu),
}


def _lag(milliseconds: float | None) -> str:
    return "none seen" if milliseconds is None else f"{milliseconds:.0f}"


AUDIT_COLUMNS: dict[str, Callable[[Audited], str]] = {
    "written": lambda one: SCENARIOS[one.scenario].name,
    "load": lambda one: one.load,
    "checks": lambda one: f"{one.checks:,}",
    "older than a version seen before: within 50 ms": lambda one: f"{one.steps_back_within:,}",
    "beyond": lambda one: f"{one.steps_back_beyond:,}",
    "never true": lambda one: f"{one.never_true:,}",
    "oldest served, s": lambda one: f"{one.oldest_served_seconds:.2f}",
    "p99 of the lag, slowest path through the ORM, ms": lambda one: _lag(one.lag_orm_p99_ms),
    "around it": lambda one: _lag(one.lag_other_p99_ms),
    "failed": lambda one: f"{one.failed:,}",
    "processors": lambda one: percent(one.cpu_use),
}


def table(results: Results) -> str:
    """In Markdown: a row for each scenario and load, of medians over its rounds."""
    rows = [[cell(results, some) for cell in COLUMNS.values()] for some in in_rows(results)]
    return markdown(list(COLUMNS), rows, words=2)


def in_rows(results: Results) -> list[list[Round]]:
    """The rounds of each scenario and load, in the order in which these were measured first."""
    kinds = dict.fromkeys((one.scenario, one.load) for one in results.rounds)
    return [results.of(scenario, load) for scenario, load in kinds]


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
    rounds = f"{plan.rounds} rounds" if plan.rounds > 1 else "one round"
    return (
        f"{plan.listings:,} made-up listings; {rounds} of each, with {plan.reads:,} "
        f"reads over {plan.connections} connections after {plan.warm_up:,} that warmed the caches "
        f"up. Without any cache a read costs {results.uncached_queries_per_read:.2f} queries. "
        f"Machine: {results.machine.described()}\n"
    )


def summary(results: Results, one: Round) -> str:
    """One line, to be shown while others run."""
    return ", ".join(f"{name} {cell(results, [one])}" for name, cell in COLUMNS.items())


def verdicts(results: Results) -> dict[str, bool]:
    """Each promise that was put to the test, with its figure, and whether it was kept."""
    found: dict[str, bool] = {}
    if some := results.of(PROMISED, SIXTY):
        name = SCENARIOS[PROMISED].name
        each = [one.hits.p99 for one in some]
        figure = f"p99 of hits {median(each):.1f} ms{_spread(each)} (< {P99_MS:g})"
        found[f"{name}, {SIXTY}: {figure}"] = median(each) < P99_MS
        if (reduction := results.reduction(some)) is not None:
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
