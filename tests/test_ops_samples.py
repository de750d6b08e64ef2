"""What the operators' page makes of samples, in the browser: rates, quantiles, scales."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

SCRIPTS = Path(__file__).resolve().parent.parent / "monitoring" / "static" / "monitoring"
Json = dict[str, Any]
ASKED = "listings_http_requests_total"
LAG = {"0.1": 50, "0.2": 90, "0.5": 98, "+Inf": 100}


@pytest.fixture(scope="module")
def scripts(browser: Browser) -> Iterator[Page]:
    """A blank page with the functions of the operators' page."""
    page = browser.new_page()
    for name in ("samples", "signals", "chart"):
        page.add_script_tag(path=SCRIPTS / f"{name}.js")
    yield page
    page.close()


def sample(at: float, **targets: Json | None) -> Json:
    """An answer of `samples.json`; a target of none is away."""
    return {
        "at": at,
        "targets": [
            {
                "name": name,
                "samples": {
                    metric: [[labels.split("|"), value] for labels, value in series.items()]
                    for metric, series in (told or {}).items()
                },
            }
            for name, told in targets.items()
        ],
    }


def asked(hits: float, misses: float = 0) -> Json:
    return {ASKED: {"hit|200": hits, "miss|200": misses}}


def risen(scripts: Page, *answers: Json, seconds: float = 60) -> dict[str, float]:
    return scripts.evaluate(
        "([seconds, answers, name]) => { const samples = new Samples(seconds);"
        " for (const one of answers) samples.add(one); return samples.rise(name) }",
        [seconds, list(answers), ASKED],
    )


# ---- counters ----
def test_counter_rises_by_what_all_processes_have_counted_since(scripts):
    first = sample(0, one=asked(100, 10), two=asked(5))
    last = sample(2, one=asked(103, 11), two=asked(9))
    assert risen(scripts, first, last) == {"hit|200": 7, "miss|200": 1}


def test_process_that_started_again_counts_from_zero(scripts):
    first, last = sample(0, one=asked(100)), sample(2, one=asked(4))
    assert risen(scripts, first, last)["hit|200"] == 4


def test_process_that_is_new_counts_from_its_first_sample(scripts):
    first = sample(0, one=asked(100))
    second = sample(2, one=asked(100), two=asked(1000))
    third = sample(4, one=asked(100), two=asked(1003))
    assert risen(scripts, first, second)["hit|200"] == 0
    assert risen(scripts, first, second, third)["hit|200"] == 3


def test_series_that_appears_in_a_known_process_counts_from_zero(scripts):
    first, last = sample(0, one={ASKED: {"hit|200": 1}}), sample(2, one=asked(1, 3))
    assert risen(scripts, first, last) == {"hit|200": 0, "miss|200": 3}


def test_what_was_counted_while_a_process_was_away_is_not_lost(scripts):
    answers = (sample(0, one=asked(1)), sample(2, one=None), sample(4, one=asked(8)))
    assert risen(scripts, *answers)["hit|200"] == 7


def test_only_the_window_counts(scripts):
    answers = [sample(at, one=asked(at * 10)) for at in range(0, 12, 2)]
    assert risen(scripts, *answers, seconds=4)["hit|200"] == 40


def test_gauge_of_a_process_that_is_away_is_nothing(scripts):
    told = {"listings_dead_letters": {"": 3}}
    gauge = "samples.gauge('listings_dead_letters')"
    assert read(scripts, gauge, sample(0, one=told)) == {"": 3}
    assert read(scripts, gauge, sample(0, one=told), sample(2, one=None)) == {}


# ---- quantiles, as https://prometheus.io/docs/prometheus/latest/querying/functions/ has them ----
@pytest.mark.parametrize(
    ("q", "buckets", "expected"),
    [
        (0.5, LAG, 0.1),
        (0.25, LAG, 0.05),  # the lowest bucket begins at 0
        (0.7, LAG, 0.15),
        (0.94, LAG, 0.35),
        (0.99, LAG, 0.5),  # beyond the last bound nothing is known
        (0.5, {"0.1": 0, "0.2": 0, "+Inf": 0}, None),
        (0.99, {"0.1": 0, "0.2": 4, "+Inf": 4}, 0.199),
        (0.5, {}, None),
    ],
)
def test_quantile_is_that_of_prometheus(scripts, q, buckets, expected):
    found = scripts.evaluate("([q, buckets]) => quantile(q, buckets)", [q, buckets])
    assert found == (expected if expected is None else pytest.approx(expected))


