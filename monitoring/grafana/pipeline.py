"""How changes reach the caches: from the log to warm again."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from monitoring.grafana.panels import NUMBER, PER_SECOND, SECONDS, dashboard, graph


def pipeline() -> Dashboard:
    return dashboard(
        "pipeline",
        "pipeline",
        "How changes reach the caches: from the log to warm again.",
        graph(
            "Lag of each stage, p50",
            "From the write of a change.",
            {"{{stage}}": 'listings:change_lag_seconds:quantile_rate5m{quantile="0.5"}'},
            SECONDS,
        ),
        graph(
            "Lag of each stage, p99",
            "150 ms are promised of invalidated.",
            {"{{stage}}": 'listings:change_lag_seconds:quantile_rate5m{quantile="0.99"}'},
            SECONDS,
        ),
        graph(
            "Events, by table",
            "Applied by the worker or by the relay.",
            {"{{table}}": "sum by (table) (rate(listings_events_applied_total[1m]))"},
            PER_SECOND,
        ),
        graph(
            "Changes and messages that wait",
            "The change log is the truth; a ring that is lost costs milliseconds.",
            {
                "change log": "max(listings_change_log_pending_events)",
                "queue {{queue}}": "max by (queue) (listings_broker_queue_ready_messages)",
                "unacknowledged": "max(listings_broker_unacknowledged_messages)",
            },
            NUMBER,
        ),
        graph(
            "Time to apply a batch",
            "Its transaction included.",
            {
                "p50": "histogram_quantile(0.5,"
                " sum by (le) (rate(listings_apply_duration_seconds_bucket[5m])))",
                "p99": "histogram_quantile(0.99,"
                " sum by (le) (rate(listings_apply_duration_seconds_bucket[5m])))",
            },
            SECONDS,
        ),
        graph(
            "Dropped, by dependency",
            "anything: nothing more was known of the entry than where it is.",
            {
                "{{layer}} {{dependency}}": (
                    "sum by (layer, dependency) (rate(listings_entries_invalidated_total[1m]))"
                )
            },
            PER_SECOND,
        ),
        graph(
            "Warmed",
            "Pages that visitors want, after changes dropped them.",
            {"{{outcome}}": "sum by (outcome) (rate(listings_pages_warmed_total[1m]))"},
            PER_SECOND,
        ),
        graph(
            "The relay",
            "What it applied itself says that the worker or the broker was late.",
            {
                "looks": "sum(rate(listings_relay_looks_total[1m]))",
                "rings": "sum(rate(listings_relay_rings_total[1m]))",
                "events applied": "sum(rate(listings_relay_applied_events_total[1m]))",
                "horizon moves": "sum(rate(listings_horizon_moves_total[1m]))",
            },
            PER_SECOND,
        ),
        graph(
            "Retries and dead letters",
            "Retries: Redis or the database was away. Letters wait for a person.",
            {
                "retries": "sum(increase(listings_apply_retries_total[5m]))",
                "buried": "sum(increase(listings_dead_letters_buried_total[5m]))",
                "letters": "max(listings_dead_letters)",
            },
            NUMBER,
        ),
        graph(
            "The truth probe",
            "Entries compared with the database, and those that differed for so many seconds.",
            {
                "checked": 'sum(rate(listings_truth_checks_total{age="1"}[5m]))',
                "stale for {{age}} s": "sum by (age) (rate(listings_truth_stale_total[5m]))",
                "failed": "sum(rate(listings_truth_failures_total[5m]))",
            },
            PER_SECOND,
        ),
    )
