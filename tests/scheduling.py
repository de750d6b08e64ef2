"""Programs whose scheduling is looked at, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest


def may_come_first() -> bool:
    """Whether real time is had by who asks for it: in some containers not even root has it."""
    asking = "import os; os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))"
    asked = subprocess.run([sys.executable, "-c", asking], check=False, capture_output=True)
    return asked.returncode == 0


real_time = pytest.mark.skipif(not may_come_first(), reason="nobody may come first here")


def told(program: str, *, leads_session: bool = False) -> list[str]:
    """What a process of this program says."""
    return subprocess.run(
        [sys.executable, "-c", program],
        start_new_session=leads_session,
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    ).stdout.split()
