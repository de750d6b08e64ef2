"""The audit: what it concludes from made-up evidence, and what it finds on real processes."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from random import Random
from typing import Any

import msgspec
import psutil
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone

from invalidation_worker.freshness import audit as auditing
from invalidation_worker.freshness import faults, stage
from invalidation_worker.freshness import promises as deciding
from invalidation_worker.freshness.desk import Desk
from invalidation_worker.freshness.faults import Faults, NoStackError
from invalidation_worker.freshness.history import Disturbance, Evidence, Sighting, Write
from invalidation_worker.freshness.machine import CpuTimes, CpuUse
from invalidation_worker.freshness.pages import lists_of
from invalidation_worker.freshness.promises import State, percentile, promises
from invalidation_worker.freshness.verdict import judge
from invalidation_worker.freshness.writers import PATHS
from listings.models import Agent, Office, Property
from tests import servers
from tests.waiting import eventually
from web.local_servers import Stage

LIST, DETAIL = "/listings/?city=x", "/listings/AUDIT-1-00/"
QUIET, BUSY = 0.6, 0.9
PIPELINE = ("invalidation-worker", "warming-worker", "relay")


class Story:
    """Evidence, told in order: one thing on a page, and who saw it when. Seconds."""

    def __init__(self, *pages: str) -> None:
        self.evidence = Evidence()
        self.pages = pages or (DETAIL,)
        self.evidence.begin({(page, "price"): 0 for page in self.pages})

    def writes(self, value: object, at: float, rings=True, cleared: float | None = None) -> Write:
        write = Write("save()", rings, began=at - 0.001, committed=at, cleared=cleared)
        self.evidence.record(write, {(page, "price"): value for page in self.pages})
        return write

    def sees(self, value: object, at: float, page=DETAIL, lasting=0.002, kept=True) -> None:
        things = {(page, "price"): value}
        self.evidence.reads.append(Sighting(page, at, at + lasting, kept, things))

    def states(self, cpu: float = QUIET) -> dict[str, State]:
        return {promise.name[:2]: promise.state for promise in promises(self.findings, cpu)}

    @property
    def findings(self):
        return judge(self.evidence)


@pytest.fixture
def story():
    return Story()


# ---- P3: how old ----


def test_response_with_the_newest_value_is_not_old(story):
    story.writes(1, at=10)
    story.sees(1, at=100)
    assert story.findings.oldest.seconds == 0
    assert story.states()["P3"] is State.KEPT


def test_age_of_what_is_shown_counts_from_the_commit_of_its_successor(story):
    story.writes(1, at=10)
    story.writes(2, at=12)
    story.sees(0, at=14.5)
    story.sees(1, at=14.5)
    assert story.findings.oldest.seconds == pytest.approx(4.5)
    assert story.findings.oldest.address == DETAIL


def test_value_that_is_served_later_than_15_s_after_it_was_replaced_breaks_p3(story):
    story.writes(1, at=10)
    story.sees(0, at=24.9)
    assert story.states()["P3"] is State.KEPT
    story.sees(0, at=25.1)
    assert story.states()["P3"] is State.BROKEN


def test_request_that_began_before_the_commit_returned_may_show_either_value(story):
    story.writes(1, at=10)
    story.sees(0, at=9.9995, lasting=30)
    story.sees(1, at=9.9995)
    assert story.findings.oldest.seconds == 0
    assert story.findings.never_true == []


# ---- P2: never back ----


def test_page_that_falls_back_longer_than_the_allowance_breaks_p2(story):
    story.writes(1, at=10)
    story.sees(1, at=10.1)
    story.sees(0, at=10.2)
    assert (story.findings.back_within, story.findings.back_beyond) == (0, 1)
    assert story.findings.apart_within == story.findings.apart_beyond == 0
    assert story.findings.farthest_back == pytest.approx(10.2 - 10.102)
    assert story.states()["P2"] is State.BROKEN


def test_page_that_falls_back_within_the_allowance_keeps_p2(story):
    story.writes(1, at=10)
    story.sees(1, at=10.1)
    story.sees(0, at=10.15)
    assert (story.findings.back_within, story.findings.back_beyond) == (1, 0)
    assert story.states()["P2"] is State.KEPT


def test_overlapping_responses_are_no_step_back(story):
    story.writes(1, at=10)
    story.sees(1, at=10.1, lasting=0.5)
    story.sees(0, at=10.2)
    assert story.findings.back_within == story.findings.back_beyond == 0


def test_step_back_is_found_in_whatever_order_the_responses_were_noted(story):
    story.writes(1, at=10)
    story.sees(0, at=10.2)
    story.sees(1, at=10.1)
    assert story.findings.back_beyond == 1


def test_later_version_shows_that_the_earlier_one_was_applied(story):
    story.writes(1, at=10)
    story.writes(2, at=10.01)
    story.sees(2, at=10.1)
    story.sees(0, at=10.2)
    assert story.findings.back_beyond == 1


def test_response_that_the_cache_did_not_keep_is_no_evidence_against_the_cache(story):
    story.writes(1, at=10)
    story.sees(1, at=10.1, kept=False)
    story.sees(0, at=10.3)
    assert story.findings.back_beyond == 0
    assert story.findings.oldest.seconds == pytest.approx(0.3)


def test_value_that_came_twice_breaks_no_promise_while_in_doubt(story):
    story.writes("gone", at=10)
    story.writes(1, at=11)
    story.sees("gone", at=11.998, lasting=0.01)  # the old one, or just the new one?
    story.writes("gone", at=12)
    story.sees(1, at=12.1)
    assert story.findings.back_beyond == 0
    assert story.findings.oldest.seconds == pytest.approx(0.1)


def test_other_page_that_was_ahead_is_counted_but_breaks_nothing():
    story = Story(DETAIL, LIST)
    story.writes(1, at=10)
    story.sees(1, at=10.01, page=LIST)
    story.sees(0, at=10.03, page=DETAIL)
    story.sees(0, at=10.13, page=DETAIL)
    assert (story.findings.apart_within, story.findings.apart_beyond) == (1, 1)
    assert story.findings.back_within == story.findings.back_beyond == 0
    assert story.states()["P2"] is State.KEPT


# ---- P1: how soon ----


def test_lag_of_a_watched_write_reaches_to_the_first_request_that_showed_it(story):
    write = story.writes(1, at=10, cleared=10.03)
    story.sees(0, at=10.02)
    assert story.findings.lags == {write: pytest.approx(0.03)}


def test_reader_who_sees_an_old_value_later_than_the_writer_makes_the_lag_longer(story):
    write = story.writes(1, at=10, cleared=10.03)
    story.sees(0, at=10.4)
    assert story.findings.lags == {write: pytest.approx(0.4)}


def test_write_that_nobody_watched_does_not_flatter_the_percentiles(story):
    story.writes(1, at=10)
    assert story.findings.lags == {}
    assert story.states()["P1"] is State.NOT_JUDGED


@pytest.mark.parametrize(
    ("rings", "lag", "state"),
    [
        (True, 0.049, State.KEPT),
        (True, 0.051, State.BROKEN),
        (False, 0.149, State.KEPT),
        (False, 0.151, State.BROKEN),
    ],
)
def test_p1_gives_writes_around_the_orm_more_time(story, rings, lag, state):
    for second in range(100):
        story.writes(second + 1, at=second, rings=rings, cleared=second)
    assert story.states()["P1"] is State.KEPT
    for second in (100, 101):  # more than one in a hundred
        story.writes(second + 1, at=second, rings=rings, cleared=second + lag)
    assert story.states()["P1"] is state


def test_on_a_busy_machine_p1_is_reported_and_not_judged(story):
    story.writes(1, at=10, cleared=11)
    assert story.states(QUIET)["P1"] is State.BROKEN
    assert story.states(BUSY)["P1"] is State.AT_SATURATION


def test_write_during_a_fault_is_judged_by_p2_and_p3_alone(story):
    story.writes(1, at=10, cleared=30)
    story.sees(0, at=28)
    story.evidence.disturbances.append(Disturbance("all frozen", 9, 31))
    assert story.findings.lags == {}
    assert story.states()["P1"] is State.NOT_JUDGED
    assert story.states()["P3"] is State.BROKEN


# ---- only the truth ----


def test_value_that_was_rolled_back_is_found(story):
    story.writes(1, at=10)
    story.sees(666, at=11)
    (found,) = story.findings.never_true
    assert "666" in found
    assert story.states()["on"] is State.BROKEN


def test_value_that_is_shown_before_its_commit_was_sent_is_found(story):
    story.writes(1, at=10)
    story.sees(1, at=9)
    assert len(story.findings.never_true) == 1


def test_run_without_a_single_check_keeps_nothing(story):
    assert set(story.states().values()) == {State.NOT_JUDGED}


def test_percentiles_are_nearest_ranks():
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.99, 0.999, 1)] == [50, 99, 100, 100]
    assert percentile([], 0.99) == 0


def test_processors_are_busy_when_they_are_not_idle():
    use = CpuUse.between(CpuTimes(100, 0, 1000), CpuTimes(120, 30, 1100))
    assert use.use == pytest.approx(0.8)
    assert use.stolen == pytest.approx(0.3)
    assert math.isfinite(CpuUse.between(now := CpuTimes.now(), now).use)


# ---- what is planned ----


def test_every_path_changes_what_pages_show_to_what_they_never_showed():
    """Without new values, an old page could pass for a fresh one."""
    desk = Desk.open(1, seed=4, opened=timezone.now())
    lists = lists_of(desk.north, desk.south)
    seen = set(desk.truth.things(lists).items())
    presence = {"takedown", "open house", "photo"}  # these also take away
    done = dict.fromkeys((path.name for path in PATHS), 0)
    for _ in range(40):
        for path in PATHS:
            if (plan := path.plan(desk)) is None:
                continue
            before, after = desk.truth.things(lists), plan.truth.things(lists)
            changed = {item for item in after.items() if before[item[0]] != item[1]}
            assert changed
            assert changed - seen or path.name in presence, path.name
            seen |= changed
            desk.truth = plan.truth
            done[path.name] += 1
    assert min(done.values()) > 10


def test_same_seed_plans_the_same_writes():
    opened = timezone.now()
    truths = []
    for seed in (1, 1, 2):
        desk = Desk.open(1, seed, opened)
        for path in PATHS * 3:
            if plan := path.plan(desk):
                desk.truth = plan.truth
        truths.append(desk.truth)
    assert truths[0] == truths[1] != truths[2]


# ---- on real processes ----


@pytest.fixture
def site(platform, shared_services):
    """All processes."""
    shared_services.start_missing("web", *PIPELINE)
    return shared_services


def audit(services, **options) -> tuple[dict[str, Any], str]:
    """What an audit of the running processes prints and writes. Raises as the command does."""
    file = services.log_path.parent / "audit.json"
    out = StringIO()
    asked = {"seconds": 6, "writers": 2, "readers": 3, "reads_per_second": 40, "json": file}
    try:
        call_command("audit_freshness", url=services.url(""), stdout=out, **(asked | options))
    finally:
        found = msgspec.json.decode(file.read_bytes()) if file.exists() else {}
    return found, out.getvalue()


def nothing_is_left() -> bool:
    return not (Property.objects.exists() or Agent.objects.exists() or Office.objects.exists())


def test_healthy_platform_keeps_p2_and_p3_and_is_left_as_it_was(site):
    found, printed = audit(site, judge=["P2", "P3"])
    assert found["checks"] > 100
    assert found["writes"] > 5
    assert found["failures"] == {}
    states = {name: state for name, (state, _) in found["promises"].items()}
    assert states["P2 never back"] == states["P3 bounded"] == states["only the truth"] == "kept"
    assert "P2 never back" in printed
    assert nothing_is_left()


def test_pipeline_that_does_nothing_ends_the_audit_with_an_error(
    services, shared_services, monkeypatch
):
    for name in PIPELINE:
        if name in shared_services.processes:
            shared_services.end(name)
    monkeypatch.setattr(deciding, "BUSY", 1.0)  # no excuse for P1 on a slow machine
    monkeypatch.setattr(auditing, "CLOSING_SECONDS", 0.0)
    services.start("web")
    with pytest.raises(CommandError, match="Broken: P1 fresh"):
        audit(services)
    assert nothing_is_left()


def test_ctrl_c_ends_the_audit_in_good_order(site):

    def interrupt() -> None:
        try:
            eventually(lambda: Property.objects.filter(list_agent__isnull=False).exists())
        finally:
            connection.close()
            os.kill(os.getpid(), signal.SIGINT)

    with ThreadPoolExecutor(1) as pool:
        pressed = pool.submit(interrupt)
        found, _ = audit(site, seconds=600, judge=["P2", "P3"])
        pressed.result()
    assert found["seconds"] < 600
    assert nothing_is_left()


def test_leftovers_of_a_killed_audit_are_removed(platform):
    killed, next_one = (Desk.open(1, seed, timezone.now()) for seed in (1, 2))
    stage._insert(killed)
    with stage.listings_of([next_one]):
        stored = Property.objects.values_list("listing_key", "public_remarks")
        assert dict(stored) == {home.key: home.remarks for home in next_one.truth.homes.values()}
    assert nothing_is_left()


def test_two_audits_of_one_database_exclude_each_other(site):
    begun, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with stage.listings_of([]):
            begun.set()
            may_end.wait(60)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        begun.wait(60)
        with pytest.raises(CommandError, match="Another audit runs"):
            audit(site)
        may_end.set()
        holding.result()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--url=ftp://site"], "is not a site such as"),
        (["--url=http://site/listings/"], "is not a site such as"),
        (["--url=http://site:80000"], "is not a site such as"),
        (["--url=http://site:port"], "is not a site such as"),
        (["--url=http://site", "--seconds=0"], "is not a whole number from 1"),
        (["--url=http://site", "--writers=17"], "is not a whole number from 1 to 16"),
        (["--url=http://site", "--reads-per-second=none"], "is not a rate"),
        (["--url=http://site", "--judge=P4"], "invalid choice"),
        (["--url=http://elsewhere.example", "--faults"], "this folder"),
        (["--url=http://127.0.0.1:1"], "does not answer: ConnectionRefusedError"),
    ],
)
def test_bad_arguments_are_one_clear_error(platform, options, reason):
    others = [f"--{name}=1" for name in ("seconds", "writers", "readers")]
    with pytest.raises(CommandError, match=reason):
        call_command("audit_freshness", *others, *options)
    assert nothing_is_left()


# ---- faults ----

PAUSE = "import signal; signal.pause()"
SUPERVISOR = f"""
import subprocess, sys
started = [subprocess.Popen([sys.executable, "-c", {PAUSE!r}, *words.split()], cwd=folder)
           for words, folder in (("celery -Q invalidation", "."), ("manage.py relay", "."),
                                 ("valkey-server", "var/broker"))]
