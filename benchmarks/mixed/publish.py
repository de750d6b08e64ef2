"""`python -m benchmarks.mixed.publish`: puts what a run has measured into the documentation."""

from __future__ import annotations

from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.figures import BLUE, GREEN, GREY, ORANGE, plain, put, results_of
from benchmarks.mixed import report
from benchmarks.mixed.__main__ import OUTPUT
from benchmarks.mixed.plan import SCENARIOS, SIXTY, SIZES, Results


def publish(results: Results) -> None:
    """Write the tables, the plot, and all figures; those of each size have a place of their own."""
    parts = {
        "promised": report.promised(results),
        "rounds": report.table(results),
        "audits": report.audits(results),
        "run": report.run(results),
    }
    listings = results.plan.listings
    name = "mixed" if listings == SIZES[0] else f"mixed-{listings}"
    put(name, parts, results, _draw(results))


def _draw(results: Results) -> Figure:
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    waiting, saved = figure.subplots(1, 2)
    at_sixty = [some for some in report.in_rows(results) if some[0].load == SIXTY]
    names = [SCENARIOS[some[0].scenario].name for some in at_sixty]
    bars = {
        "hits, p50": (GREEN, [median(one.hits.p50 for one in some) for some in at_sixty]),
        "hits, p99": (BLUE, [median(one.hits.p99 for one in some) for some in at_sixty]),
        "all, p99": (ORANGE, [median(one.everything.p99 for one in some) for some in at_sixty]),
    }
    _bars(waiting, names, bars)
    waiting.set_xscale("log")
    waiting.set_xlim(left=0.1)
    plain(waiting, f"Milliseconds a visitor waits, {SIXTY.replace('it', 'saturation')}")
    reductions = [100 * (results.reduction(some) or 0.0) for some in at_sixty]
    _bars(saved, names, {"": (GREEN, reductions)})
    saved.axvline(100 * report.REDUCTION, color=GREY, linestyle="--")
    saved.set_xlim(0, 105)
    plain(saved, "Queries saved, % of what is saved without writes")
    return figure


def _bars(axes: Axes, names: list[str], bars: dict[str, tuple[str, list[float]]]) -> None:
    height = 0.8 / len(bars)
    for number, (label, (colour, values)) in enumerate(bars.items()):
        places = [place + number * height for place in range(len(names))]
        axes.barh(places, values, height, color=colour, label=label)
    middle = height * (len(bars) - 1) / 2
    axes.set_yticks([place + middle for place in range(len(names))], names, fontsize=8)
    axes.invert_yaxis()
    if len(bars) > 1:
        axes.legend(frameon=False, fontsize=8)


if __name__ == "__main__":
    publish(results_of(__doc__, OUTPUT, Results))
