"""Asking: wrk for one page again and again, and a small client for pages that differ."""

from __future__ import annotations

import http.client
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from queue import Empty, SimpleQueue
from typing import NamedTuple

from benchmarks.servers import PROJECT

GZIP = {"Accept-Encoding": "gzip"}
HOST = "127.0.0.1"

Check = Callable[[http.client.HTTPResponse], None]

_REQUESTS = re.compile(r"(\d+) requests in ([\d.]+)s")
_WRONG = re.compile(r"(Non-2xx or 3xx responses|Socket errors): .*")


class Target(NamedTuple):
    """One page of a server on the loopback interface, and how it is asked for."""

    port: int
    path: str
    headers: Mapping[str, str] = GZIP


class Asked(NamedTuple):
    """What was asked, and what asking took."""

    requests: int
    seconds: float
    client_cpu: float


class WrongAnswer(AssertionError):
    """A contender does not answer as it should."""


def has_wrk() -> bool:
    return shutil.which("wrk") is not None


def hammer(target: Target, connections: int, seconds: int, processor: int) -> Asked:
    """Ask for one page over so many connections that stay open, as fast as it is answered.

    Raises:
        WrongAnswer: a response was an error, or did not come.
    """
    argv = [sys.executable, "-m", "benchmarks.speed.pinned", str(processor), "wrk"]
    argv += ["--threads", "1", "--connections", str(connections), "--timeout", "30s"]
    argv += ["--duration", f"{seconds}s"]
    for name, value in target.headers.items():
        argv += ["--header", f"{name}: {value}"]
    before = _children_cpu()
    done = subprocess.run(
        [*argv, f"http://{HOST}:{target.port}{target.path}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
    )
    client_cpu = _children_cpu() - before
    found = _REQUESTS.search(done.stdout)
    if done.returncode or not found or _WRONG.search(done.stdout):
        raise WrongAnswer(f"{target.path}: {done.stdout}{done.stderr}")
    return Asked(int(found[1]), float(found[2]), client_cpu)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ask_all(port: int, paths: Sequence[str], connections: int, check: Check) -> Asked:
    """Ask for each of these pages once, over so many connections that stay open.

    Raises:
        WrongAnswer: from `check`, or because a response has another status than 200.
    """
    left: SimpleQueue[str] = SimpleQueue()
    for path in paths:
        left.put(path)
    before, started = time.process_time(), time.monotonic()
    with ThreadPoolExecutor(connections) as pool:
        visits = [pool.submit(_visit, port, left, check) for _ in range(connections)]
    seconds, client_cpu = time.monotonic() - started, time.process_time() - before
    for visit in visits:
        visit.result()
    return Asked(len(paths), seconds, client_cpu)


def _visit(port: int, left: SimpleQueue[str], check: Check) -> None:
    with closing(http.client.HTTPConnection(HOST, port, timeout=30)) as connection, suppress(Empty):
        while True:
            path = left.get_nowait()
            connection.request("GET", path, headers=GZIP)
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                raise WrongAnswer(f"{path}: {response.status}")
            check(response)


def expect(header: str, value: str) -> Check:
    """A check that a response has just this header."""

    def check(response: http.client.HTTPResponse) -> None:
        if response.headers[header] != value:
            raise WrongAnswer(f"{header}: {response.headers[header]} instead of {value}")

    return check
