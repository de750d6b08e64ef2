"""`python -m benchmarks.plans.publish`: puts what a run has measured into the documentation."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from benchmarks.figures import put
from benchmarks.plans import report
from benchmarks.plans.__main__ import OUTPUT
from benchmarks.plans.plan import Results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, nargs="?", default=OUTPUT)
    publish(msgspec.json.decode(parser.parse_args().results.read_bytes(), type=Results))


def publish(results: Results) -> None:
    """Write the tables, and all figures."""
    parts = {
        "kinds": report.kinds(results),
        "dearest": report.dearest(results),
        "run": report.run(results),
    }
    put("plans", parts, results)


if __name__ == "__main__":
    main()
