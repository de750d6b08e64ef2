"""Every expression of the dashboards, asked of a real Prometheus that scrapes a running site."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import yaml

from listings.models import Property
from tests import servers
from tests.programs import program
from tests.services import Services
from tests.test_dashboards import OWN, expressions, series_named
from tests.test_prometheus_rules import PROMETHEUS, RULES
from tests.waiting import eventually
from web.local_servers import Stage, ports
from web.services import commands

FIRST_PORT = 9130  # of the metrics ports in prometheus.yml; tests have theirs elsewhere
EXPORTER_PORT = 9121
OWN_PORT = 9090
# There is nothing to divide while no request fails.
EMPTY_ON_A_GOOD_DAY = {'code=~"5.."'}
# Of three days one sample in five minutes is taken, when the clock shows a multiple of five.
EMPTY_AT_FIRST = {"listings:slo_burn:rate3d"}
# Absent by their nature: no change waits, and the tests' broker has no limit.
COME_AND_GO = {
    "listings_change_log_oldest_event_timestamp_seconds",
    "listings_broker_memory_max_bytes",
}
RECORDED: dict[str, set[str]] = {}
for _rule in RULES:
    if "record" in _rule:
        RECORDED.setdefault(_rule["record"], set()).update(series_named(_rule["expr"]))


def told_by_processes(expression: str) -> set[str]:
    """The series that an expression is made of in the end, recorded ones taken apart."""
    named = series_named(expression) - OWN
    return set().union(
        *(
            set().union(*map(told_by_processes, RECORDED[name])) if name in RECORDED else {name}
            for name in named
        )
    )


class Prometheus:
    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str, **parameters: str) -> list[Any]:
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=10) as answer:
                data = json.load(answer)["data"]
        except OSError:
            return []
        return data["result"] if isinstance(data, dict) else data

    def has(self, expression: str) -> bool:
        return bool(self.ask("query", query=expression))

    def names(self) -> set[str]:
        return set(self.ask("label/__name__/values"))


def configuration(base: int, exporter: int, own: int) -> str:
    """The project's own, with the ports of this test and ten times as eager."""
    given = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    moved = {EXPORTER_PORT: exporter, OWN_PORT: own}
    for job in given["scrape_configs"]:
        for group in job["static_configs"]:
            numbers = [int(target.rpartition(":")[2]) for target in group["targets"]]
            group["targets"] = [
                f"127.0.0.1:{moved.get(number, number - FIRST_PORT + base)}" for number in numbers
            ]
    return yaml.safe_dump(
        {
            "global": {
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "evaluation_interval": "1s",
            },
            "rule_files": [str(PROMETHEUS / "rules" / "*.yml")],
            "scrape_configs": given["scrape_configs"],
        }
    )


@pytest.fixture
def site(monkeypatch, services) -> Services:
    """All processes, telling their metrics."""
    monkeypatch.setenv("EXPORTER_PORT", str(ports.free_port()))
    monkeypatch.setenv("METRICS_PORT", str(_free_ports(20)))
    monkeypatch.setenv("WEB_WORKERS", "2")
    services.start(*commands())
    return services


@pytest.fixture
def prometheus(site, tmp_path):
    base, exporter = int(os.environ["METRICS_PORT"]), int(os.environ["EXPORTER_PORT"])
    path = tmp_path / "prometheus.yml"
    port = ports.free_port()
    path.write_text(configuration(base, exporter, port))
    process = servers.guardian.spawn(
        [
            program("prometheus"),
            f"--config.file={path}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        Stage.CLIENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield Prometheus(f"http://127.0.0.1:{port}")
    servers.guardian.end(process)


def test_every_expression_has_data(site, prometheus):
    _visit_and_change(site)
    eventually(lambda: prometheus.has("listings_cache_server_keyspace_hits_total"), 60)
    asked = {
        expression: told_by_processes(expression)
        for expression in [*expressions(), *(rule["expr"] for rule in RULES)]
    }
    wanted = set().union(*asked.values()) - COME_AND_GO
    _until_nothing_is_left(lambda: wanted - prometheus.names(), "told by no process")
    judged = [
        expression
        for expression in expressions()
        if not asked[expression] & COME_AND_GO
        and not any(part in expression for part in EMPTY_ON_A_GOOD_DAY | EMPTY_AT_FIRST)
    ]
    _until_nothing_is_left(
        lambda: {expression for expression in judged if not prometheus.has(expression)},
        "without data",
    )


def _until_nothing_is_left(left: Callable[[], set[str]], fault: str) -> None:
    deadline = time.monotonic() + 60
    while (remaining := left()) and time.monotonic() < deadline:
        time.sleep(0.5)  # what is asked scrapes once a second
    assert not remaining, f"{fault}: {sorted(remaining)}"


def _visit_and_change(site: Services) -> None:
    home = Property.objects.create(listing_key="A-1", city="Seattle", list_price=Decimal(500_000))
    for path in ("/listings/?city=Seattle", "/listings/A-1/"):
        eventually(lambda path=path: site.get(path).cache.startswith("listings; hit"))
    home.list_price = Decimal(400_000)
    home.save()
    eventually(lambda: "$400,000" in site.get("/listings/A-1/").text)


def _free_ports(number: int) -> int:
    """The first of so many ports in a row that nothing uses now."""

    def found() -> int:
        first = ports.free_port()
        return first if all(ports.is_free(first + place) for place in range(number)) else 0

    return eventually(found)
