"""What an audit prints, and what it writes as JSON."""

from __future__ import annotations

from collections import Counter, defaultdict

from msgspec import Struct
from rich.console import Console
from rich.table import Table

from invalidation_worker.freshness.audit import Plan, Run
from invalidation_worker.freshness.promises import State, percentile, promises
from invalidation_worker.freshness.verdict import Findings, judge

STYLES = {State.KEPT: "green", State.BROKEN: "bold red"}


class PathReport(Struct, frozen=True):
    """The writes of one path. Lags are of the watched ones outside of faults."""

    rings: bool
    writes: int
    watched: int
    lag_p50_ms: float
    lag_p99_ms: float
    lag_p999_ms: float
    lag_max_ms: float


class Report(Struct, frozen=True):
    """What `--json` writes."""

    asked: Plan
    seconds: float
    responses: int
    reads_per_second: float  # that were reached; without the requests of watching writers
    failures: dict[str, int]
    checks: int
    writes: int
    paths: dict[str, PathReport]
    steps_back_within: int
    steps_back_beyond: int
    farthest_back_ms: float
    other_page_ahead_within: int
    other_page_ahead_beyond: int
    never_true: list[str]
    oldest_served_seconds: float
    oldest_served_on: str
    faults: dict[str, int]
    cpu_use: float
    cpu_stolen: float
    promises: dict[str, tuple[State, str]]


def report(plan: Plan, run: Run) -> Report:
    """The evidence of a run, judged."""
    findings = judge(run.evidence)
    evidence = run.evidence
    return Report(
        asked=plan,
        seconds=run.seconds,
        responses=len(evidence.sightings),
        reads_per_second=len(evidence.reads) / run.seconds,
        failures=Counter(evidence.failures),
        checks=findings.checks,
        writes=len(evidence.writes),
        paths=_paths(run, findings),
        steps_back_within=findings.back_within,
        steps_back_beyond=findings.back_beyond,
        farthest_back_ms=findings.farthest_back * 1000,
        other_page_ahead_within=findings.apart_within,
        other_page_ahead_beyond=findings.apart_beyond,
        never_true=findings.never_true,
        oldest_served_seconds=findings.oldest.seconds,
        oldest_served_on=findings.oldest.address,
        faults=Counter(disturbance.fault for disturbance in evidence.disturbances),
        cpu_use=run.cpu.use,
        cpu_stolen=run.cpu.stolen,
        promises={
            promise.name: (promise.state, promise.figure)
            for promise in promises(findings, run.cpu.use)
        },
    )


def _paths(run: Run, findings: Findings) -> dict[str, PathReport]:
    writes: dict[tuple[bool, str], int] = defaultdict(int)
    lags: dict[str, list[float]] = defaultdict(list)
    for write in run.evidence.writes:
        writes[not write.rings, write.path] += 1
        if write in findings.lags:
            lags[write.path].append(findings.lags[write] * 1000)
    return {
        path: PathReport(
            not around,
            number,
            len(lags[path]),
            *(percentile(lags[path], share) for share in (0.5, 0.99, 0.999, 1.0)),
        )
        for (around, path), number in sorted(writes.items())
    }


def show(found: Report, console: Console) -> None:
    """Print the tables."""
    console.print(_path_table(found))
    console.print(_figures(found))
    console.print(_promise_table(found))


def _path_table(found: Report) -> Table:
    table = Table(title="Lag from commit to the last page, by path (ms)")
    for name in ("write path", "told by"):
        table.add_column(name)
    for name in ("writes", "watched", "p50", "p99", "p99.9", "max"):
        table.add_column(name, justify="right")
    for name, one in found.paths.items():
        lags = (one.lag_p50_ms, one.lag_p99_ms, one.lag_p999_ms, one.lag_max_ms)
        table.add_row(
            name,
            "doorbell" if one.rings else "relay",
            f"{one.writes:,}",
            f"{one.watched:,}",
            *(f"{lag:.1f}" if one.watched else "–" for lag in lags),
        )
    return table


def _figures(found: Report) -> Table:
    table = Table(show_header=False)
    faults = ", ".join(f"{name} ×{n}" for name, n in found.faults.items())
    failures = ", ".join(f"{name} ×{n}" for name, n in found.failures.items())
    rows = {
        "checks": f"{found.checks:,} in {found.responses:,} responses",
        "reads a second": f"{found.reads_per_second:.1f} of {found.asked.reads_per_second:g}",
        "writes": f"{found.writes:,} in {found.seconds:.0f} s",
        "steps back": f"{found.steps_back_within:,} within 50 ms, {found.steps_back_beyond:,} "
        f"beyond; the farthest {found.farthest_back_ms:.1f} ms",
        "another page was ahead": f"{found.other_page_ahead_within:,} times by up to 50 ms, "
        f"{found.other_page_ahead_beyond:,} by more",
        "oldest thing served": f"{found.oldest_served_seconds:.3f} s {found.oldest_served_on}",
        "responses that failed": failures or "none",
        "faults": faults or "none",
        "processors": f"{found.cpu_use:.0%} in use, {found.cpu_stolen:.0%} stolen among them",
    }
    for name, text in rows.items():
        table.add_row(name, text)
    return table


def _promise_table(found: Report) -> Table:
    table = Table(show_header=False)
    for name, (state, figure) in found.promises.items():
        style = STYLES.get(state, "yellow")
        table.add_row(name, f"[{style}]{state}[/]", figure)
    return table


def broken(found: Report) -> list[str]:
    """The names of the promises that this run saw broken."""
    return [name for name, (state, _) in found.promises.items() if state is State.BROKEN]
