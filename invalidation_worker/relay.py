"""The relay: rings for what the doorbell missed, and sweeps the registries.

It looks at the change log itself, so writes around the ORM and rings that were lost are found
within 50 ms. While no broker carries its ring, or the worker is away or busy, it applies the events
itself: nothing waits behind a large batch for longer than until the next look. While all is well it
moves the horizon. It polls: NOTIFY takes a global lock at commit.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator

import redis
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from invalidation_worker import change_log, metrics
from invalidation_worker.apply import apply_batch
from invalidation_worker.doorbell import APPLY, EXPIRES_SECONDS, Publisher, Ring
from invalidation_worker.horizon import Horizon
from invalidation_worker.tasks import send_to_warming
from listings.cache import totals
from listings.cache.entries import Layer
from listings.cache.store import store
from listings.cache.totals import Total

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.05
LEFT_TO_WORKER_SECONDS = 0.03  # events that wait longer have no worker, or a busy one
MOST_RINGS = 1_000  # that wait; with no worker each transaction would add one
SWEEP_SECONDS = 30.0  # from one round over all registries to the next: each at least once a minute
# Registries that are swept together. Most have one entry, and with two round trips for each 25,000
# take 4.8 s of a processor and not 0.7.
TOGETHER = 20
# For so many times as long as it took, the sweeper rests after these: in one go, visitors would
# wait for thousands of them.
MOST_REST = 20.0
SCAN_COUNT = 1_000  # keys that the server looks at in one SCAN: well under a millisecond
QUEUE = "invalidation"
LAYERS = {layer.value for layer in Layer}


class Relay:
    """Runs until `stopping` is set; a server that is away is asked again every second."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._publisher = Publisher()
        self._horizon = Horizon(store("pipeline"))
        self._broker = redis.Redis.from_url(
            settings.BROKER_URL, socket_timeout=0.2, socket_connect_timeout=0.2
        )

    def run(self) -> None:
        """Look at the log every 50 ms; sweep in a thread of its own."""
        sweeper = threading.Thread(target=self._keep_sweeping, name="sweeper", daemon=True)
        sweeper.start()
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self.look()
            except (redis.RedisError, DatabaseError) as error:
                logger.warning("cannot look, trying again in 1 s: %r", error)
                close_old_connections()
                self._stopping.wait(1)

    def look(self) -> None:
        """Ring if events wait and no ring does; apply them here if that does not help.

        Moves the horizon on, if it is time and changes are applied in time.

        Raises:
            redis.RedisError, DatabaseError: the cache or the database is away.
        """
        metrics.looks.inc()
        seen_at = time.monotonic()
        age = change_log.oldest_age_seconds()
        self._horizon.beat(age, seen_at)
        if age is None:
            return
        rung = self._ring_waits() or self._ring()
        if not rung or age > LEFT_TO_WORKER_SECONDS:
            done = apply_batch()
            metrics.applied_by_relay.inc(done.events)
            send_to_warming(self._publisher, done)

    def _ring_waits(self) -> bool:
        try:
            waiting = int(self._broker.llen(QUEUE))
            if waiting > MOST_RINGS:  # one would do; their expiry is read by whoever takes them
                self._broker.ltrim(QUEUE, 0, MOST_RINGS - 1)
        except redis.RedisError:
            return False
        return waiting > 0

    def _ring(self) -> bool:
        taken = self._publisher.send(APPLY, Ring(), expires=EXPIRES_SECONDS)
        metrics.rings.inc(taken)
        return taken

    def _keep_sweeping(self) -> None:
        rest = MOST_REST
        while not self._stopping.wait(SWEEP_SECONDS):
            try:
                took = 0.0
                for swept in sweep_all():
                    took += swept
                    self._stopping.wait(swept * rest)
                rest = _rest(took)
            except redis.RedisError as error:
                logger.warning("cannot sweep, trying again: %r", error)


def _rest(took_seconds: float) -> float:
    """So that the next round, if it takes as long, is over in 30 s, however many registries."""
    spare = SWEEP_SECONDS - took_seconds
    return min(MOST_REST, max(1.0, spare / took_seconds)) if took_seconds else MOST_REST


def sweep_all() -> Iterator[float]:
    """Sweep every registry, yielding after some how long they took (s), so that a caller can rest.

    At the end it publishes how many entries there are.

    Raises:
        redis.RedisError: the cache server does not answer.
    """
    cache = store("pipeline")
    entries, sizes = Counter[Layer](), Counter[Layer]()
    for layer, partitions in _together(cache.client):
        started = time.monotonic()
        swept = cache.sweep(partitions, layer)
        logger.debug("swept %s of %s: %d entries", layer, partitions, swept.gone)
        entries[layer] += swept.left
        sizes[layer] += swept.bytes
        yield time.monotonic() - started
    totals.publish(cache, {layer: Total(entries[layer], sizes[layer]) for layer in Layer})


def _together(client: redis.Redis) -> Iterator[tuple[Layer, list[str]]]:
    """The partitions of all registries, by layer, as many together as are swept together."""
    waiting: dict[Layer, list[str]] = {layer: [] for layer in Layer}
    for key in client.scan_iter(match="r:{*}:*", count=SCAN_COUNT):
        tag, _, name = key.decode().rpartition(":")
        if name not in LAYERS:
            continue  # of another release
        layer = Layer(name)
        waiting[layer].append(tag.removeprefix("r:{").removesuffix("}"))
        if len(waiting[layer]) == TOGETHER:
            yield layer, waiting[layer]
            waiting[layer] = []
    yield from ((layer, partitions) for layer, partitions in waiting.items() if partitions)
