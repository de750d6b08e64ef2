"""Changes come first, then visitors, then warming, however the kernel divides the processors."""

import os
from pathlib import Path

import pytest

from invalidation_worker.pace import NICENESS, VISITORS
from tests.scheduling import real_time, told

AUTOGROUP = Path("/proc/self/autogroup")
# Empty where a control group divides the processors instead, as in most containers.
GROUPED = AUTOGROUP.exists() and AUTOGROUP.read_text().strip() != ""
TELL = """
import os
from pathlib import Path
print(Path("/proc/self/autogroup").read_text().split()[-1], os.nice(0))
"""
WARMING = f"""
from invalidation_worker.pace import yield_to_others
yield_to_others()
{TELL}"""
APPLYING = """
import os, threading
from invalidation_worker.pace import come_first
come_first()
tell = lambda: print(os.sched_getscheduler(0) == os.SCHED_RR)
tell()
thread = threading.Thread(target=tell)
thread.start()
thread.join()
"""
VISITING = """
import os
from invalidation_worker.pace import yield_to_changes
yield_to_changes()
print(os.nice(0), os.sched_getscheduler(0) == os.SCHED_OTHER)
"""
WEB = f"""
from multiprocessing import get_context
def work():
    from invalidation_worker import pace
    pace._comes_first = lambda: False
    pace.yield_to_changes()
    exec({TELL!r})
process = get_context("fork").Process(target=work)
process.start()
process.join()
"""


def demoted(program: str) -> str:
    """The same of somebody who may not come first."""
    return f"""
import os
import concurrent.futures.thread  # while it can be read
import invalidation_worker.pace
if os.geteuid() == 0:
    os.setuid(65534)
{program}"""


grouped = pytest.mark.skipif(not GROUPED, reason="this kernel divides nothing among sessions here")


def niceness(program: str, *, leads_session: bool) -> tuple[int, int]:
    """Of the session and of the thread, once a process has yielded."""
    session, thread = map(int, told(program, leads_session=leads_session))
    return session, thread


@grouped
@pytest.mark.parametrize(
    ("program", "expected"), [(WARMING, NICENESS), (WEB, VISITORS)], ids=["warming", "web"]
)
def test_service_lowers_its_session_and_a_guest_only_itself(program, expected):
    thread = os.nice(0) + expected
    ours = int(AUTOGROUP.read_text().split()[-1])
    assert niceness(program, leads_session=True) == (expected, thread)
    assert niceness(program, leads_session=False) == (ours, thread)


@real_time
def test_visitors_yield_nothing_where_changes_come_first_by_themselves():
    assert told(VISITING, leads_session=False) == [str(os.nice(0)), "True"]


@real_time
def test_who_applies_changes_comes_first_with_all_threads_where_that_is_allowed():
    assert told(APPLYING, leads_session=False) == ["True", "True"]


@pytest.mark.skipif(os.geteuid() != 0, reason="others may not come first anyway")
def test_who_may_not_come_first_works_on():
    assert told(demoted(APPLYING), leads_session=False) == ["False", "False"]


@grouped
def test_web_process_that_no_server_has_started_lowers_itself_alone():
    alone = f"from invalidation_worker.pace import yield_to_changes\nyield_to_changes()\n{TELL}"
    assert niceness(demoted(alone), leads_session=True) == (0, os.nice(0) + VISITORS)
