"""Web processes tell their metrics on ports of their own, and a new one takes the old one's."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest
import yaml
from django.conf import settings
from django.core.management import call_command

from listings.cache.near import Near
from listings.cache.trust import Trust
from listings.models import Property
from tests.conftest import apply_all
from tests.programs import program
from tests.scraping import Series, free_ports, scrape
from tests.services import Services
from tests.test_prometheus_rules import PROMETHEUS
from tests.waiting import eventually
from web import metrics_port
from web import services as web_services
from web.local_servers import ports
from web.metrics import WebProcess
from web.request_counts import RequestCounts

FIRST = 10  # from METRICS_PORT to the web processes' first
DETAIL = 'method="GET",view="property-detail"'
UNCACHED = "/robots.txt"  # never near, so Django counts it


@pytest.fixture
def two_workers(services) -> Services:
    services.variables = {"METRICS_PORT": str(free_ports(FIRST + 2)), "WEB_WORKERS": "2"}
    services.start("web")
    eventually(lambda: all(told(services)))
    return services


def web_ports(services: Services) -> range:
    first = int(services.variables["METRICS_PORT"]) + FIRST
    return range(first, first + 2)


def told(services: Services) -> list[Series]:
    """What each worker tells; nothing of one that does not answer."""
    return [scraped(port) for port in web_ports(services)]


def scraped(port: int) -> Series:
    try:
        return scrape(port)
    except OSError:
        return {}


def asked(found: Mapping[str, float], what: str) -> float:
    return sum(
        number
        for name, number in found.items()
        if name.startswith("listings_http_requests_total") and what in name
    )


def holder(port: int) -> psutil.Process:
    (found,) = {
        connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.laddr[1] == port and connection.status == psutil.CONN_LISTEN
    }
    return psutil.Process(found)


def test_requests_of_two_workers_add_up(two_workers):
    Property.objects.create(listing_key="A-1", list_price=1)
    apply_all()
    before = sum(asked(found, DETAIL) for found in told(two_workers))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: two_workers.get("/listings/A-1/"), range(200)))
    each = [asked(found, DETAIL) for found in told(two_workers)]
    assert sum(each) - before == 200
    assert holder(web_ports(two_workers)[0]) != holder(web_ports(two_workers)[1])


def test_metrics_are_not_on_the_sites_port(two_workers):
    assert two_workers.get("/metrics").status == 404


def test_respawned_worker_takes_the_dead_ones_port(two_workers):
    first, second = web_ports(two_workers)
    dead, other = holder(first), holder(second)
    dead.kill()
    eventually(lambda: not dead.is_running() or dead.status() == psutil.STATUS_ZOMBIE)
    eventually(lambda: scraped(first))
    assert holder(first) not in (dead, other)
    assert holder(second) == other


def test_reloaded_workers_take_the_old_ones_ports(two_workers):
    """On SIGHUP a new worker starts before the old one ends."""
    old = {holder(port) for port in web_ports(two_workers)}
    two_workers.processes["web"].send_signal(signal.SIGHUP)
    eventually(lambda: not any(process.is_running() for process in old))
    eventually(lambda: all(told(two_workers)))
    assert {holder(port) for port in web_ports(two_workers)}.isdisjoint(old)


def test_scrapes_under_load_neither_fail_nor_lose_requests(two_workers):
    rounds, each = 8, 100
    before = sum(asked(found, 'view="robots"') for found in told(two_workers))
    done = threading.Event()
    scrapes: list[list[Series]] = []

    def keep_scraping() -> None:
        while not done.is_set():
            scrapes.append([scrape(port) for port in web_ports(two_workers)])

    with ThreadPoolExecutor(rounds + 1) as pool:
        scraping = pool.submit(keep_scraping)
        visits = [
            pool.submit(lambda: [two_workers.get(UNCACHED).status for _ in range(each)])
            for _ in range(rounds)
        ]
        statuses = [status for visit in visits for status in visit.result(120)]
        done.set()
        scraping.result(30)
    assert statuses == [200] * rounds * each
    totals = [sum(asked(found, 'view="robots"') for found in one) - before for one in scrapes]
    assert totals == sorted(totals), "a counter fell"
    assert len(totals) > 1
    now = sum(asked(found, 'view="robots"') for found in told(two_workers))
    assert now - before == rounds * each


def test_taken_ports_are_passed_over_and_waited_for(monkeypatch, caplog):
    first = free_ports(2)
    monkeypatch.setattr(settings, "WEB_METRICS_PORTS", range(first, first + 2))
    monkeypatch.setattr(metrics_port, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(metrics_port, "COMPLAIN_SECONDS", 0.02)
    looks: list[object] = []
    look = metrics_port._first_free

    def look_and_tell(*where: Any) -> int | None:
        looks.append(where)
        return look(*where)

    monkeypatch.setattr(metrics_port, "_first_free", look_and_tell)
    collector = WebProcess(Near(0, Trust()), RequestCounts())
    with ports.bound(first):
        with ports.bound(first + 1):
            metrics_port.keep_telling(collector)
            eventually(lambda: "no metrics" in caplog.text)
            looks.clear()
            eventually(lambda: len(looks) > 3)
        eventually(lambda: scraped(first + 1))
    assert caplog.text.count("no metrics") == 1


def test_without_a_port_nothing_listens(monkeypatch):
    monkeypatch.setattr(settings, "WEB_METRICS_PORTS", ())
    before = threading.active_count()
    metrics_port.keep_telling(WebProcess(Near(0, Trust()), RequestCounts()))
    assert threading.active_count() == before


# ---- what Prometheus is told of them ----


def scraped_jobs(text: str) -> dict[str, list[str]]:
    return {
        job["job_name"]: [one for group in job["static_configs"] for one in group["targets"]]
        for job in yaml.safe_load(text)["scrape_configs"]
    }


def local_configuration(capsys) -> str:
    call_command("prometheus_config")
    return capsys.readouterr().out


def test_local_prometheus_asks_every_process_of_the_settings(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(settings, "METRICS_PORTS", {"relay": 7002})
    monkeypatch.setattr(settings, "WEB_METRICS_PORTS", range(7010, 7012))
    monkeypatch.setattr(settings, "OWN_HOST", "[::1]")
    assert scraped_jobs(local_configuration(capsys)) == {
        "web": ["[::1]:7010", "[::1]:7011"],
        "exporter": [f"[::1]:{settings.EXPORTER_PORT}"],
        "relay": ["[::1]:7002"],
        "prometheus": ["127.0.0.1:9090"],
    }


def test_local_prometheus_has_the_jobs_of_the_containers(monkeypatch, capsys):
    names = [name for name in web_services.commands() if name not in ("web", "exporter")]
    monkeypatch.setattr(settings, "METRICS_PORTS", {name: 9130 + n for n, name in enumerate(names)})
    monkeypatch.setattr(settings, "WEB_METRICS_PORTS", range(9140, 9142))
    containers = scraped_jobs((PROMETHEUS / "prometheus.yml").read_text())
    local = scraped_jobs(local_configuration(capsys))
    ports_of = {job: [one.rpartition(":")[2] for one in targets] for job, targets in local.items()}
    assert ports_of == {
        job: [one.rpartition(":")[2] for one in targets] for job, targets in containers.items()
    }


def test_local_configuration_pleases_promtool(capsys, tmp_path):
    path = tmp_path / "prometheus.yml"
    path.write_text(local_configuration(capsys))
    command = [program("promtool"), "check", "config", os.fspath(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rules found" in done.stdout
