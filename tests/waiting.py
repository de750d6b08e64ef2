"""Waiting for a condition, never for luck."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(condition: Callable[[], T], seconds: float = 30.0) -> T:
    """The first true result of `condition`, asked every 5 ms.

    Raises:
        AssertionError: it was not true in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.005)
    raise AssertionError(f"not within {seconds} s: {condition}")
