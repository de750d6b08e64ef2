"""`python -m benchmarks.speed.pinned CPU PROGRAM ARGUMENTS…`: runs it on that processor alone."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    os.sched_setaffinity(0, {int(sys.argv[1])})
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - the process is measured by its id
