"""`python -m benchmarks.over_invalidation`: what a write drops, and what that costs visitors.

The same reads and writes for the platform, django-cacheops, django-cachalot, a plain cache that is
flushed on every write, and one that only has a TTL. Starts PostgreSQL and Valkey of its own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import msgspec

from benchmarks import promises, report
from benchmarks.plan import CONTESTANTS, Plan
from benchmarks.tally import Results, Tally
from web.local_servers import NO_DURABILITY, Guardian, LocalServers
from web.local_servers.valkey import CACHE, Valkey

PROJECT = Path(__file__).resolve().parent.parent
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
    with _servers() as environment:
        _seed(environment, plan)
        for name in options.contestants:
            results.tallies.extend(_contest(environment, name, plan))
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


@contextmanager
def _servers() -> Iterator[dict[str, str]]:
    """The environment of a contestant, with servers of this run in it."""
    folder = Path(tempfile.mkdtemp(prefix="listings-benchmark-"))
    folder.chmod(0o711)  # root's PostgreSQL runs as another user, who must pass through
    guardian = Guardian()
    try:
        stack = LocalServers.in_folder(folder, guardian, NO_DURABILITY)
        # Room for all that any contestant keeps, twice: nothing goes for want of memory.
        settings = {**CACHE, "maxmemory": "2gb"}
        cache = Valkey("cache", guardian, folder / "cache", settings)
        servers = {**stack.by_variable(), "CACHE_URL": cache}
        for server in servers.values():
            server.start()
        yield {
            **os.environ,
            **{name: server.url for name, server in servers.items()},
            "SECRET_KEY": "known to the benchmark only",
            "LOG_LEVEL": "WARNING",
            "PRODUCTION": "false",
        }
    finally:
        guardian.close()
        shutil.rmtree(folder, ignore_errors=True)


def _seed(environment: dict[str, str], plan: Plan) -> None:
    for command in (
        ["migrate", "--verbosity", "0"],
        ["seed_listings", "--count", str(plan.listings), "--seed", str(plan.seed)],
    ):
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=PROJECT,
            env=environment,
            check=True,
            stdout=sys.stderr,
        )


def _contest(environment: dict[str, str], name: str, plan: Plan) -> Iterator[Tally]:
    """The tallies of one contestant, each as soon as its round has ended."""
    url = urlsplit(environment["DATABASE_URL"])
    own = {
        "CONTESTANT": name,
        "DATABASE_URL": urlunsplit(url._replace(path=f"/{name.replace('-', '_')}")),
    }
    started = time.monotonic()
    with subprocess.Popen(
        [
            sys.executable,
            *(
                os.environ["PROF"].split()
                if os.environ.get("PROF")
                else ("-m", "benchmarks.contest")
            ),
            msgspec.json.encode(plan).decode(),
        ],
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
