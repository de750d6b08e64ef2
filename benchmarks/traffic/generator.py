"""`python -m benchmarks.traffic.generator ORDER ADDRESSES SAMPLES`: visitors, one by one.

None waits for another. They come as a Poisson process, and each is timed from the moment at which
it came. One thread, no Django: a request costs a quarter of a millisecond at the most, for the
generator shares the machine with the site. Real visitors do not: where the system allows it, the
generator runs as soon as it can, so that what is measured is not how long it waits itself.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import selectors
import signal
import sys
import time
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import httptools
import msgspec

from benchmarks.traffic.order import Ending, Order, Samples

HOST = "127.0.0.1"
TICK = b"."
PATIENCE_SECONDS = 30.0  # for answers that are still to come when all has been asked
LOOK_SECONDS = 0.01


class Visit(NamedTuple):
    due: float
    request: bytes


class Log:
    """What became of each request."""

    def __init__(self) -> None:
        self._due, self._sent, self._answered = array("d"), array("d"), array("d")
        self._late = array("d")
        self._cpu_before = time.process_time()  # of starting, which is no part of the load
        self._endings = bytearray()
        self.number = 0  # of requests that were answered, or lost

    def was_late(self, seconds: float) -> None:
        """The generator noticed a visitor so long after it had come."""
        self._late.append(seconds)

    def note(self, due: float, sent: float, ending: Ending) -> None:
        self._due.append(due)
        self._sent.append(sent)
        self._answered.append(time.monotonic())
        self._endings.append(ending)
        self.number += 1

    def samples(self) -> Samples:
        late = sorted(self._late) or [0.0]
        return Samples(
            self._due.tobytes(),
            self._sent.tobytes(),
            self._answered.tobytes(),
            bytes(self._endings),
            cpu_seconds=time.process_time() - self._cpu_before,
            late_p99_seconds=late[int(0.99 * (len(late) - 1))],
        )


class Connection(asyncio.Protocol):
    """Asks one thing at a time. Opened anew when the site has closed it."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._visit: Visit | None = None
        self._sent = 0.0
        self._cache_status = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self, visit: Visit) -> None:
        assert self._transport
        self._visit = visit
        self._cache_status = b""
        self._sent = time.monotonic()
        self._transport.write(visit.request)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            assert self._transport
            self._transport.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"cache-status":
            self._cache_status = value

    def on_message_complete(self) -> None:
        keeps = self._parser.should_keep_alive()
        self._end(_ending(self._parser.get_status_code(), self._cache_status))
        if keeps:
            self._crowd.is_free(self)
        elif self._transport:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._visit:
            self._end(Ending.FAILED)
        self._crowd.is_gone(self)

    def _end(self, ending: Ending) -> None:
        if self._visit:
            self._crowd.log.note(self._visit.due, self._sent, ending)
            self._visit = None


class Crowd:
    """All visitors. Whoever finds every connection taken waits for the first that gets free."""

    def __init__(self, order: Order, addresses: Sequence[str]) -> None:
        self.log = Log()
        self._order = order
        self._free: list[Connection] = []  # the last used first, as browsers' are warm
        self._waiting: deque[Visit] = deque()
        self._visits = self._requests(addresses)
        self._opening: set[asyncio.Task[None]] = set()
        self._came = 0
        self._stopping = False

    async def come(self) -> Log:
        """All of them, until the last is answered."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stop)
        for _ in range(self._order.connections):
            await self._open()
        if self._order.per_second:
            await self._come_by_themselves()
        while not self._stopping:  # else each connection asks again once it is free
            await asyncio.sleep(LOOK_SECONDS)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._is_done() and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
        for visit in self._waiting:
            self.log.note(visit.due, visit.due, Ending.FAILED)
        return self.log

    def is_free(self, connection: Connection) -> None:
        """This connection can ask again."""
        self._free.append(connection)
        if self._waiting:
            self._send(self._waiting.popleft())
        elif not self._order.per_second and not self._stopping:
            self._come_at_once()

    def is_gone(self, connection: Connection) -> None:
        if connection in self._free:
            self._free.remove(connection)
        opening = asyncio.get_running_loop().create_task(self._open())
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._is_done():
            with suppress(OSError):
                _, made = await loop.create_connection(
                    lambda: Connection(self), HOST, self._order.port
                )
                self.is_free(made)
                return
            await asyncio.sleep(0.05)

    async def _come_by_themselves(self) -> None:
        dice = random.Random(f"arrivals {self._order.seed}")
        due = time.monotonic()
        for request in self._visits:
            due += dice.expovariate(self._order.per_second)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if self._stopping:
                return
            self.log.was_late(time.monotonic() - due)
            self._arrives(Visit(due, request))
        self._stopping = True

    def _come_at_once(self) -> None:
        request = next(self._visits, None)
        if request is None:
            self._stopping = True
        else:
            self._arrives(Visit(time.monotonic(), request))

    def _arrives(self, visit: Visit) -> None:
        self._came += 1
        if self._order.tick_every and self._came % self._order.tick_every == 0:
            os.write(sys.stdout.fileno(), TICK)
        if self._free:
            self._send(visit)
        else:
            self._waiting.append(visit)

    def _send(self, visit: Visit) -> None:
        self._free.pop().ask(visit)

    def _is_done(self) -> bool:
        return self._stopping and self.log.number == self._came

    def _stop(self) -> None:
        self._stopping = True

    def _requests(self, addresses: Sequence[str]) -> Iterator[bytes]:
        forms = [
            f"GET {address} HTTP/1.1\r\nHost: {HOST}:{self._order.port}\r\n"
            "Accept-Encoding: gzip\r\n\r\n".encode()
            for address in addresses
        ]
        return itertools.cycle(forms) if self._order.endless else iter(forms)


def _ending(status: int, cache_status: bytes) -> Ending:
    if status >= 500:
        return Ending.FAILED
    if b"hit" in cache_status:
        return Ending.NEAR if b"detail=near" in cache_status else Ending.HIT
    return Ending.BYPASS if b"bypass" in cache_status else Ending.MISS


def _precise_loop() -> asyncio.AbstractEventLoop:
    """`epoll` rounds each wait up to a millisecond; `select` does not."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


def _come_first() -> None:
    """Before whoever applies changes, too: visitors have machines of their own."""
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(4))


def main() -> None:
    _come_first()
    order = msgspec.json.decode(sys.argv[1], type=Order)
    addresses, samples = map(Path, sys.argv[2:])
    with asyncio.Runner(loop_factory=_precise_loop) as runner:
        log = runner.run(Crowd(order, addresses.read_text().splitlines()).come())
    samples.write_bytes(msgspec.msgpack.encode(log.samples()))


if __name__ == "__main__":
    main()
