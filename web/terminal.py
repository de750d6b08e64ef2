"""One log of many processes: each line starts with the padded, coloured name of its writer."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import IO

COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)  # of the terminal; red is left for errors
RESET = "\033[0m"


class Terminal:
    """Prints to `out`, standard output by default; coloured if that is a terminal."""

    def __init__(self, names: list[str], out: IO[str] | None = None) -> None:
        self._out = out or sys.stdout
        self._width = max(map(len, names), default=0)
        self._colours = dict(zip(names, COLOURS * len(names), strict=False))
        self._coloured = self._out.isatty() and not os.environ.get("NO_COLOR")
        self._lock = threading.Lock()

    def say(self, name: str, text: str) -> None:
        """One line from `name`."""
        label = f"{name:<{self._width}} |"
        if self._coloured:
            label = f"\033[{self._colours.get(name, 0)}m{label}{RESET}"
        self.write(f"{label} {text}\n")

    def write(self, text: str) -> None:
        """Text as it is, never in the middle of a line."""
        # Whoever reads may be gone; what is supervised goes on.
        with self._lock, suppress(OSError, ValueError):
            self._out.write(text)
            self._out.flush()

    def follow(self, name: str, stream: IO[bytes]) -> threading.Thread:
        """Says every line that is not empty of the stream until it ends, in a thread of its own."""
        thread = threading.Thread(target=self._copy, args=(name, stream), daemon=True)
        thread.start()
        return thread

    def _copy(self, name: str, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                if text := line.decode(errors="replace").rstrip():
                    self.say(name, text)
