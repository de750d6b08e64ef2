"""`python -m benchmarks.bulk.publish`: puts what a run has measured into the documentation."""

from __future__ import annotations

from matplotlib.figure import Figure

from benchmarks.bulk import report
from benchmarks.bulk.__main__ import OUTPUT
from benchmarks.bulk.plan import Results
from benchmarks.figures import BLUE, GREEN, ORANGE, plain, put, results_of


def publish(results: Results) -> None:
    """Write the tables, the plot, and all figures."""
    parts = {
        "changes": report.table(results),
        "latencies": report.latencies(results),
        "run": report.run(results),
    }
    put("bulk", parts, results, _draw(results))


def _draw(results: Results) -> Figure:
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    for axes, one in zip(
        figure.subplots(1, len(results.cases), squeeze=False)[0], results.cases, strict=True
    ):
        seconds = [look.at for look in one.looks]
        axes.plot(seconds, [100 * look.live for look in one.looks], color=GREEN, label="% cached")
        most = max(1, *(look.waiting for look in one.looks))
        waiting = [100 * look.waiting / most for look in one.looks]
        axes.plot(seconds, waiting, color=BLUE, label=f"changes waiting, % of {most:,}")
        axes.set_xlabel("seconds since the change began")
        axes.set_ylim(0, 103)
        other = axes.twinx()
        other.plot(*zip(*one.p99_by_second, strict=True), color=ORANGE, linewidth=0.8)
        other.set_ylabel("p99 of all requests, ms", color=ORANGE)
        other.set_yscale("log")
        plain(axes, f"{one.rows:,} rows by {one.name}")
        axes.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


if __name__ == "__main__":
    publish(results_of(__doc__, OUTPUT, Results))
