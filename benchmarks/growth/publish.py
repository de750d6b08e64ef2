"""`python -m benchmarks.growth.publish`: puts what a run has measured into the documentation."""

from __future__ import annotations

from matplotlib.figure import Figure

from benchmarks.figures import BLUE, GREEN, GREY, ORANGE, RED, plain, put, results_of
from benchmarks.growth import report
from benchmarks.growth.__main__ import AXES, OUTPUT
from benchmarks.growth.plan import WRITES, Results
from benchmarks.growth.report import OPERATIONS

COLOURS = (GREEN, BLUE, ORANGE, RED, GREY, "#000000")


def publish(results: Results) -> None:
    """Write the tables, the plot, and all figures."""
    parts = {axis: report.table(results, axis) for axis in AXES}
    put("growth", {**parts, "run": report.run(results)}, results, _draw(results))


def _draw(results: Results) -> Figure:
    """Wall time of each operation over each thing that grows."""
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    for axes, axis in zip(figure.subplots(1, len(AXES), sharey=True), AXES, strict=True):
        points = report.of_axis(results, axis)
        for name, colour in zip(OPERATIONS, COLOURS, strict=True):
            line = [(one.value, one.costs[name].wall) for one in points if name in one.costs]
            if line:
                axes.plot(*zip(*line, strict=True), "o-", color=colour, label=name)
        if axis == WRITES:
            axes.set_xscale("symlog", linthresh=1)
        else:
            axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel(axis)
        plain(axes, "milliseconds, median" if axis == AXES[0] else "")
    axes.legend(frameon=False, fontsize=8)
    return figure


if __name__ == "__main__":
    publish(results_of(__doc__, OUTPUT, Results))
