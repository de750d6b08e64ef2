"""A run's tables, plot and figures into the documentation."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.publish import DOCUMENT, replaced

R = TypeVar("R", bound=msgspec.Struct)
GREEN, BLUE, ORANGE, RED, GREY = "#009e73", "#0072b2", "#e69f00", "#d55e00", "#999999"


def put(
    name: str, parts: Mapping[str, str], results: msgspec.Struct, figure: Figure | None = None
) -> None:
    """Replace what stands between the marks `name part` in `docs/benchmarks.md`, and put JSON, and
    the plot if there is one, beside it under this name.

    Raises:
        ValueError: the document has no such mark. Nothing is written then.
    """
    text = DOCUMENT.read_text()
    for part, table in parts.items():
        text = replaced(text, f"{name} {part}", table)
    DOCUMENT.write_text(text)
    beside = DOCUMENT.parent
    (beside / f"{name}.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n"
    )
    if figure:
        figure.savefig(beside / f"{name}.png", dpi=110, metadata={"Software": None})


def results_of(program: str | None, usual: Path, kind: type[R]) -> R:
    """What a run has written to the file that the command names, or to the usual one."""
    parser = argparse.ArgumentParser(description=program)
    parser.add_argument("results", type=Path, nargs="?", default=usual)
    return msgspec.json.decode(parser.parse_args().results.read_bytes(), type=kind)


def plain(axes: Axes, title: str) -> None:
    """The look that all plots share."""
    axes.set_title(title, fontsize=10)
    axes.grid(color="#dddddd")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
