"""Pushes from the cache server: which values have changed, told to the near cache.

`CLIENT TRACKING` in broadcasting mode (valkey.io/topics/client-side-caching) on a connection of
its own, read by one thread. redis-py's own client-side cache refuses Valkey and keeps no deadline.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections import deque

import hiredis
import redis
from redis.connection import Connection

from listings.cache.entries import VALUES
from listings.cache.near import Near
from listings.cache.store import store

logger = logging.getLogger(__name__)

PING_SECONDS = 1.0
# From the moment a PING was sent, once it is answered: a thread or a server that is stuck switches
# the near cache off by doing nothing.
DEADLINE_SECONDS = 2.0
AGAIN_SECONDS = 0.5  # until the next try to connect

_NOTHING = object()


class Tracking:
    """One connection on which pushes come."""

    def __init__(self, near: Near) -> None:
        self._near = near
        self._reader = hiredis.Reader(notEnoughData=_NOTHING)
        self._asked_at: deque[float] = deque()  # what awaits an answer, and when it was sent
        self._last_asked_at = 0.0
        self._began = False
        self._connection: Connection | None = None
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Connect and ask for pushes; `pump` sees the answer.

        Raises:
            redis.RedisError, OSError: the server cannot be reached.
        """
        pool = store().client.connection_pool
        own = {
            "protocol": 3,
            "client_name": "near",
            "socket_timeout": PING_SECONDS,
            "maint_notifications_config": None,
        }
        self._connection = pool.connection_class(**{**pool.connection_kwargs, **own})
        self._connection.connect()
        self._socket = self._connection._sock  # redis-py has no other way to wait for pushes
        self._ask("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", VALUES)

    def pump(self) -> None:
        """Wait for what the server says, at most until the next PING is due, and heed it.

        Raises:
            redis.RedisError, OSError: the connection is lost.
        """
        due = PING_SECONDS
        if not self._asked_at:
            due = self._last_asked_at + PING_SECONDS - time.monotonic()
        if due <= 0:
            self._ask("PING")
            due = PING_SECONDS
        assert self._socket is not None
        self._socket.settimeout(due)
        try:
            received = self._socket.recv(65_536)
        except TimeoutError:
            if self._asked_at and time.monotonic() - self._asked_at[0] > DEADLINE_SECONDS:
                raise redis.TimeoutError("the server does not answer") from None
            return
        if not received:
            raise redis.ConnectionError("the server has closed the connection")
        self._reader.feed(received)
        while (message := self._reader.gets()) is not _NOTHING:
            self._heed(message)

    def close(self) -> None:
        """Hits are given no more."""
        self._near.end()
        if self._connection is not None:
            self._connection.disconnect()  # type: ignore[no-untyped-call]

    def _ask(self, *command: str) -> None:
        self._last_asked_at = time.monotonic()
        self._asked_at.append(self._last_asked_at)
        assert self._connection is not None
        self._connection.send_command(*command, check_health=False)  # type: ignore[no-untyped-call]

    def _heed(self, message: object) -> None:
        if isinstance(message, hiredis.PushNotification):
            if message[0] == b"invalidate":
                self._invalidate(message[1])
            return
        if isinstance(message, Exception):
            raise redis.ResponseError(str(message))
        until = self._asked_at.popleft() + DEADLINE_SECONDS
        if self._began:
            self._near.extend(until)
        else:
            self._began = True
            self._near.begin(until)

    def _invalidate(self, keys: list[bytes] | None) -> None:
        if keys is None:
            self._near.drop_all()  # FLUSHDB, FLUSHALL
        else:
            # Whatever else somebody calls so, it is not ours and must not end the thread.
            self._near.drop(key.decode(errors="replace") for key in keys)


def keep_tracking(near: Near) -> None:
    """Start this process's thread that keeps the near cache true, if it may hold anything."""
    if near.most_bytes:
        threading.Thread(target=_keep_tracking, args=(near,), name="near", daemon=True).start()


def _keep_tracking(near: Near) -> None:
    failing = False
    while True:
        tracking = Tracking(near)
        try:
            tracking.open()
            while True:
                tracking.pump()
                failing = False
        except Exception as error:  # noqa: BLE001 - the thread is the only one that hears pushes
            # Once per outage.
            level = logging.DEBUG if failing else logging.WARNING
            logger.log(level, "the near cache is off, trying again: %r", error)
            failing = True
        finally:
            tracking.close()
        time.sleep(AGAIN_SECONDS)
