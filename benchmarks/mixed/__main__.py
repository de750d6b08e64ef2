"""`python -m benchmarks.mixed`: reads and writes at once, over HTTP, against the whole platform.

Starts PostgreSQL, Valkey, the web server, both workers and the relay of its own. For each mixture
of reads and writes it finds, some rounds in turns, how many reads a second the machine carries
(saturation), and then has visitors come at 60 % of that, whatever the site does.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from benchmarks.machine import machine
from benchmarks.mixed import report
from benchmarks.mixed.plan import QUICK, SCENARIOS, SIZES, Audited, Plan, Results, Round
from benchmarks.running import site
from benchmarks.servers import PROJECT, seed, servers
from benchmarks.statements import SETTINGS, Statements
from benchmarks.verdicts import told

OUTPUT = PROJECT / "var" / "mixed.json"
ROLES = {"web": "visitors", "warming-worker": "warming"}


def main() -> int:
    """1 if a promise does not hold."""
    plan, output, publishes = _options()
    results = run(plan, output)
    parts = (report.table(results), report.audits(results))
    sys.stdout.write("\n".join(parts))
    status = told(report.verdicts(results))
    if publishes:
        from benchmarks.mixed.publish import publish  # noqa: PLC0415 - only this needs matplotlib

        publish(results)
    return status


def run(plan: Plan, output: Path) -> Results:
    """All rounds; what is there by then is written after each."""
    with servers(SETTINGS) as environment:
        seed(environment, plan.listings, plan.seed)
        results = Results(plan, machine(environment))
        with closing(Statements(environment["DATABASE_URL"])) as statements:
            own = {name: {"DATABASE_URL": statements.as_role(r)} for name, r in ROLES.items()}
        with site(environment, own) as running:
            for found in _rounds({**environment, "SITE_PORT": str(running.port)}, plan):
                _take(results, found)
                output.parent.mkdir(parents=True, exist_ok=True)
                output.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    return results


def _take(results: Results, found: float | Round | Audited) -> None:
    match found:
        case Round():
            results.rounds.append(found)
            sys.stderr.write(f"{report.summary(results, found)}\n")
        case Audited():
            results.audits.append(found)
        case _:
            results.uncached_queries_per_read = found


def _rounds(environment: dict[str, str], plan: Plan) -> Iterator[float | Round | Audited]:
    started = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.mixed.rounds", msgspec.json.encode(plan).decode()],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        for line in process.stdout:
            sys.stderr.write(f"{time.monotonic() - started:6.1f} s  ")
            yield msgspec.json.decode(line, type=float | Round | Audited)
    if process.returncode:
        raise SystemExit(f"the rounds ended with {process.returncode}")


def _options() -> tuple[Plan, Path, bool]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="in less than a minute, on few pages")
    parser.add_argument("--listings", type=int)
    parser.add_argument("--warm-up", type=int, help="reads before each round")
    parser.add_argument("--reads", type=int, help="of each round")
    parser.add_argument("--uncached", type=int, help="of these reads, without any cache")
    parser.add_argument("--rounds", type=int, help="of each scenario")
    parser.add_argument("--scenarios", nargs="+", choices=SCENARIOS)
    parser.add_argument("--audit-seconds", type=int, help="0: staleness is not judged")
    parser.add_argument("--connections", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--publish", action="store_true", help="into docs/benchmarks.md")
    options = vars(parser.parse_args())
    usual = QUICK if options.pop("quick") else Plan()
    output, publishes = options.pop("output"), options.pop("publish")
    asked = {name: value for name, value in options.items() if value is not None}
    plan = msgspec.convert({**msgspec.to_builtins(usual), **asked}, Plan)
    if publishes and plan.listings not in SIZES:
        parser.error(f"--publish: only of {', '.join(map(str, SIZES))} listings")
    return plan, output, publishes


if __name__ == "__main__":
    sys.exit(main())
