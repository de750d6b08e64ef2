"""`python -m benchmarks.speed.publish`: puts what a run has measured into the documentation.

Replaces what stands between the marks in `docs/benchmarks.md`, and puts plot and JSON beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.figures import results_of
from benchmarks.publish import DOCUMENT, replaced
from benchmarks.speed import report
from benchmarks.speed.names import COLD, NEAR, NEAR_304, REDIS, REDIS_304, TITLES, WARM
from benchmarks.speed.plan import OUTPUT, Measured, Results
from benchmarks.speed.report import in_order

PLOT = DOCUMENT.parent / "speed.png"
JSON = DOCUMENT.parent / "speed.json"
OURS = {NEAR, REDIS, NEAR_304, REDIS_304, COLD, WARM}
GREEN, GREY = "#009e73", "#999999"  # of Okabe and Ito, as in the other plot


def publish(results: Results) -> None:
    """Write the tables, the plot, and all figures."""
    text = DOCUMENT.read_text()
    for name, part in {**report.tables(results), "run": report.run(results)}.items():
        text = replaced(text, f"speed {name}", part or "Not measured.\n")
    DOCUMENT.write_text(text)
    JSON.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    _draw(results).savefig(PLOT, dpi=110, metadata={"Software": None})


def _draw(results: Results) -> Figure:
    """CPU of each contender: hits in microseconds, misses in milliseconds."""
    figure = Figure(figsize=(11, 6.5), layout="constrained")
    hits, misses = figure.subplots(1, 2)
    most = str(max(results.plan.connections))
    rows = [row for row in in_order(results.hits) if row.setting == most]
    _bars(hits, f"CPU µs a hit, {most} connections", rows, 1.0)
    hits.set_xscale("log")
    hits.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    title = "CPU ms a page that is not in the cache"
    _bars(misses, title, in_order(results.misses), 1e-3, with_setting=True)
    return figure


def _bars(
    axes: Axes, title: str, rows: Sequence[Measured], unit: float, with_setting: bool = False
) -> None:
    """The median of each row, with a line from the least to the most."""
    labels = []
    for place, row in enumerate(rows):
        values = [unit * sample.cpu_us for sample in row.samples]
        middle = median(values)
        spread = [[middle - min(values)], [max(values) - middle]]
        colour = GREEN if row.contender in OURS else GREY
        axes.barh(place, middle, color=colour, xerr=spread, error_kw={"linewidth": 0.8})
        name = TITLES[row.contender].replace("`", "")
        labels.append(f"{row.setting}: {name}" if with_setting else name)
    axes.set_yticks(range(len(rows)), labels, fontsize=8)
    axes.invert_yaxis()
    axes.set_title(title, fontsize=10)
    axes.grid(axis="x", color="#dddddd")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    publish(results_of(__doc__, OUTPUT, Results))
