"""`python -m benchmarks.bulk`: many rows at once, while visitors read.

5,000 rows in one transaction, and an import of King County's sales of which a tenth have changed.
Starts servers and processes of its own. Without `--file` the sales are made up.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.bulk import report, sales
from benchmarks.bulk.plan import QUICK, Case, Plan, Results
from benchmarks.machine import machine
from benchmarks.running import site
from benchmarks.servers import PROJECT, manage, prepare, servers
from benchmarks.verdicts import told

OUTPUT = PROJECT / "var" / "bulk.json"


def main() -> int:
    """1 if a promise does not hold."""
    plan, output, publishes = _options()
    results = run(plan, output)
    if publishes:
        from benchmarks.bulk.publish import publish  # noqa: PLC0415 - only this needs matplotlib

        publish(results)
    sys.stdout.write(f"{report.table(results)}\n{report.latencies(results)}")
    return told(report.verdicts(results))


def run(plan: Plan, output: Path) -> Results:
    """Both cases; what is there by then is written after each."""
    with (
        tempfile.TemporaryDirectory(prefix="listings-sales-") as folder,
        servers() as environment,
    ):
        first, again = Path(folder, "sales.csv"), Path(folder, "again.csv")
        sales.write(_sales(plan), first)
        sales.write(sales.changed(_sales(plan), plan.changed_share, plan.seed), again)
        prepare(environment)
        manage(environment, "import_listings", str(first), "--format", "king-county")
        # Where the file lies is nobody's business.
        told = msgspec.structs.replace(plan, file=Path(plan.file).name)
        results = Results(told, machine(environment))
        with site(environment) as running:
            for case in _cases({**environment, "SITE_PORT": str(running.port)}, plan, again):
                results.cases.append(case)
                output.parent.mkdir(parents=True, exist_ok=True)
                output.write_bytes(msgspec.json.encode(results) + b"\n")
    return results


def _sales(plan: Plan) -> Iterator[sales.Row]:
    if plan.file:
        return sales.read(Path(plan.file), plan.rows)
    return sales.made_up(plan.rows, plan.seed)


def _cases(environment: dict[str, str], plan: Plan, again: Path) -> Iterator[Case]:
    text = msgspec.json.encode(plan).decode()
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bulk.cases", text, str(again)],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        for line in process.stdout:
            yield msgspec.json.decode(line, type=Case)
    if process.returncode:
        raise SystemExit(f"the cases ended with {process.returncode}")


def _options() -> tuple[Plan, Path, bool]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="in less than a minute, on few rows")
    parser.add_argument("--file", help="of King County's sales, CSV, plain or gzipped")
    parser.add_argument("--rows", type=int, help="of the file")
    parser.add_argument("--changed-rows", type=int, help="of one transaction")
    parser.add_argument("--warm-up", type=int, help="reads")
    parser.add_argument("--reads", type=int, help="that find saturation")
    parser.add_argument("--still-seconds", type=float, help="before and after, to compare with")
    parser.add_argument("--most-seconds", type=float, help="to wait until all is warm")
    parser.add_argument("--checked", type=int, help="entries to compare with the database")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--publish", action="store_true", help="into docs/benchmarks.md")
    options = vars(parser.parse_args())
    usual = QUICK if options.pop("quick") else Plan()
    output, publishes = options.pop("output"), options.pop("publish")
    asked = {name: value for name, value in options.items() if value is not None}
    return msgspec.convert({**msgspec.to_builtins(usual), **asked}, Plan), output, publishes


if __name__ == "__main__":
    sys.exit(main())
