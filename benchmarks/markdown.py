"""Tables of Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """A table whose first columns are words and whose others are numbers."""
    marks = ["---"] * words + ["--:"] * (len(head) - words)
    lines = [" | ".join(head), "|".join(marks), *(" | ".join(row) for row in rows)]
    return "".join(f"| {line} |\n" for line in lines)


def percent(share: float | None) -> str:
    """Nothing for what is not known."""
    return "" if share is None else f"{share:.1%}"