print(*(process.pid for process in started), flush=True)
[process.wait() for process in started]
"""


@pytest.fixture
def stack(tmp_path):
    """A folder in which something runs that looks like the stack, and its processes."""
    (tmp_path / "var" / "broker").mkdir(parents=True)
    argv = [sys.executable, "-c", SUPERVISOR, "web.run"]
    process = servers.guardian.spawn(argv, Stage.CLIENT, cwd=tmp_path, stdout=subprocess.PIPE)
    assert process.stdout
    with process.stdout as told:
        pids = [int(pid) for pid in told.readline().split()]
    yield tmp_path, pids
    servers.guardian.end(process)


def test_parts_of_this_folders_stack_are_found_and_no_others(stack, tmp_path_factory):
    folder, pids = stack
    # A process that has just been made is still called like its parent.
    eventually(lambda: [part.pid(folder) for part in faults.PARTS] == pids)
    assert [part.pid(tmp_path_factory.mktemp("other")) for part in faults.PARTS] == [None] * 3
    look_alike = [sys.executable, "-c", PAUSE, "manage.py", "relay"]
    process = servers.guardian.spawn(look_alike, Stage.CLIENT, cwd=folder)
    os.kill(pids[1], signal.SIGKILL)
    eventually(lambda: faults.RELAY.pid(folder) is None)
    servers.guardian.end(process)


def test_frozen_parts_are_thawed_whatever_happens(stack):
    folder, pids = stack
    disturbing = Faults(folder, Random(1), Evidence())

    class Watch(threading.Event):
        def wait(self, timeout=None):
            eventually(lambda: {psutil.Process(pid).status() for pid in pids} == {"stopped"})
            raise InterruptedError

    with pytest.raises(InterruptedError):
        disturbing.freeze(faults.PARTS, (1, 1), Watch())
    eventually(lambda: "stopped" not in {psutil.Process(pid).status() for pid in pids})


def test_faults_need_a_stack_in_this_folder(tmp_path):
    with pytest.raises(NoStackError, match="found no invalidation worker and no relay and no br"):
        Faults(tmp_path, Random(1), Evidence())
