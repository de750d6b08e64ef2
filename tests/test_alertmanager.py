"""Whom Alertmanager tells of what fires, and what it keeps silent: the real one, as configured."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request

import pytest
import yaml

from tests import servers
from tests.programs import program
from tests.test_prometheus_rules import ALERTS, PROJECT
from tests.waiting import eventually
from web.local_servers import Stage, ports

CONFIGURATION = PROJECT / "monitoring" / "alertmanager" / "alertmanager.yml"
SEVERITIES: dict[str, set[str]] = {}
for _alert in ALERTS:
    SEVERITIES.setdefault(_alert["alert"], set()).add(_alert["labels"]["severity"])


@pytest.fixture
def alertmanager(tmp_path):
    """The URL of an Alertmanager that knows of no alert yet."""
    port = ports.free_port()
    process = servers.guardian.spawn(
        [
            program("prometheus-alertmanager"),
            f"--config.file={CONFIGURATION}",
            f"--storage.path={tmp_path}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        Stage.CLIENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: _ready(url))
    yield url
    servers.guardian.end(process)


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


def tell(url: str, *alerts: tuple[str, str]) -> None:
    body = [{"labels": {"alertname": name, "severity": severity}} for name, severity in alerts]
    request = urllib.request.Request(
        f"{url}/api/v2/alerts", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as response:
        assert response.status == 200


def told(url: str) -> set[tuple[str, str, str]]:
    """Name, severity and receiver of the alerts that are not silent."""
    with urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=5) as response:
        alerts = json.load(response)
    assert all(alert["status"]["state"] != "unprocessed" for alert in alerts)
    return {
        (alert["labels"]["alertname"], alert["labels"]["severity"], receiver["name"])
        for alert in alerts
        if alert["status"]["state"] == "active"
        for receiver in alert["receivers"]
    }


@pytest.mark.parametrize(
    ("cause", "effects"),
    [
        ("CacheDown", ["BreakerOpen", "NoHits", "HitRatioLow", "HorizonStill", "LagHigh"]),
        ("RelayAbsent", ["HorizonStill", "ChangeLogStuck", "HitRatioLow"]),
        ("InvalidationWorkerAbsent", ["LagHigh"]),
        ("BrokerDown", ["LagHigh", "WarmingWorkerAbsent"]),
        ("DatabaseDown", ["ErrorBudgetBurning", "ChangeLogStuck", "TruthProbeDead"]),
    ],
)
def test_cause_is_told_and_what_follows_is_not(alertmanager, cause, effects):
    all_effects = [(effect, severity) for effect in effects for severity in SEVERITIES[effect]]
    tell(alertmanager, *all_effects, (cause, "critical"))
    eventually(lambda: told(alertmanager) == {(cause, "critical", "page")}, 10)


def test_what_no_other_alert_causes_is_told_beside_it(alertmanager):
    tell(alertmanager, ("CacheDown", "critical"), ("DeadLetters", "warning"))
    expected = {("CacheDown", "critical", "page"), ("DeadLetters", "warning", "notice")}
    eventually(lambda: told(alertmanager) == expected, 10)


def test_configuration_is_valid():
    subprocess.run(
        [program("amtool"), "check-config", str(CONFIGURATION)], check=True, capture_output=True
    )


def test_every_alert_that_is_named_exists():
    rules = yaml.safe_load(CONFIGURATION.read_text())["inhibit_rules"]
    matchers = [one for rule in rules for side in _sides(rule) for one in side]
    named = {
        name
        for matcher in matchers
        if matcher.startswith("alertname")
        for name in re.split(r"\||\s*=~?\s*", matcher.replace('"', ""))[1:]
    }
    assert len(named) > 10
    assert named <= set(SEVERITIES)


def _sides(rule: dict[str, list[str]]) -> tuple[list[str], list[str]]:
    return rule["source_matchers"], rule["target_matchers"]
