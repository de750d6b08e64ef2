"""`python -m benchmarks.many_entries`: what a change costs when the cache is full of entries.

Reading, decoding and deciding a batch of changes against 10,000 and 20,000 live entries, all
of them where the changes are looked for; the longest command of ours that the cache server has
run; and what is left of 100,000 searches that were cached and have expired.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks.servers import PROJECT, seed, servers

LISTINGS = 20_000
SEED = 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, nargs="+", default=[10_000, 20_000])
    parser.add_argument("--searches", type=int, default=100_000, help="that are cached and expire")
    options = parser.parse_args()
    with servers() as environment:
        seed(environment, LISTINGS, SEED)
        for name, numbers in (("deciding", options.entries), ("expiring", [options.searches])):
            subprocess.run(
                [sys.executable, "-m", f"benchmarks.{name}", *map(str, numbers)],
                cwd=PROJECT,
                env={**environment, "CONTESTANT": "ours"},
                check=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
