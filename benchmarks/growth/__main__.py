"""`python -m benchmarks.growth`: what a hit, a miss, a change and warming cost as the site grows.

In listings, in entries that are live where every change looks, and in writes a second. Starts
servers, and for the last of these the platform's processes, of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import msgspec
import psycopg2

from benchmarks.growth import report
from benchmarks.growth.plan import ENTRIES, LISTINGS, QUICK, WRITES, Plan, Point, Results
from benchmarks.machine import machine
from benchmarks.running import site
from benchmarks.servers import PROJECT, seed, servers

OUTPUT = PROJECT / "var" / "growth.json"
AXES = (LISTINGS, ENTRIES, WRITES)


def main() -> None:
    plan, output, publishes = _options()
    results = run(plan, output)
    if publishes:
        from benchmarks.growth.publish import publish  # noqa: PLC0415 - only this needs matplotlib

        publish(results)
    sys.stdout.write("\n".join(report.table(results, axis) for axis in AXES))


def run(plan: Plan, output: Path) -> Results:
    """All points; what is there by then is written after each."""
    with servers() as environment:
        results = Results(plan, machine(environment))
        for point in _points(environment, plan):
            sys.stderr.write(f"{point}\n")
            results.points.append(point)
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_bytes(msgspec.json.encode(results) + b"\n")
    return results


def _points(environment: dict[str, str], plan: Plan) -> Iterator[Point]:
    environment = {**environment, "CONTESTANT": "ours"}
    first, *larger = plan.listings
    seed(environment, first, plan.seed)
    yield from _measured(environment, plan, LISTINGS, first)
    if plan.entries:
        yield from _measured(environment, plan, ENTRIES, first)
    if plan.writes:
        with site(environment) as running:
            workers = (running.processes[f"{name}-worker"] for name in ("invalidation", "warming"))
            pids = " ".join(str(worker.pid) for worker in workers)
            yield from _measured({**environment, "WORKERS": pids}, plan, WRITES, first)
    for listings in larger:
        another = _database(environment, f"listings_{listings}")
        seed(another, listings, plan.seed)
        yield from _measured(another, plan, LISTINGS, listings)


def _database(environment: dict[str, str], name: str) -> dict[str, str]:
    """The environment with a new database."""
    url = urlsplit(environment["DATABASE_URL"])
    connection = psycopg2.connect(environment["DATABASE_URL"])
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
    return {**environment, "DATABASE_URL": urlunsplit(url._replace(path=f"/{name}"))}


def _measured(environment: dict[str, str], plan: Plan, axis: str, listings: int) -> Iterator[Point]:
    text = msgspec.json.encode(plan).decode()
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.growth.costs", text, axis, str(listings)],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        for line in process.stdout:
            yield msgspec.json.decode(line, type=Point)
    if process.returncode:
        raise SystemExit(f"{axis}: ended with {process.returncode}")


def _options() -> tuple[Plan, Path, bool]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="in less than a minute, on few rows")
    parser.add_argument("--listings", type=int, nargs="+", help="the least first")
    parser.add_argument("--entries", type=int, nargs="*", help="the least first")
    parser.add_argument("--writes", type=float, nargs="*", help="a second")
    parser.add_argument("--seconds", type=float, help="at each rate of writes")
    parser.add_argument("--repeats", type=int, help="of each operation")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--publish", action="store_true", help="into docs/benchmarks.md")
    options = vars(parser.parse_args())
    usual = QUICK if options.pop("quick") else Plan()
    output, publishes = options.pop("output"), options.pop("publish")
    asked = {name: value for name, value in options.items() if value is not None}
    return msgspec.convert({**msgspec.to_builtins(usual), **asked}, Plan), output, publishes


if __name__ == "__main__":
    main()
