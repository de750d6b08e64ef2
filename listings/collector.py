"""Python's garbage collector, kept from holding a process up."""

from __future__ import annotations

import gc


def spare_loaded() -> None:
    """Let the collector pass over all that there is by now: call it when a process is ready.

    Modules, models and templates never become garbage, and looking through them stops every thread
    of the process: 50 ms at a time in a worker and in a web process, several times a minute.
    """
    gc.collect()
    gc.freeze()
