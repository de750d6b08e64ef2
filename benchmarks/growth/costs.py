# ruff: noqa: E402 - models can be imported only when Django is set up
"""The costs at each size of one thing that grows: prints each point as a line of JSON.

Started by `benchmarks.growth`, which sets the environment. Listings and entries grow in a quiet
house: nobody else writes, and changes are applied here. Writes come by themselves, while workers
and relay run beside (`WORKERS`: the process ids of the two workers).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")

import django

django.setup()

import msgspec
import psutil
from django.db import connection

from benchmarks.deciding import fill
from benchmarks.growth.house import House
from benchmarks.growth.plan import ENTRIES, EVENT, LISTINGS, WARM, WRITES, Plan, Point
from benchmarks.servers import PROJECT
from invalidation_worker import change_log
from invalidation_worker.horizon import Horizon
from listings.cache.store import store

LIVE = 1_000  # entries, while something else grows
BEAT_SECONDS = 0.5
_LAST = "SELECT last_value FROM invalidation_worker_changeevent_id_seq"


def points(plan: Plan, axis: str, listings: int) -> Iterator[Point]:
    if axis == WRITES:
        yield from _busy(plan, listings)
        return
    change_log.discard_all()
    store("pipeline").flush()
    _keep_trusted()
    house = House(plan)
    for entries in plan.entries if axis == ENTRIES else (LIVE,):
        live = fill(entries)
        yield Point(axis, listings if axis == LISTINGS else live, listings, live, house.costs())


def _busy(plan: Plan, listings: int) -> Iterator[Point]:
    """Costs while somebody writes."""
    house = House(plan)
    pids = dict(zip((EVENT, WARM), map(int, os.environ["WORKERS"].split()), strict=True))
    with _writer(plan) as set_rate:
        for rate in plan.writes:
            set_rate(0.0)
            house.begin_anew()
            live = fill(LIVE)
            set_rate(rate)
            costs = house.visitors()
            began, before, events = time.monotonic(), _spent(pids), _last_event()
            lags = house.lags(plan.seconds)
            number, seconds = _last_event() - events, time.monotonic() - began
            for name, now in _spent(pids).items():
                if cost := lags.get(name):
                    cpu = 1000 * (now - before[name]) / max(1, number)
                    costs[name] = msgspec.structs.replace(cost, cpu=cpu)
            yield Point(WRITES, rate, listings, live, costs, number / seconds)


@contextmanager
def _writer(plan: Plan) -> Iterator[Callable[[float], None]]:
    """A function that sets how many writes come a second."""
    argv = [sys.executable, "-m", "benchmarks.growth.writer", str(plan.seed)]
    with subprocess.Popen(
        argv, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdin
        assert writer.stdout
        told, heard = writer.stdin, writer.stdout

        def set_rate(rate: float) -> None:
            told.write(f"{rate}\n")
            told.flush()
            heard.readline()

        try:
            yield set_rate
        finally:
            writer.kill()


def _spent(pids: dict[str, int]) -> dict[str, float]:
    """Processor seconds of each process so far."""
    found = {}
    for name, pid in pids.items():
        times = psutil.Process(pid).cpu_times()
        found[name] = times.user + times.system
    return found


def _last_event() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LAST)
        return int(cursor.fetchone()[0])


def _keep_trusted() -> None:
    """The relay's part where none runs: entries of any age are served."""
    horizon = Horizon(store("pipeline"))

    def beat() -> None:
        while True:
            horizon.beat(None, time.monotonic())
            time.sleep(BEAT_SECONDS)

    threading.Thread(target=beat, name="horizon", daemon=True).start()


def main() -> None:
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    for point in points(plan, sys.argv[2], int(sys.argv[3])):
        sys.stdout.write(msgspec.json.encode(point).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
