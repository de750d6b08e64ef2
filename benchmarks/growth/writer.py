# ruff: noqa: E402 - models can be imported only when Django is set up
"""`python -m benchmarks.growth.writer SEED`: writes of the workload, at the rate that it is told.

Each line of its input is a rate from now on, and is answered with a line. When it cannot keep up
it writes as fast as it can.
"""

from __future__ import annotations

import os
import select
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")

import django

django.setup()

from benchmarks import inventory
from benchmarks.writes import writes
from benchmarks.writing import carry_out


def main() -> None:
    sequence = writes(inventory.load(), int(sys.argv[1]))
    rate, due = 0.0, time.monotonic()
    while True:
        patience = max(0.0, due - time.monotonic()) if rate else None
        if select.select([sys.stdin], [], [], patience)[0]:
            line = sys.stdin.readline()
            if not line:
                return
            rate, due = float(line), time.monotonic()
            sys.stdout.write("heard\n")
            sys.stdout.flush()
        elif rate:
            carry_out(next(sequence))
            due += 1 / rate


if __name__ == "__main__":
    main()
