"""What was measured as text."""

from __future__ import annotations

from benchmarks.growth.plan import (
    DETAIL_MISS,
    EVENT,
    HIT,
    LIST_MISS,
    LISTINGS,
    NEAR,
    WARM,
    WRITES,
    Cost,
    Point,
    Results,
)
from benchmarks.markdown import markdown

OPERATIONS = (NEAR, HIT, LIST_MISS, DETAIL_MISS, EVENT, WARM)


def table(results: Results, axis: str) -> str:
    """In Markdown: a row for each size on this axis."""
    points = of_axis(results, axis)
    beside = {LISTINGS: ["live entries"], WRITES: ["live entries", "changes/s"]}.get(axis, [])
    rows = []
    for point in points:
        known = [f"{point.value:,g}" if axis == WRITES else f"{point.value:,.0f}"]
        known += [f"{point.live:,}"] if beside else []
        known += [f"{point.events_per_second:.1f}"] if axis == WRITES else []
        rows.append(known + [_shown(point.costs.get(name)) for name in OPERATIONS])
    return markdown([axis, *beside, *OPERATIONS], rows, words=0)


def run(results: Results) -> str:
    """What was run, and on what."""
    plan = results.plan
    return (
        f"{plan.repeats} times each; {plan.listings[0]:,} made-up listings where these do not "
        f"grow. Machine: {results.machine.described()}\n"
    )


def of_axis(results: Results, axis: str) -> list[Point]:
    return [point for point in results.points if point.axis == axis]


def _shown(cost: Cost | None) -> str:
    """Processor time, and the whole time with its middle half."""
    if cost is None:
        return ""
    digits = 4 if cost.wall < 0.1 else 2
    wall, low, high, cpu = (
        f"{number:.{digits}f}" for number in (cost.wall, cost.wall_from, cost.wall_to, cost.cpu)
    )
    return f"{cpu} / {wall} ({low} to {high})"
