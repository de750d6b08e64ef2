"""The servers behind: cache and broker."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from monitoring.grafana.panels import (
    BYTES,
    NUMBER,
    PER_SECOND,
    RATIO,
    SECONDS,
    SWITCH,
    dashboard,
    graph,
)


def redis() -> Dashboard:
    return dashboard(
        "redis",
        "Redis",
        "The servers behind: cache and broker.",
        graph(
            "Memory",
            "A maximum is drawn where there is one.",
            {
                "{{server}} used": "listings_cache_server_memory_used_bytes",
                "{{server}} maximum": "listings_cache_server_memory_max_bytes",
                "broker used": "listings_broker_memory_used_bytes",
                "broker maximum": "listings_broker_memory_max_bytes",
                "registry {{layer}}": "listings_registry_bytes",
            },
            BYTES,
        ),
        graph(
            "Memory used of the maximum",
            "Above 90 % what is wanted least goes early.",
            {"{{server}}": "listings:cache_server_memory_used:ratio"},
            RATIO,
        ),
        graph(
            "Keys that went by themselves",
            "Evicted for want of memory, or expired at their end. A broker must evict none.",
            {
                "{{server}} evicted": "rate(listings_cache_server_evicted_keys_total[1m])",
                "{{server}} expired": "rate(listings_cache_server_expired_keys_total[1m])",
                "broker evicted": "rate(listings_broker_evicted_keys_total[1m])",
            },
            PER_SECOND,
        ),
        graph(
            "Keyspace look-ups",
            "Near hits are not among them; look-ups of some scripts are.",
            {
                "{{server}} hits": "rate(listings_cache_server_keyspace_hits_total[1m])",
                "{{server}} misses": "rate(listings_cache_server_keyspace_misses_total[1m])",
            },
            PER_SECOND,
        ),
        graph(
            "Commands",
            "Of all clients.",
            {"{{server}}": "rate(listings_cache_server_commands_processed_total[1m])"},
            PER_SECOND,
        ),
        graph(
            "Time to answer",
            "A PING, and what the exporter asks at a scrape.",
            {
                "{{server}} PING": "listings_cache_server_ping_seconds",
                "{{server}} scrape": "listings_cache_server_scrape_duration_seconds",
            },
            SECONDS,
        ),
        graph(
            "Keys and clients",
            "In all databases; the exporter is a client too.",
            {
                "{{server}} keys": "listings_cache_server_keys",
                "{{server}} clients": "listings_cache_server_connected_clients",
            },
            NUMBER,
        ),
        graph(
            "Up",
            "A server that is away answers no scrape.",
            {
                "{{server}}": "listings_cache_server_up",
                "broker": "listings_broker_up",
                "database": "listings_database_up",
            },
            SWITCH,
        ),
        graph(
            "Hit ratio since the server started",
            "Of its keyspace: hardly moves on a server that has long been up.",
            {"{{server}}": "listings_cache_server_hit_ratio"},
            RATIO,
            8,
        ),
        graph(
            "Fragmentation",
            "Memory that the system gave, by what the server uses of it.",
            {"{{server}}": "listings_cache_server_memory_fragmentation_ratio"},
            NUMBER,
            8,
        ),
        graph(
            "Uptime",
            "It begins again with the server, and so does an empty cache.",
            {"{{server}}": "listings_cache_server_uptime_seconds"},
            SECONDS,
            8,
        ),
    )
