"""Is it fast, is it true, is it healthy: one screen."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.builders.stat import Panel as Stat

from monitoring.grafana.panels import (
    NONE_IS_GOOD,
    NUMBER,
    PER_SECOND,
    RATIO,
    SECONDS,
    UP_IS_GOOD,
    dashboard,
    graph,
    number,
)


def overview() -> Dashboard:
    return dashboard(
        "overview",
        "overview",
        "Is it fast, is it true, is it healthy?",
        *_numbers(),
        graph(
            "Pages from a cache",
            "What visitors get, near or not. 80 % is good, below 50 % the cache hardly helps.",
            {
                "5 minutes": "listings:served_from_cache:ratio_rate5m",
                "1 hour": "listings:served_from_cache:ratio_rate1h",
            },
            RATIO,
        ),
        graph(
            "Time to answer",
            "Of pages that can be cached. The objective is 99 % within 100 ms.",
            {"p{{quantile}}": "listings:http_request_duration_seconds:quantile_rate5m"},
            SECONDS,
        ),
        graph(
            "Time until a change has left the caches",
            "From its write. 150 ms are promised of 99 %.",
            {"p{{quantile}}": ('listings:change_lag_seconds:quantile_rate5m{stage="invalidated"}')},
            SECONDS,
        ),
        graph(
            "Requests",
            "By what the cache did for them.",
            {"{{cache}}": "sum by (cache) (rate(listings_http_requests_total[1m]))"},
            PER_SECOND,
        ),
    )


def _numbers() -> tuple[Stat, ...]:
    return (
        number(
            "Is it fast? p99",
            "The slowest of a hundred pages took longer.",
            'listings:http_request_duration_seconds:quantile_rate5m{quantile="0.99"}',
            SECONDS,
            (("green", None), ("yellow", 0.1), ("red", 0.5)),
        ),
        number(
            "From a cache",
            "Of the last five minutes' pages.",
            "listings:served_from_cache:ratio_rate5m",
            RATIO,
            (("red", None), ("yellow", 0.5), ("green", 0.8)),
        ),
        number(
            "Is it true? Stale, 10 s",
            "Entries that the truth probe found to differ from the database for 10 s, in a day.",
            'sum(increase(listings_truth_stale_total{age=~"10|60"}[1d]))',
            NUMBER,
            NONE_IS_GOOD,
        ),
        number(
            "Oldest change that waits",
            "0 when none waits. Beyond 2 s web processes stop trusting the cache.",
            "listings:change_log_oldest_event:age_seconds or vector(0)",
            SECONDS,
            (("green", None), ("yellow", 1.0), ("red", 2.0)),
        ),
        number(
            "Is it healthy? Services",
            "Those that answer, among those that are asked.",
            "sum(up) / count(up)",
            RATIO,
            UP_IS_GOOD,
        ),
        number(
            "Alerts",
            "That fire now, silenced or not.",
            'count(ALERTS{alertstate="firing"}) or vector(0)',
            NUMBER,
            NONE_IS_GOOD,
        ),
    )
