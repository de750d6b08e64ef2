"""What visitors ask for, and how they are answered."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from monitoring.grafana.panels import BYTES, NUMBER, PER_SECOND, RATIO, SECONDS, dashboard, graph


def web() -> Dashboard:
    return dashboard(
        "web",
        "web",
        "What visitors ask for, and how they are answered.",
        graph(
            "Requests, by view",
            "All of them, cached or not.",
            {"{{view}}": "sum by (view) (rate(listings_http_requests_total[1m]))"},
            PER_SECOND,
        ),
        graph(
            "Requests, by code",
            "503 is what visitors get who would wait too long.",
            {"{{code}}": "sum by (code) (rate(listings_http_requests_total[1m]))"},
            PER_SECOND,
        ),
        graph(
            "Time to answer, p99 by what the cache did",
            "Near hits are sampled, one in 64, and weighted.",
            {
                "{{cache}}": "histogram_quantile(0.99, sum by (le, cache)"
                " (rate(listings_http_request_duration_seconds_bucket[5m])))"
            },
            SECONDS,
        ),
        graph(
            "Time to answer, p99 by view",
            "Of pages that can be cached.",
            {
                "{{view}}": "histogram_quantile(0.99, sum by (le, view)"
                ' (rate(listings_http_request_duration_seconds_bucket{cache!="none"}[5m])))'
            },
            SECONDS,
        ),
        graph(
            "Errors, by view and code",
            "Share of that view's requests; nothing while there is none.",
            {
                "{{view}} {{code}}": "sum by (view, code)"
                ' (rate(listings_http_requests_total{code=~"5.."}[5m])) / on (view)'
                " group_left () sum by (view) (rate(listings_http_requests_total[5m]))"
            },
            RATIO,
        ),
        graph(
            "Burn of the error and latency budgets",
            "At 1 a budget lasts 30 days; at 14.4 for an hour somebody is woken.",
            {
                "{{slo}}, 1 h": "listings:slo_burn:rate1h",
                "{{slo}}, 6 h": "listings:slo_burn:rate6h",
                "{{slo}}, 3 d": "listings:slo_burn:rate3d",
            },
            NUMBER,
        ),
        graph(
            "Processor of each process",
            "1 is one processor.",
            {"{{job}} {{instance}}": "rate(process_cpu_seconds_total[1m])"},
            NUMBER,
        ),
        graph(
            "Memory of each process",
            "Resident.",
            {"{{job}} {{instance}}": "process_resident_memory_bytes"},
            BYTES,
        ),
    )
