"""What `make run` promises: restarts, an orderly stop, nothing left behind, data kept."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import psutil
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from tests.processes import lives
from tests.waiting import eventually
from web import local_stack, run, secret_file
from web.local_servers import ports

PROJECT = Path(__file__).resolve().parent.parent

# A supervisor as `make run` has one, of a client and a server that write down what they live
# through. Arguments: the folder, and what the client does when it is asked to end.
SUPERVISOR = """
import signal, subprocess, sys
from contextlib import closing
from functools import partial
from pathlib import Path
from web import local_stack
from web.local_servers import Guardian, Stage
from web.supervisor import Supervisor
from web.terminal import Terminal

PROGRAM = '''
trap "$2" TERM
sleep 1000 & echo "$1 started $$ $!" >> events
while :; do wait; done
'''

def start(guardian, stage, name, at_end):
    argv = ["sh", "-c", PROGRAM, "sh", name, at_end]
    return guardian.spawn(argv, stage, cwd=var, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

var = Path(sys.argv[1])
with local_stack.claim(var) as lock, closing(Guardian([lock])) as guardian:
    signal.signal(signal.SIGTERM, lambda *_: guardian.stopping.set())
    local_stack.publish({"CACHE_URL": "redis://here"}, var)
    supervisor = Supervisor(guardian, Terminal(["client", "server"]))
    server_end = "echo server ended >> events; exit"
    supervisor.keep("server", partial(start, guardian, Stage.SERVER, "server", server_end))
    supervisor.keep("client", partial(start, guardian, Stage.CLIENT, "client", sys.argv[2]))
    supervisor.run()
"""
# One that is killed when it has started a program and not yet told its helper.
DYING = """
import os, signal, sys
from subprocess import DEVNULL
from web.local_servers import Guardian, Stage

guardian = Guardian()
def killed(_word, group, *_rest):
    print(group, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
guardian._tell = killed
argv = ["sh", "-c", "touch ran; exec sleep 1000"]
guardian.spawn(argv, Stage.CLIENT, cwd=sys.argv[1], stdout=DEVNULL, stderr=DEVNULL)
"""
POLITE = "sleep 0.2; echo client ended >> events; exit"
STUBBORN = ""  # the shell ignores the signal


class Supervised:
    """A running supervisor of a client and a server, and what these wrote down."""

    def __init__(self, folder: Path, client_end: str) -> None:
        self.folder = folder
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SUPERVISOR, str(folder), client_end],
                cwd=PROJECT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(lambda: self.pids("client") and self.pids("server"))

    @property
    def log(self) -> str:
        return self._log.read_text()

    def events(self) -> list[str]:
        path = self.folder / "events"
        return path.read_text().splitlines() if path.exists() else []

    def ended(self) -> list[str]:
        return [event for event in self.events() if event.endswith("ended")]

    def pids(self, name: str) -> list[tuple[int, int]]:
        """The processes that this program has had: itself and its child."""
        lines = [event.split() for event in self.events()]
        return [(int(w[2]), int(w[3])) for w in lines if w[:2] == [name, "started"]]

    def left(self) -> list[int]:
        started = [*self.pids("client"), *self.pids("server")]
        return [pid for pids in started for pid in pids if lives(pid)]


@contextmanager
def supervised(folder: Path, client_end: str = POLITE):
    folder.mkdir(exist_ok=True)
    it = Supervised(folder, client_end)
    try:
        yield it
    finally:
        if it.process.poll() is None:
            it.process.kill()
        it.process.wait()
        try:
            eventually(lambda: not it.left(), 60)
        finally:
            for pid in it.left():
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "a folder"


# ---- the supervisor ----


def test_killed_program_is_started_again(folder):
    with supervised(folder) as it:
        (first, child), *_ = it.pids("client")
        os.kill(first, signal.SIGKILL)
        eventually(lambda: len(it.pids("client")) == 2)
        assert "client | ended with signal 9 (SIGKILL), starting again" in it.log
        assert not lives(child), "what the killed program had started runs on"
        assert len(it.pids("server")) == 1


def test_clients_end_before_servers(folder):
    with supervised(folder) as it:
        it.process.terminate()
        assert it.process.wait(60) == 0
        assert it.ended() == ["client ended", "server ended"]
        assert it.left() == []


def test_stubborn_program_is_ended_all_the_same(folder):
    with supervised(folder, STUBBORN) as it:
        it.process.terminate()
        assert it.process.wait(60) == 0
        assert it.ended() == ["server ended"]
        assert it.left() == []


@pytest.mark.parametrize("client_end", [POLITE, STUBBORN], ids=["polite", "stubborn"])
def test_killed_supervisor_leaves_nothing_behind(folder, client_end):
    with supervised(folder, client_end) as it:
        it.process.kill()
        it.process.wait()
        eventually(lambda: not it.left(), 60)
        assert it.ended()[-1] == "server ended"


def test_program_that_no_helper_knows_never_runs(tmp_path):
    supervisor = subprocess.run(
        [sys.executable, "-c", DYING, str(tmp_path)], cwd=PROJECT, capture_output=True, check=False
    )
    assert supervisor.returncode == -signal.SIGKILL
    program = int(supervisor.stdout)
    try:
        eventually(lambda: not lives(program))
    finally:
        if lives(program):
            os.kill(program, signal.SIGKILL)
    assert not (tmp_path / "ran").exists()


def test_helper_outlives_what_a_terminal_sends(folder):
    with supervised(folder) as it:
        (helper,) = [p for p in psutil.Process(it.process.pid).children() if "-I" in p.cmdline()]
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            helper.send_signal(number)
        it.process.kill()
        it.process.wait()
        eventually(lambda: not it.left(), 60)


# ---- one supervisor a folder ----


def test_second_supervisor_is_refused(folder):
    with supervised(folder):
        with (
            pytest.raises(local_stack.AlreadyRunningError, match="runs already"),
            local_stack.claim(folder),
        ):
            pass
        assert local_stack.url("CACHE_URL", folder) == "redis://here"


def test_next_supervisor_waits_until_the_dead_one_is_cleaned_up(folder):
    with supervised(folder, STUBBORN) as it:
        it.process.kill()
        it.process.wait()
        assert it.left()
        with local_stack.claim(folder):
            assert it.left() == []


def test_addresses_of_a_dead_supervisor_do_not_count(folder):
    with supervised(folder) as it:
        it.process.kill()
        it.process.wait()
        assert json.loads((folder / "stack.json").read_text()) == {"CACHE_URL": "redis://here"}
        with pytest.raises(ImproperlyConfigured, match=r"CACHE_URL is not set.*`make run`"):
            local_stack.url("CACHE_URL", folder)


def test_addresses_are_gone_after_an_orderly_stop(folder):
    with local_stack.claim(folder):
        local_stack.publish({"CACHE_URL": "redis://here"}, folder)
        assert (folder / "stack.json").stat().st_mode & 0o777 == 0o600
    assert not (folder / "stack.json").exists()


def test_secret_is_made_once_and_is_its_owners_only(folder):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(secret_file.read_or_create(folder / "key")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(found[0]) == 64
    assert [path.name for path in folder.iterdir()] == ["key"]
    assert (folder / "key").stat().st_mode & 0o777 == 0o600


def test_first_secret_wins(folder, monkeypatch):
    def somebody_is_faster(_size):
        (folder / "key").write_text("theirs")
        return "ours"

    monkeypatch.setattr(secret_file.secrets, "token_hex", somebody_is_faster)
    assert secret_file.read_or_create(folder / "key") == "theirs"


def test_stack_env_can_be_read_by_a_shell(settings):
    urls = {"DATABASE_URL": "postgres://u:it's $HOME@h/d", "CACHE_URL": "a b", "BROKER_URL": "`c`"}
    for name, url in urls.items():
        setattr(settings, name, url)
    out = StringIO()
    call_command("stack_env", stdout=out)
    assert dict(line.split("=", 1) for line in shlex.split(out.getvalue())) == urls
    shown = subprocess.check_output(
        ["sh", "-c", 'eval "$1"; printf %s "$DATABASE_URL"', "sh", out.getvalue()], text=True
    )
    assert shown == urls["DATABASE_URL"]


# ---- ports ----


def test_taken_port_is_one_sentence_with_the_variable():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(run.RunError, match=rf"Port {port} .* EXPORTER_PORT={port + 1}"):
            run._check_ports("127.0.0.1", [("PORT", ports.free_port()), ("EXPORTER_PORT", port)])


def test_two_services_cannot_have_one_port():
    port = ports.free_port()
    with pytest.raises(run.RunError, match=f"Port {port} .* EXPORTER_PORT"):
        run._check_ports("127.0.0.1", [("PORT", port), ("EXPORTER_PORT", port)])
