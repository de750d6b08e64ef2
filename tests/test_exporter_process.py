"""`manage.py exporter` as a process: how it starts, and how it ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests import servers
from tests.scraping import scrape
from tests.services import services_environment
from web.local_servers import ports

pytestmark = pytest.mark.usefixtures("platform")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_process_ends_at_once_when_told_to(number):
    port = ports.free_port()
    with _process(port) as process:
        assert process.stdout
        assert process.stdout.readline() == f"Metrics on http://127.0.0.1:{port}/metrics\n"
        # Somebody who has connected and says nothing does not keep it.
        with socket.create_connection(("127.0.0.1", port)):
            assert scrape(port)['listings_cache_server_up{server="cache"}'] == 1
            process.send_signal(number)
            assert process.wait(timeout=2) == 0
        assert process.stderr
        assert process.stderr.read() == ""


def test_taken_port_is_one_clear_sentence():
    port = ports.free_port()
    with ports.bound(port), _process(port) as process:
        out, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert out == ""
    assert err == (
        f"CommandError: Port {port} of 127.0.0.1 cannot be used (Address already in use): "
        "stop what listens there, or choose another port with EXPORTER_PORT\n"
    )


@contextmanager
def _process(port: int) -> Iterator[subprocess.Popen[str]]:
    """`manage.py exporter` on this port, until the end of the block."""
    with subprocess.Popen(
        [sys.executable, "manage.py", "exporter"],
        cwd=servers.PROJECT,
        env={**services_environment(), "EXPORTER_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
