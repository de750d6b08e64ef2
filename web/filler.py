"""`python -m web.filler DESCRIPTOR`: fills pages for a web process, one at a time.

It is told which over the socket that it has inherited, under the lease that the web process was
given, and ends with it. What it does is what the web process would do (`reading.finish`), in an
interpreter of its own: nobody who answers hits waits for this one's lock.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from contextlib import suppress

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")

import django
import msgspec
from django.db import close_old_connections

from listings.cache import counters, tally
from listings.cache.filling import Answer
from listings.cache.store import Lease
from listings.cache.tally import Tally
from web.real_time import step_back

logger = logging.getLogger(__name__)

READY = b"ready"
_LENGTH = 4  # bytes of a message's own length, ahead of it
_AT_ONCE = 65_536  # most pages


class Line:
    """Whole messages over a stream socket. With `multiprocessing.Connection` each page would take a
    fifth of a millisecond more.
    """

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream

    def send(self, message: bytes) -> None:
        """Raises OSError: nobody is there any more."""
        self._stream.sendall(len(message).to_bytes(_LENGTH, "big") + message)

    def receive(self) -> bytes:
        """Waits for as long as the socket does.

        Raises:
            OSError, EOFError: nobody is there any more, or took too long.
        """
        got = self._some()
        while len(got) < _LENGTH or len(got) < _LENGTH + int.from_bytes(got[:_LENGTH], "big"):
            got += self._some()
        return got[_LENGTH:]

    def close(self) -> None:
        self._stream.close()

    def _some(self) -> bytes:
        got = self._stream.recv(_AT_ONCE)
        if not got:
            raise EOFError
        return got


class Order(msgspec.Struct, frozen=True):
    """Which page to fill."""

    name: str
    arguments: str
    lease: Lease
    not_before: int


class Told(msgspec.Struct, frozen=True):
    """What came of it."""

    answer: Answer | None  # none: it has failed
    tally: Tally


_orders = msgspec.msgpack.Decoder(Order)


def main() -> None:
    # Ctrl-C reaches the whole group at once; this process ends when its web process has.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    step_back()
    line = Line(socket.socket(fileno=int(sys.argv[1])))
    django.setup()
    from listings import site  # noqa: F401, PLC0415 - not with the first order
    from listings.collector import spare_loaded  # noqa: PLC0415

    counters.count_for_another()
    spare_loaded()
    with suppress(OSError, EOFError):  # the web process is there no more
        line.send(READY)
        while True:
            order = _orders.decode(line.receive())
            line.send(msgspec.msgpack.encode(_filled(order)))


def _filled(order: Order) -> Told:
    from listings.site import PAGES  # noqa: PLC0415 - pages need the models

    close_old_connections()
    answer = None
    try:
        answer = PAGES[order.name].fill(order.arguments, order.lease, order.not_before)
    except Exception as error:  # noqa: BLE001 - who tries again will tell all of it
        logger.warning("cannot fill %s %s: %r", order.name, order.arguments, error)
    return Told(answer, tally.drain())


if __name__ == "__main__":
    main()
