"""What the caches spare the database, layer by layer."""

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


def cache() -> Dashboard:
    return dashboard(
        "cache",
        "cache",
        "What the caches spare the database, layer by layer.",
        graph(
            "Hit ratio of each layer",
            "A layer is asked only for what the one before it lacked. The server's own ratio stands"
            " beside them: near hits never reach it, and look-ups of some scripts count in it.",
            {
                "{{layer}}": "listings:cache_hit:ratio_rate5m",
                "keyspace of {{server}}": "listings:cache_server_keyspace_hit:ratio_rate5m",
            },
            RATIO,
        ),
        graph(
            "Hit ratio of each layer, last hour",
            "Slow to move: what a quiet five minutes cannot say.",
            {"{{layer}}": "listings:cache_hit:ratio_rate1h"},
            RATIO,
        ),
        graph(
            "Reads, by layer and outcome",
            "Stored and unstored are misses; stale is a hit while the database is away.",
            {
                "{{layer}} {{outcome}}": (
                    "sum by (layer, outcome) (rate(listings_cache_reads_total[1m]))"
                )
            },
            PER_SECOND,
        ),
        graph(
            "Time to fill, p95",
            "From the lease to the stored value.",
            {
                "{{layer}}": "histogram_quantile(0.95, sum by (le, layer)"
                " (rate(listings_cache_fill_duration_seconds_bucket[5m])))"
            },
            SECONDS,
        ),
        graph(
            "Fills refused",
            "lease_lost: a change came meanwhile. full: the partition. memory: the server.",
            {
                "{{layer}} {{reason}}": (
                    "sum by (layer, reason) (rate(listings_cache_fills_refused_total[5m]))"
                )
            },
            PER_SECOND,
        ),
        graph(
            "Waits for somebody else's fill",
            "One that timed out read the database.",
            {
                "{{layer}} {{outcome}}": (
                    "sum by (layer, outcome) (rate(listings_cache_lease_waits_total[5m]))"
                )
            },
            PER_SECOND,
        ),
        graph(
            "Database queries, asked and spared",
            "Spared: what filling took, each time that the cache had it.",
            {
                "asked": "sum(rate(listings_database_queries_total[5m]))",
                "spared": "sum(rate(listings_database_queries_saved_total[5m]))",
            },
            PER_SECOND,
        ),
        graph(
            "Live entries",
            "As of the relay's last sweep.",
            {"{{layer}}": "sum by (layer) (listings_registry_entries)"},
            NUMBER,
        ),
        graph(
            "Near cache",
            "Bytes of each web process.",
            {"{{instance}}": "listings_near_cache_bytes"},
            BYTES,
            8,
        ),
        graph(
            "Near entries",
            "Pages that each web process keeps.",
            {"{{instance}}": "listings_near_cache_entries"},
            NUMBER,
            8,
        ),
        graph(
            "Breaker open, trust degraded, near cache on, caches switched off",
            "A breaker that is open, or trust that is degraded, costs hits, not truth.",
            {
                "breaker {{instance}}": "listings_cache_breaker_open",
                "degraded {{instance}}": "listings_cache_trust_degraded",
                "{{switch}} switched off": "max by (switch) (listings_cache_switched_off)",
                "near {{instance}}": "listings_near_cache_on",
            },
            SWITCH,
            8,
        ),
    )
