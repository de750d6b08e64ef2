"""A process whose threads note when something happened, and not some time later."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def prompt_threads() -> Iterator[None]:
    """Nothing keeps the clocks of this process waiting for long.

    A thread that parses a page would do so for 5 ms, and the garbage collector, looking through all
    that was seen, for 80 ms. What is seen is evidence and no garbage.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        sys.setswitchinterval(before)
