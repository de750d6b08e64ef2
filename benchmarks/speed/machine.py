"""On what was measured, in one sentence for the document."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

PACKAGES = {"Django": "Django", "granian": "granian", "redis-py": "redis", "Jinja2": "Jinja2"}


def description() -> str:
    """Processors, kernel, and the versions of what takes part."""
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    model = found[1].strip() if found else platform.machine()
    versions = ", ".join(f"{name} {version(package)}" for name, package in PACKAGES.items())
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} processors ({model}), Linux {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}, {versions}"
    )
