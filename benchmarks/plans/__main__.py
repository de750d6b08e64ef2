"""`python -m benchmarks.plans`: what each filter and each sort costs the database.

The statements are those of the pages themselves, on a cold cache, in servers of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from benchmarks.machine import machine
from benchmarks.plans import report
from benchmarks.plans.plan import Cost, Plan, Results
from benchmarks.servers import PROJECT, seed, servers
from benchmarks.verdicts import told

OUTPUT = PROJECT / "var" / "plans.json"


def main() -> int:
    """1 if a promise does not hold."""
    plan, here, output, publishes = _options()
    if here:
        results = _measured(os.environ, plan)
    else:
        with servers() as environment:
            seed(environment, plan.listings, plan.seed)
            results = _measured(environment, plan)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    sys.stdout.write(f"{report.kinds(results)}\n{report.dearest(results)}\n")
    status = told(report.verdicts(results))
    if publishes:
        from benchmarks.plans.publish import publish  # noqa: PLC0415 - only this needs matplotlib

        publish(results)
    return status


def _measured(environment: Mapping[str, str], plan: Plan) -> Results:
    where = machine(environment)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.plans.costs"],
        cwd=PROJECT,
        env={**environment, "CONTESTANT": "ours"},
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"the pages ended with {done.returncode}")
    return Results(plan, where, msgspec.json.decode(done.stdout, type=list[Cost]))


def _options() -> tuple[Plan, bool, Path, bool]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listings", type=int, default=Plan().listings)
    parser.add_argument("--seed", type=int, default=Plan().seed)
    parser.add_argument("--here", action="store_true", help="in the database of the environment")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--publish", action="store_true", help="into docs/benchmarks.md")
    asked = parser.parse_args()
    plan = Plan(asked.listings, asked.seed)
    if asked.publish and (asked.here or plan != Plan()):
        parser.error(f"--publish: only of {Plan().listings:,} listings that are made for it")
    return plan, asked.here, asked.output, asked.publish


if __name__ == "__main__":
    sys.exit(main())
