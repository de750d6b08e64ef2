"""Warming leaves the processors to others, however the kernel divides them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from invalidation_worker.pace import NICENESS

AUTOGROUP = Path("/proc/self/autogroup")
# Empty where a control group divides the processors instead, as in most containers.
GROUPED = AUTOGROUP.exists() and AUTOGROUP.read_text().strip() != ""
YIELD = """
import os
from pathlib import Path
from invalidation_worker.pace import yield_to_others
yield_to_others()
print(Path("/proc/self/autogroup").read_text().split()[-1], os.nice(0))
"""


def niceness(*, leads_session: bool) -> tuple[int, int]:
    """Of the session and of the thread, once a process has yielded."""
    ran = subprocess.run(
        [sys.executable, "-c", YIELD],
        start_new_session=leads_session,
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    session, thread = map(int, ran.stdout.split())
    return session, thread


@pytest.mark.skipif(not GROUPED, reason="this kernel divides nothing among sessions here")
def test_service_lowers_its_session_and_a_guest_only_itself():
    thread = os.nice(0) + NICENESS
    ours = int(AUTOGROUP.read_text().split()[-1])
    assert niceness(leads_session=True) == (NICENESS, thread)
    assert niceness(leads_session=False) == (ours, thread)
