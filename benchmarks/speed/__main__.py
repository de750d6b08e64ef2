"""`python -m benchmarks.speed`: what hits and misses cost, side by side in one run.

Starts PostgreSQL and Valkey of its own, and every contender's web server. Prints tables, keeps
these and the same figures as JSON in `var/`, and ends with 1 if a promise of the platform does not
hold.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import msgspec
import psycopg2

from benchmarks.machine import machine
from benchmarks.servers import seed, servers
from benchmarks.speed import report
from benchmarks.speed.plan import OUTPUT, QUICK, Plan, Results
from web.local_servers import Guardian

# part → what it measures
PARTS = {
    "hits": ("hits",),
    "misses": ("misses", "profiles"),
    "savings": ("thousand",),
}


def main() -> int:
    """1 if a promise does not hold."""
    options = _options()
    plan = QUICK if options.quick else Plan()
    if options.size:
        plan = msgspec.structs.replace(plan, listings=options.size)
    with servers() as environment, tempfile.TemporaryDirectory() as folder:
        seed(environment, plan.listings, plan.seed)
        _index_for_others(environment["DATABASE_URL"])
        results = Results(plan, machine(environment).described())
        if options.publish:
            _require_others(with_former(results, options.output, options.parts), options.parts)
        with closing(Guardian()) as guardian:
            _measure(guardian, environment, Path(folder), results, options.parts)
    results = with_former(results, options.output, options.parts)
    tables = report.everything(results)
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1))
    options.output.with_suffix(".md").write_text(tables)
    sys.stdout.write(f"{tables}\nThe same figures: {options.output}\n")
    if options.publish:
        from benchmarks.speed.publish import publish  # noqa: PLC0415 - only this needs matplotlib

        publish(results)
    broken = report.broken(results)
    sys.stdout.writelines(f"BROKEN: {sentence}\n" for sentence in broken)
    return 1 if broken else 0


def _index_for_others(url: str) -> None:
    """The ordinary site counts the homes of each city, where ours has a tally of its own."""
    with closing(psycopg2.connect(url)) as database, database, database.cursor() as cursor:
        cursor.execute(
            """
            CREATE INDEX ordinary_cities ON listings_property (city_key)
            INCLUDE (city, state_or_province) WHERE internet_entire_listing_display_yn AND
                standard_status IN ('Active', 'Active Under Contract', 'Coming Soon', 'Pending')
            """
        )


def with_former(results: Results, path: Path, parts: Iterable[str]) -> Results:
    """With what an earlier run of the same plan on the same machine has measured of other parts
    than these.
    """
    if not path.exists():
        return results
    former = msgspec.json.decode(path.read_bytes(), type=Results)
    if (former.plan, former.machine) != (results.plan, results.machine):
        return results
    mine = {name: getattr(results, name) for part in parts for name in PARTS[part]}
    left_out = {**former.left_out, **results.left_out}
    return msgspec.structs.replace(former, **mine, left_out=left_out)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about two minutes")
    parser.add_argument("--size", type=int, help="listings")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument(
        "--output", type=Path, default=OUTPUT, help="JSON, with the tables as .md beside it"
    )
    parser.add_argument("--publish", action="store_true", help="into docs/benchmarks.md")
    return parser.parse_args()


def _require_others(results: Results, parts: Iterable[str]) -> None:
    """What is published tells of one plan and one machine, and of all parts."""
    for part in PARTS.keys() - set(parts):
        if not all(getattr(results, name) for name in PARTS[part]):
            raise SystemExit(
                f"--publish: {part} have not been measured like this on this machine (--output), "
                "so measure all parts, or leave --publish out"
            )


def _measure(
    guardian: Guardian,
    environment: dict[str, str],
    folder: Path,
    results: Results,
    parts: list[str],
) -> None:
    os.environ.update(environment, CONTESTANT="ours", DJANGO_SETTINGS_MODULE="benchmarks.settings")
    import django  # noqa: PLC0415 - its settings need the servers

    django.setup()
    from benchmarks.speed.session import Session  # noqa: PLC0415

    session = Session(guardian, environment, folder, results)
    for part in parts:
        getattr(session, part)()


if __name__ == "__main__":
    sys.exit(main())
