"""`python -m benchmarks.publish`: puts what a run has measured into the documentation.

Replaces what stands between the marks in `docs/benchmarks.md`, and draws the plot beside it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import msgspec
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks import report
from benchmarks.over_invalidation import OUTPUT
from benchmarks.plan import CONTESTANTS
from benchmarks.servers import PROJECT
from benchmarks.tally import Results, Tally

DOCUMENT = PROJECT / "docs" / "benchmarks.md"
PLOT = PROJECT / "docs" / "over-invalidation.svg"
COLOURS = {  # of Okabe and Ito, told apart by the colour-blind too
    "ours": "#009e73",
    "cacheops": "#0072b2",
    "cachalot": "#e69f00",
    "flush": "#d55e00",
    "ttl": "#777777",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, nargs="?", default=OUTPUT)
    results = msgspec.json.decode(parser.parse_args().results.read_bytes(), type=Results)
    text = DOCUMENT.read_text()
    for name, part in (("table", report.table(results)), ("needless", report.needless(results))):
        text = replaced(text, name, part)
    DOCUMENT.write_text(text)
    _draw(results, PLOT)


def replaced(text: str, name: str, part: str) -> str:
    """The text with this part between the marks of this name.

    Raises:
        ValueError: it has no such marks.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{DOCUMENT.name} has no marks for {name!r}")
    return f"{before}{begin}\n{part}\n{end}{after}"


def _draw(results: Results, path: Path) -> None:
    mpl.rcParams["svg.hashsalt"] = "listings"  # the same results give the same file
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    hits, precision = figure.subplots(1, 2)
    _lines(hits, results, "Requests answered from the cache, %", lambda tally: tally.hit_ratio)
    _lines(precision, results, "Dropped entries that had changed, %", lambda tally: tally.precision)
    hits.legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Date": None})


def _lines(
    axes: Axes, results: Results, title: str, value: Callable[[Tally], float | None]
) -> None:
    """One line for each contestant, over the rates at which it has a value."""
    for name, colour in COLOURS.items():
        points = [
            (tally.writes_per_second, 100 * share)
            for tally in results.tallies
            if tally.contestant == name and (share := value(tally)) is not None
        ]
        if points:
            line = "--" if name == "flush" else "-"  # it lies on cachalot's
            axes.plot(*zip(*points, strict=True), f"o{line}", color=colour, label=CONTESTANTS[name])
    axes.set_xscale("symlog", linthresh=0.1)
    axes.set_xticks(results.plan.rates, [f"{rate:g}" for rate in results.plan.rates])
    axes.minorticks_off()
    axes.set_xlabel("writes a second")
    axes.set_ylim(0, 103)
    axes.set_title(title, fontsize=10)
    axes.grid(color="#dddddd")
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