# ---- what is read from them ----
def read(scripts: Page, what: str, *answers: Json) -> Any:
    return scripts.evaluate(
        f"(answers) => {{ const samples = new Samples(60);"
        f" for (const one of answers) samples.add(one); return {what}; }}",
        list(answers),
    )


def test_hit_ratio_of_a_layer_is_hits_among_what_was_looked_up(scripts):
    def reads(scale: int) -> Json:
        series = {
            "near|hit": 90,
            "near|miss": 10,
            "page|hit": 5,
            "page|stale": 1,
            "page|stored": 3,
            "page|unstored": 1,
            "page|bypass": 50,
            "queryset|bypass": 1,
        }
        return {"listings_cache_reads_total": {key: n * scale for key, n in series.items()}}

    found = read(scripts, "hitRatios(samples)", sample(0, web=reads(1)), sample(2, web=reads(2)))
    assert found == {"near": 0.9, "page": 0.6, "queryset": None}


def test_error_of_visitors_makes_its_tile_bad(scripts):
    def told(errors: int) -> Json:
        return {ASKED: {"hit|200": 100 + errors, "none|503": errors}}

    tile = "TILES.find((one) => one.title === 'Requests').read(samples)"
    first = sample(0, web=told(0))
    assert read(scripts, tile, first, sample(2, web=told(0)))[1:] == ["good", "none fails"]
    assert read(scripts, tile, first, sample(2, web=told(4)))[1:] == ["bad", "2/s fail"]


@pytest.mark.parametrize(("seconds", "state"), [(0.05, "good"), (0.2, "warn"), (0.9, "bad")])
def test_slow_answers_change_the_state_of_their_tile(scripts, seconds, state):
    def told(number: int) -> Json:
        bounds = (0.1, 0.25, 1, float("inf"))
        counts = {
            ("+Inf" if bound == float("inf") else str(bound)): number * (seconds <= bound)
            for bound in bounds
        }
        return {"listings_http_request_duration_seconds_bucket": counts}

    tile = "TILES.find((one) => one.title === 'Answered, p99').read(samples)"
    assert read(scripts, tile, sample(0, web=told(0)), sample(2, web=told(10)))[1] == state


def test_tile_of_which_nobody_tells_says_so(scripts):
    tiles = "TILES.map((one) => one.read(samples, 0))"
    assert {tuple(tile) for tile in read(scripts, tiles, sample(0, one=None))} == {
        (None, "unknown", "not told")
    }


@pytest.mark.parametrize("value", [0, 1])
def test_server_that_is_away_is_a_bad_condition(scripts, value):
    found = read(scripts, "conditions(samples)", sample(0, one={"listings_broker_up": {"": value}}))
    assert ["Broker", *(["answers", "good"] if value else ["away", "bad"])] in found
    assert ["Database", "not told", "unknown"] in found


# ---- scales and units ----
@pytest.mark.parametrize(
    ("unit", "most", "ticks"),
    [
        ("number", 1, ["0", "1"]),
        ("number", 7, ["0", "2", "4", "6", "8"]),
        ("bytes", 1.9 * 2**20, ["0 B", "512 KiB", "1 MiB", "1.5 MiB", "2 MiB"]),
        ("rate", 11.6, ["0/s", "5/s", "10/s", "15/s"]),
        ("ratio", 1, ["0 %", "25 %", "50 %", "75 %", "100 %"]),
        ("seconds", 1e-4, ["0 ms", "25 µs", "50 µs", "75 µs", "100 µs"]),
        ("seconds", 2, ["0 ms", "500 ms", "1 s", "1.5 s", "2 s"]),
    ],
)
def test_ticks_are_numbers_that_people_count_in(scripts, unit, most, ticks):
    drawn = "([unit, most]) => linear(0, most, 4, unit).ticks.map(UNITS[unit])"
    assert scripts.evaluate(drawn, [unit, most]) == ticks


def test_line_breaks_where_nothing_was_told(scripts):
    history = [
        {"at": at, "points": {"a": value}}
        for at, value in ((0, 1), (2, 2), (4, None), (6, 3), (30, 4), (32, 5))
    ]
    drawn = "(history) => path(history, (points) => points.a, (x) => x, (y) => y)"
    assert scripts.evaluate(drawn, history) == ("M0.0 1.0h0L2.0 2.0M6.0 3.0h0M30.0 4.0h0L32.0 5.0")
