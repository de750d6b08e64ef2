"""`listings/shown.py` and the triggers of the migrations cannot part unnoticed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

PACKAGES = ("web", "monitoring", "invalidation_worker", "listings")


def makemigrations_check(folder: Path, old: str, new: str) -> subprocess.CompletedProcess[str]:
    """What `makemigrations --check` says of a copy of the project with a changed `shown.py`."""
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(settings.BASE_DIR / package, folder / package, ignore=ignored)
    shutil.copy(settings.BASE_DIR / "manage.py", folder)
    shown = folder / "listings" / "shown.py"
    source = shown.read_text()
    assert source.count(old) == 1
    shown.write_text(source.replace(old, new))
    return subprocess.run(
        [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("old", "new", "model"),
    [
        pytest.param('            "parcel_number",\n', "", "loggedproperty", id="no longer shown"),
        pytest.param('"media_url",', '"media_url", "image_width",', "loggedmedia", id="now shown"),
    ],
)
def test_changed_columns_without_a_migration_fail_the_check(db, tmp_path, old, new, model):
    check = makemigrations_check(tmp_path, old, new)
    assert check.returncode == 1
    assert f"trigger log_update from model {model}" in check.stdout


def test_the_columns_as_they_are_pass_the_check(db, tmp_path):
    check = makemigrations_check(tmp_path, "SHOWN = (", "SHOWN = (")
    assert (check.returncode, check.stdout) == (0, "No changes detected\n")
