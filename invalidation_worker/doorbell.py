"""Ringing the queue without ever waiting for it.

A save must not wait for a broker, let alone fail with it. So whoever rings only puts a ring on a
list, and one daemon thread per process publishes it. A ring that is lost costs 50 ms: the relay
looks at the change log itself.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque

import msgspec
from celery import current_app
from django.conf import settings
from kombu import Connection

from invalidation_worker.pace import come_first

logger = logging.getLogger(__name__)

APPLY = "invalidation_worker.tasks.apply"
WARM = "invalidation_worker.tasks.warm"

EXPIRES_SECONDS = 5.0  # a ring that nobody heard by then is stale; the relay will have rung again
MOST_KEYS = 100  # in one ring; they are for logs and traces
MOST_WAITING = 1_000  # rings that wait for a broker; older ones are dropped

# Celery's default publish never returns from a broker that accepts and stays silent.
_PATIENCE = {"max_retries": 0, "socket_timeout": 0.2, "socket_connect_timeout": 0.2}


class Ring(msgspec.Struct):
    """What one transaction has changed: for logs and traces. Truth is in the change log."""

    tables: list[str] = []
    operations: list[str] = []
    keys: list[str] = []  # up to 100
    transaction_id: int | None = None

    def add(self, table: str, operation: str, key: str) -> None:
        if table not in self.tables:
            self.tables.append(table)
        if operation not in self.operations:
            self.operations.append(operation)
        if len(self.keys) < MOST_KEYS and key not in self.keys:
            self.keys.append(key)


class Publisher:
    """Sends messages over a connection of its own, giving up within half a second."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._failing = False

    def send(self, task: str, *arguments: object, expires: float) -> bool:
        """Whether the broker took the message. Never raises for a broker that is away."""
        try:
            if self._connection is None:
                self._connection = Connection(settings.BROKER_URL, transport_options=_PATIENCE)
            current_app.send_task(
                task,
                tuple(map(msgspec.to_builtins, arguments)),
                connection=self._connection,
                retry=False,
                expires=expires,
            )
        except Exception as error:  # noqa: BLE001 - kombu, redis and socket errors alike
            # Once per outage: the relay tries twenty times a second.
            logger.log(
                logging.DEBUG if self._failing else logging.WARNING,
                "the broker did not take a message: %r",
                error,
            )
            self._failing = True
            self._drop_connection()
            return False
        self._failing = False
        return True

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.release()
            except Exception as error:  # noqa: BLE001 - it is given up either way
                logger.debug("closing the broker's connection: %r", error)


class Doorbell:
    """A thread that rings for whoever asks. Starts with the first ring, anew after a fork."""

    def __init__(self) -> None:
        self._rings: deque[Ring] = deque(maxlen=MOST_WAITING)
        self._waiting = threading.Event()
        self._lock = threading.Lock()
        self._pid: int | None = None

    def ring(self, ring: Ring) -> None:
        """Publish this soon. Returns at once."""
        self._rings.append(ring)
        self._waiting.set()
        if self._pid != os.getpid():
            self._start()

    def _start(self) -> None:
        with self._lock:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                threading.Thread(target=self._publish, name="doorbell", daemon=True).start()

    def _publish(self) -> None:
        come_first()  # a change is on its way only once it has rung
        publisher = Publisher()
        while True:
            self._waiting.wait()
            self._waiting.clear()
            while self._rings:
                if not publisher.send(APPLY, self._rings.popleft(), expires=EXPIRES_SECONDS):
                    self._rings.clear()  # the relay finds these changes by itself


doorbell = Doorbell()
