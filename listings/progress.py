"""Progress of a long command: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_LINE_EVERY = 5.0  # seconds between two lines in a log


@contextmanager
def shown(label: str, total: int, file: TextIO | None = None) -> Iterator[Callable[[int], None]]:
    """A function to call with how many more are done; lines go to `file`, or standard error."""
    file = file or sys.stderr
    if file.isatty():
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(file=file),
        ) as bar:
            task = bar.add_task(label, total=total)
            yield lambda more: bar.advance(task, more)
    else:
        yield _Lines(label, total, file).advance


class _Lines:
    def __init__(self, label: str, total: int, file: TextIO) -> None:
        self._label, self._total, self._file = label, total, file
        self._done, self._next = 0, monotonic() + _LINE_EVERY

    def advance(self, more: int) -> None:
        self._done += more
        if monotonic() >= self._next or self._done == self._total:
            print(f"{self._label}: {self._done:,} of {self._total:,}", file=self._file, flush=True)
            self._next = monotonic() + _LINE_EVERY
