"""`python -m benchmarks.over_invalidation`: what a write drops, and what that costs visitors.

The same reads and writes for the platform, django-cacheops, django-cachalot, a plain cache that is
flushed on every write, and one that only has a TTL. Starts PostgreSQL and Valkey of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import msgspec

from benchmarks import promises, report
from benchmarks.plan import CONTESTANTS, Plan
from benchmarks.servers import PROJECT, seed, servers
from benchmarks.tally import Results, Tally

OUTPUT = PROJECT / "var" / "over-invalidation.json"


def main() -> int:
    """1 if a promise of the platform does not hold."""
    options = _options()
    plan = Plan(
        options.listings,
        tuple(options.rates),
        options.seconds,
        options.warm_up,
        options.reads_per_second,
        options.seed,
    )
    results = Results(plan, [])
    with servers() as environment:
        seed(environment, plan.listings, plan.seed)
        for name in options.contestants:
            results.tallies.extend(_contest(environment, name, plan))
            options.output.parent.mkdir(parents=True, exist_ok=True)
            options.output.write_bytes(msgspec.json.encode(results))
    sys.stdout.write(report.table(results) + "\n" + report.needless(results))
    broken = promises.broken(results.tallies)
    sys.stdout.writelines(f"BROKEN: {promise}\n" for promise in broken)
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    usual = Plan()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listings", type=int, default=usual.listings)
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="of a round, logical")
    parser.add_argument("--warm-up", type=float, default=usual.warm_up_seconds, help="seconds")
    parser.add_argument("--reads-per-second", type=float, default=usual.reads_per_second)
    parser.add_argument(
        "--rates", type=float, nargs="+", default=usual.rates, help="writes a second"
    )
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--output", type=Path, default=OUTPUT, help="for `benchmarks.publish`")
    return parser.parse_args()


def _contest(environment: dict[str, str], name: str, plan: Plan) -> Iterator[Tally]:
    """The tallies of one contestant, each as soon as its round has ended."""
    url = urlsplit(environment["DATABASE_URL"])
    own = {
        "CONTESTANT": name,
        "DATABASE_URL": urlunsplit(url._replace(path=f"/{name.replace('-', '_')}")),
    }
    started = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.contest", msgspec.json.encode(plan).decode()],
        cwd=PROJECT,
        env={**environment, **own},
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        for line in process.stdout:
            tally = msgspec.json.decode(line, type=Tally)
            sys.stderr.write(f"{time.monotonic() - started:6.1f} s  {report.summary(tally)}\n")
            yield tally
    if process.returncode:
        raise SystemExit(f"{name} ended with {process.returncode}")


if __name__ == "__main__":
    sys.exit(main())
