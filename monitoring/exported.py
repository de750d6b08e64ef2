"""The series that the exporter tells, one line each, by who was asked for them.

The names of a server's series end as the fields of Redis' `INFO` do (`keyspace_hits`,
`evicted_keys`), which operators know from there and from other exporters; the prefix tells the two
apart, should both be scraped. Units are Prometheus' base units, and counters end in `_total`.

A look-up that the server counts is an entry asked for: the engine asks everything else in ways
that do not count. The hit ratio here is that of the server's whole life; a panel for "now" is
`rate(hits) / (rate(hits) + rate(misses))`.
"""

from __future__ import annotations

from listings.cache.store import Switch
from monitoring.hit_ratio import hit_ratio
from monitoring.pipeline import Broker, ChangeLog, Marks
from monitoring.redis_server import Statistics
from monitoring.series import COUNTER, GAUGE, Series

SERVER: tuple[Series[Statistics], ...] = (
    Series("keyspace_hits", COUNTER, "Look-ups that found a key.", lambda s: s.keyspace_hits),
    Series("keyspace_misses", COUNTER, "Look-ups that found no key.", lambda s: s.keyspace_misses),
    Series(
        "hit_ratio",
        GAUGE,
        "Hits among all look-ups since the server started, 0 to 1; absent before the first one.",
        lambda s: hit_ratio(s.keyspace_hits, s.keyspace_misses),
    ),
    Series("expired_keys", COUNTER, "Keys removed at their end.", lambda s: s.expired_keys),
    Series("keys", GAUGE, "Keys in all databases.", lambda s: s.keys),
    Series(
        "connected_clients",
        GAUGE,
        "Open connections, the exporter's own among them.",
        lambda s: s.connected_clients,
    ),
    Series(
        "memory_fragmentation_ratio",
        GAUGE,
        "Memory that the system gave to the server, by what the server has allocated.",
        lambda s: s.memory_fragmentation_ratio,
    ),
    Series(
        "commands_processed", COUNTER, "Commands of all clients.", lambda s: s.commands_processed
    ),
    Series("ping_seconds", GAUGE, "Time from a PING to its answer.", lambda s: s.ping_seconds),
    Series("uptime_seconds", GAUGE, "Time since the server started.", lambda s: s.uptime_seconds),
    Series(
        "info",
        GAUGE,
        "1, with what the server is.",
        lambda s: {(s.role, s.maxmemory_policy, s.version): 1},
        ("role", "maxmemory_policy", "version"),
    ),
)
MEMORY: tuple[Series[Statistics], ...] = (
    Series("evicted_keys", COUNTER, "Keys removed for want of memory.", lambda s: s.evicted_keys),
    Series(
        "memory_used_bytes",
        GAUGE,
        "Memory that the server has allocated.",
        lambda s: s.memory_used_bytes,
    ),
    Series(
        "memory_max_bytes",
        GAUGE,
        "Memory that the server may allocate; absent without a limit.",
        lambda s: s.memory_max_bytes,
    ),
)
BROKER: tuple[Series[Broker], ...] = (
    Series(
        "queue_ready_messages",
        GAUGE,
        "Messages that no worker has taken.",
        lambda broker: {(queue,): number for queue, number in broker.ready.items()},
        ("queue",),
    ),
    Series(
        "unacknowledged_messages",
        GAUGE,
        "Messages that a worker has taken and not yet done.",
        lambda broker: broker.unacknowledged,
    ),
)
CHANGE_LOG: tuple[Series[ChangeLog], ...] = (
    Series(
        "change_log_pending_events",
        GAUGE,
        "Events that wait to be applied, counted up to 100,000.",
        lambda log: log.pending,
    ),
    Series(
        "change_log_oldest_event_timestamp_seconds",
        GAUGE,
        "When the oldest of them was written; absent when none waits.",
        lambda log: log.oldest_at,
    ),
    Series(
        "dead_letters",
        GAUGE,
        "Events that could not be decided and that nobody has dropped.",
        lambda log: log.dead_letters,
    ),
)
MARKS: tuple[Series[Marks], ...] = (
    Series(
        "horizon_moves",
        COUNTER,
        "Moves of the horizon: one each second in which changes are applied in time.",
        lambda marks: marks.horizon,
    ),
    Series(
        "cache_switched_off",
        GAUGE,
        "1 while an operator has switched these caches off.",
        lambda marks: {(switch.value,): float(switch in marks.off) for switch in Switch},
        ("switch",),
    ),
    Series(
        "registry_entries",
        GAUGE,
        "Entries that are live or being filled, as of the last sweep.",
        lambda marks: {(layer.value,): one.entries for layer, one in marks.registries.items()},
        ("layer",),
    ),
    Series(
        "registry_bytes",
        GAUGE,
        "Size of their descriptors, as of the last sweep.",
        lambda marks: {(layer.value,): one.bytes for layer, one in marks.registries.items()},
        ("layer",),
    ),
)
