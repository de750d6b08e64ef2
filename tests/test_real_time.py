"""Who comes before all others, where that is allowed, and only while it is quick."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2
import pytest

from invalidation_worker.pace import TURN
from tests.scheduling import real_time, told
from tests.waiting import eventually
from web.local_servers import NO_DURABILITY, Guardian
from web.local_servers.postgres import Postgres
from web.local_servers.valkey import BROKER, Valkey
from web.real_time import DATABASE, VISITORS

pytestmark = real_time

PRELUDE = """
import os, threading, time
os.sched_getaffinity = lambda process: {0, 1}
from web import real_time
real_time.LOOK_SECONDS = real_time.BACK_SECONDS = 0.2
"""


@pytest.fixture
def database(tmp_path):
    with closing(Guardian()) as guardian:
        server = Postgres("database", guardian, tmp_path / "database", NO_DURABILITY)
        server.start()
        yield server


@pytest.mark.parametrize(
    ("processes", "turn"), [(1, VISITORS), (2, DATABASE)], ids=["few", "as many"]
)
def test_web_process_comes_next_or_with_the_database_if_there_are_as_many_as_processors(
    processes, turn
):
    program = f"""{PRELUDE}
from invalidation_worker.pace import come_first, yield_to_changes
real_time.come_next({processes})
yield_to_changes()
print(os.sched_getparam(0).sched_priority, os.nice(0))
come_first()
print(os.sched_getparam(0).sched_priority)
"""
    assert told(program) == [str(turn), str(os.nice(0)), "3"]


def test_who_steps_back_runs_as_all_others_do_alone():
    program = f"""{PRELUDE}
real_time.come_next(1)
def back():
    real_time.step_back()
    print(os.sched_getscheduler(0) == os.SCHED_OTHER, flush=True)
thread = threading.Thread(target=back)
thread.start()
thread.join()
print(os.sched_getscheduler(0) == os.SCHED_OTHER)
"""
    assert told(program) == ["True", "False"]


def test_web_process_that_needs_a_whole_processor_does_not_come_before_others_meanwhile():
    program = f"""{PRELUDE}
deadline = time.monotonic() + 30
def all_are(policy):
    return os.sched_getscheduler(0) == os.sched_getscheduler(other.native_id) == policy
real_time.come_next(1)
other = threading.Thread(target=threading.Event().wait, daemon=True)
other.start()
print(all_are(os.SCHED_RR))
while not all_are(os.SCHED_OTHER) and time.monotonic() < deadline:
    pass
print(all_are(os.SCHED_OTHER))
while not all_are(os.SCHED_RR) and time.monotonic() < deadline:
    time.sleep(0.01)
print(all_are(os.SCHED_RR))
"""
    assert told(program) == ["True", "True", "True"]


def test_who_may_not_come_next_works_on():
    program = f"""{PRELUDE}
os.setuid(65534)
real_time.come_next(1)
print(os.sched_getscheduler(0) == os.SCHED_OTHER)
"""
    if os.geteuid() == 0:
        assert told(program) == ["True"]


def test_database_answers_who_applies_changes_in_their_turn(database, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", database.url)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "web.settings")
    program = """
import os
import django
django.setup()
from django.db import connection
from invalidation_worker.pace import come_first
def turn():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        print(os.sched_getparam(cursor.fetchone()[0]).sched_priority)
    connection.close()
turn()
come_first()
turn()
turn()  # a connection that takes the place of another
"""
    assert told(program) == [str(DATABASE), str(TURN), str(TURN)]


def test_broker_and_cache_come_as_visitors_do(tmp_path):
    with closing(Guardian()) as guardian:
        server = Valkey("broker", guardian, tmp_path, BROKER)
        server.start()
        assert server.process is not None
        assert scheduled(server.process.pid) == (os.SCHED_RR, VISITORS)


def test_database_comes_behind_visitors_but_not_a_query_that_takes_long(database):
    bounded = psycopg2.connect(database.url, options="-c statement_timeout=60s")
    with psycopg2.connect(database.url) as quick, bounded as long:
        own, other = quick.info.backend_pid, long.info.backend_pid
        assert scheduled(own) == scheduled(other) == (os.SCHED_RR, DATABASE)
        third = psycopg2.connect(database.url)
        applying = third.info.backend_pid
        os.sched_setscheduler(applying, os.SCHED_RR, os.sched_param(TURN))
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(
                long.cursor().execute, "SELECT count(*) FROM generate_series(1, 1e10)"
            )
            eventually(lambda: scheduled(own) == scheduled(other) == (os.SCHED_OTHER, 0))
            assert scheduled(applying) == (os.SCHED_RR, TURN)
            long.cancel()
            with pytest.raises(psycopg2.errors.QueryCanceled):
                asked.result(30)
        eventually(lambda: scheduled(own) == scheduled(other) == (os.SCHED_RR, DATABASE))
        assert scheduled(applying) == (os.SCHED_RR, TURN)


def scheduled(pid: int) -> tuple[int, int]:
    return os.sched_getscheduler(pid), os.sched_getparam(pid).sched_priority
