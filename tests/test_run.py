"""`make run` as a newcomer meets it: a copy of the project in a folder with a space."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import psycopg2
import pytest

from tests.processes import lives
from tests.waiting import eventually
from web.local_servers import ports

PROJECT = Path(__file__).resolve().parent.parent
CODE = ("manage.py", "web", "listings", "invalidation_worker", "monitoring")
LISTINGS = 20
STOP_SECONDS = 60  # 10 s is promised; a throttled machine is given more


class Run:
    """`python -m web.run` in a folder, and everything that it has started."""

    def __init__(self, folder: Path, **variables: str) -> None:
        given = {"DATABASE_URL": "", "CACHE_URL": "", "BROKER_URL": ""}
        self.folder = folder
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "web.run"],
                cwd=folder,
                env={**os.environ, **given, "DEMO_LISTINGS": str(LISTINGS), **variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def wait_until_up(self) -> None:
        eventually(lambda: "Ctrl-C stops everything" in self.log or self.process.poll(), 90)
        assert self.process.poll() is None, self.log

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def ask(self, question: str) -> object:
        url = json.loads((self.folder / "var" / "stack.json").read_text())["DATABASE_URL"]
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute(question)
            (answer,) = cursor.fetchone()
        return answer


@contextmanager
def running(folder: Path, **variables: str):
    run = Run(folder, **variables)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.kill()
        run.process.wait()


def left(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if lives(process.pid)]


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "a project"
    folder.mkdir()
    for name in CODE:
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        copy(PROJECT / name, folder / name)
    return folder


@pytest.mark.timeout(240)
def test_platform_comes_up_goes_down_and_keeps_its_data(project):
    site = {"PORT": str(ports.free_port()), "EXPORTER_PORT": str(ports.free_port())}

    with running(project, **site) as first:
        first.wait_until_up()
        assert "Making database" in first.log
        assert "admin / admin" in first.log
        assert first.ask("SELECT count(*) FROM listings_property") == LISTINGS
        assert first.ask("SELECT username FROM auth_user") == "admin"
        started = first.children()
        assert len(started) > 8
        first.process.kill()
        first.process.wait()
        eventually(lambda: not left(started), STOP_SECONDS)

    with running(project, **site) as second:
        second.wait_until_up()
        assert "Making database" not in second.log, "it was ready"
        assert second.ask("SELECT count(*) FROM listings_property") == LISTINGS
        started = second.children()
        second.process.send_signal(signal.SIGINT)
        assert second.process.wait(STOP_SECONDS) == 0
        assert left(started) == []

    with (
        ports.bound(int(site["PORT"])),
        running(project, **site, DATABASE_URL="postgres://nobody@127.0.0.1:1/none") as third,
    ):
        assert third.process.wait(30) == 1
        assert third.log.count("\n") == 1
        assert f"Port {site['PORT']} of 127.0.0.1 cannot be used" in third.log

    with running(project, **site, DATABASE_URL="postgres://nobody@127.0.0.1:1/none") as fourth:
        assert fourth.process.wait(30) == 1
        assert "The server of DATABASE_URL does not answer" in fourth.log
        assert "Traceback" not in fourth.log
