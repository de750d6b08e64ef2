"""The benchmarks' visitors: when they come, how they are timed, and what they tell."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks.traffic.order import Ending, Order, Sample
from benchmarks.traffic.visitors import met, visitors
from tests.waiting import eventually

STATUSES = {
    "/near": "listings; hit; detail=near",
    "/hit": "listings; hit",
    "/miss": "listings; fwd=miss; stored",
    "/bypass": "listings; fwd=bypass",
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: list[str]
    open_door: threading.Event

    def do_GET(self) -> None:
        self.asked.append(self.path)
        assert self.open_door.wait(30)
        if self.path == "/lost":
            self.close_connection = True
            return
        self.send_response(503 if self.path == "/error" else 200)
        self.send_header("Cache-Status", STATUSES.get(self.path, ""))
        self.send_header("Content-Length", "2")
        if self.path == "/closing":
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def a_site(is_open: bool = True) -> Iterator[tuple[int, type[Handler]]]:
    own = type("Own", (Handler,), {"asked": [], "open_door": threading.Event()})
    if is_open:
        own.open_door.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), own)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, own
    finally:
        own.open_door.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_every_address_is_asked_for_once_and_its_ending_is_told():
    asked = ["/near", "/hit", "/miss", "/bypass", "/error", "/lost", "/closing", "/near"]
    with a_site() as (port, site):
        samples = list(met(Order(port, connections=2), asked))
        assert Counter(site.asked) == Counter(asked)
    assert Counter(sample.ending for sample in samples) == {
        Ending.NEAR: 2,
        Ending.HIT: 1,
        Ending.MISS: 2,
        Ending.BYPASS: 1,
        Ending.FAILED: 2,
    }


def test_visitors_come_though_nobody_is_answered_and_are_timed_from_their_coming():
    with a_site(is_open=False) as (port, site):
        order = Order(port, per_second=500, connections=1, tick_every=20)
        with visitors(order, ["/hit"] * 20) as crowd:
            assert crowd.tick()  # the twentieth has come, and the first still waits
            assert site.asked == ["/hit"]
            site.open_door.set()
            samples = list(crowd.awaited())
    assert len(samples) == 20
    last = samples[-1]
    assert last.due < samples[0].answered < last.sent
    assert last.latency > last.answered - last.sent


def test_visitors_come_at_their_rate():
    with a_site() as (port, _):
        samples = list(met(Order(port, per_second=200, connections=4), ["/hit"] * 200))
    due = [sample.due for sample in samples]
    per_second = 199 / (max(due) - min(due))  # of the plan; not of what the machine could do
    assert 150 < per_second < 270


def test_a_tick_comes_each_so_many_reads():
    with a_site() as (port, _), visitors(Order(port, tick_every=3), ["/hit"] * 10) as crowd:
        ticks = 0
        while crowd.tick():
            ticks += 1
        assert len(list(crowd.awaited())) == 10
    assert ticks == 3


def test_endless_visitors_come_until_they_are_ended():
    with a_site() as (port, site):
        with visitors(Order(port, 500, 2, endless=True), ["/hit", "/near"]) as crowd:
            eventually(lambda: len(site.asked) > 10)
            crowd.end()
            samples = list(crowd.awaited())
        assert len(samples) == len(site.asked) > 10


def test_latency_counts_the_wait_for_a_connection():
    assert Sample(due=1.0, sent=3.0, answered=4.0, ending=Ending.HIT).latency == 3.0
