"""`python -m benchmarks.speed.serve APPLICATION`: granian, just as the platform runs it."""

from __future__ import annotations

import os
import sys

from web.services import commands

if __name__ == "__main__":
    *argv, _ = commands()["web"]
    os.execv(argv[0], [*argv, sys.argv[1]])  # noqa: S606 - the process is measured by its id
