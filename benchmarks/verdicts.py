"""Promises that a run has put to the test."""

from __future__ import annotations

import sys
from collections.abc import Mapping


def told(verdicts: Mapping[str, bool]) -> int:
    """Print each promise, with its figure, and whether it was kept; 1 if one was not."""
    sys.stdout.writelines(
        f"{'kept' if kept else 'BROKEN'}: {promise}\n" for promise, kept in verdicts.items()
    )
    return 0 if all(verdicts.values()) else 1
