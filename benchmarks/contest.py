# ruff: noqa: E402 - models can be imported only when Django is set up
"""All rounds of one contestant, in a process of its own: prints each tally as a line of JSON.

Started by `benchmarks.over_invalidation`, which sets the environment. After a warm-up without
writes the cache is copied aside, and every round begins from that copy and from a fresh copy of
the database.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit, urlunsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")

import django

django.setup()

import msgspec
import psycopg2
import redis
from django.conf import settings
from django.db import connection
from psycopg2 import sql

from benchmarks import contestants, inventory
from benchmarks.plan import TEMPLATE, Plan
from benchmarks.reads import reads
from benchmarks.round import Round
from benchmarks.tally import Tally
from benchmarks.workload import interleaved
from benchmarks.writes import writes
from invalidation_worker.triggers import LOG

# Not all triggers: our pages, which some of the others keep, read the tally of cities.
LOG_TRIGGERS = """
    SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgname LIKE 'pgtrigger\\_log\\_%'
"""
ASIDE, EMPTY = 1, 2  # the cache server's database that holds the copy, and one that is not used
LIFE_SECONDS = 7_200  # longer than any run takes
LOOKED_AT = 500  # writes of a round whose dropped entries are sampled
PEERS_LIVE = 1_000  # entries of a peer that are compared at the end; of ours, all


def main() -> None:
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    for tally in tallies(os.environ["CONTESTANT"], plan):
        sys.stdout.write(msgspec.json.encode(tally).decode() + "\n")
        sys.stdout.flush()


def tallies(name: str, plan: Plan) -> Iterator[Tally]:
    """One for each rate of writes."""
    _copy_cache(EMPTY, 0)
    _copy_database()
    queries = contestants.Queries()
    contestant = contestants.create(name, queries)
    known = inventory.load()
    visitors = reads(known, plan.seed)
    warm_up = interleaved(visitors, (), plan.warm_up_seconds, plan.reads_per_second, 0)
    Round(contestant, queries, Tally(name, 0)).run(warm_up)
    snapshot = contestant.snapshot()
    _copy_cache(0, ASIDE)
    asked = [next(visitors) for _ in range(plan.reads_per_round)]
    for rate in plan.rates_of(name):
        _copy_cache(ASIDE, 0)
        _copy_database()
        contestant.restore(snapshot)
        happenings = interleaved(
            asked, writes(known, plan.seed), plan.seconds, plan.reads_per_second, rate
        )
        most_live = 0 if name == "ours" else PEERS_LIVE
        look_at = LOOKED_AT / (rate * plan.seconds) if rate else 1.0
        yield Round(contestant, queries, Tally(name, rate), look_at, most_live).run(happenings)


def _copy_cache(source: int, target: int) -> None:
    """Make one database of the cache server like another.

    What can expire begins its life anew: on a slow machine a run takes longer than a TTL, though
    its logical time does not.
    """
    url = urlsplit(settings.CACHE_URL)
    with (
        closing(redis.Redis.from_url(urlunsplit(url._replace(path=f"/{target}")))) as there,
        closing(redis.Redis.from_url(urlunsplit(url._replace(path=f"/{source}")))) as here,
    ):
        there.flushdb()
        pipe = here.pipeline(transaction=False)
        keys = list(here.scan_iter(count=1_000))
        for key in keys:
            # In place of what a thread may have written since: it looks at the horizon.
            pipe.copy(key, key, destination_db=str(target), replace=True)
            pipe.pttl(key)
        mortal = [key for key, left in zip(keys, pipe.execute()[1::2], strict=True) if left > 0]
        pipe = there.pipeline(transaction=False)
        for key in mortal:
            pipe.expire(key, LIFE_SECONDS)
        pipe.execute()


def _copy_database() -> None:
    """Put a fresh copy of the seeded database in the place of this contestant's."""
    own = connection.settings_dict
    connection.close()
    login = {"host": own["HOST"], "port": own["PORT"], "user": own["USER"]}
    admin = psycopg2.connect(**login, password=own["PASSWORD"], dbname="postgres")
    with closing(admin), admin.cursor() as cursor:
        admin.autocommit = True
        names = sql.Identifier(own["NAME"]), sql.Identifier(TEMPLATE)
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(names[0]))
        cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    # Not through Django: cachalot would take an ALTER for a change of all rows.
    copy = psycopg2.connect(**login, password=own["PASSWORD"], dbname=own["NAME"])
    with closing(copy), copy, copy.cursor() as cursor:
        cursor.execute(f"TRUNCATE {LOG}")  # when it was seeded, nothing was cached
        if os.environ["CONTESTANT"] != "ours":  # who does not read the log need not pay for it
            cursor.execute(LOG_TRIGGERS)
            for table, trigger in cursor.fetchall():
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")


if __name__ == "__main__":
    main()
