"""Prometheus' rules: valid, each tested by promtool, each alert with a runbook that exists."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.programs import program

PROJECT = Path(__file__).resolve().parent.parent
PROMETHEUS = PROJECT / "monitoring" / "prometheus"
UNIT_TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
RULES = [
    rule
    for path in sorted((PROMETHEUS / "rules").glob("*.yml"))
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]
RECORDS = sorted({rule["record"] for rule in RULES if "record" in rule})


def name_and_severity(alert: dict[str, Any]) -> tuple[str, str]:
    return alert["alert"], alert["labels"]["severity"]


def promtool(*arguments: str) -> str:
    done = subprocess.run(
        [program("promtool"), *arguments],
        cwd=PROMETHEUS,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def seconds(text: str) -> float:
    """Of a Prometheus duration such as `10m15s`."""
    parts = re.findall(r"(\d+)([smhd])", text)
    assert "".join(number + unit for number, unit in parts) == text
    words = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    return timedelta(**{words[unit]: int(number) for number, unit in parts}).total_seconds()


def expectations() -> list[tuple[str, str, float, float, set[str]]]:
    """Test, alert name, time, evaluation interval and the severities expected to fire then."""
    return [
        (
            f"{path.name}: {test['name']}",
            expected["alertname"],
            seconds(expected["eval_time"]),
            seconds(document["evaluation_interval"]),
            {alert["exp_labels"]["severity"] for alert in expected.get("exp_alerts", [])},
        )
        for path in UNIT_TESTS
        for document in [yaml.safe_load(path.read_text())]
        for test in document["tests"]
        for expected in test.get("alert_rule_test", [])
    ]


def anchors() -> set[str]:
    headings = re.findall(
        r"^#+ (.+)$", (PROJECT / "docs" / "operations.md").read_text(), re.MULTILINE
    )
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_configuration_and_rules_are_valid():
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml")
    promtool("check", "rules", *(str(path) for path in (PROMETHEUS / "rules").glob("*.yml")))


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_rules_do_what_their_unit_tests_say(path):
    promtool("test", "rules", str(path))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: "-".join(name_and_severity(alert)))
def test_alert_is_tested_where_it_fires_and_one_step_before(alert):
    name, severity = name_and_severity(alert)
    found = [one for one in expectations() if one[1] == name]
    fires = {(test, at, step) for test, _, at, step, fired in found if severity in fired}
    silent = {(test, at) for test, _, at, _, fired in found if severity not in fired}
    assert any((test, at - step) in silent for test, at, step in fires), (fires, silent)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: "-".join(name_and_severity(alert)))
def test_alert_says_what_is_wrong_and_what_to_do(alert):
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert page == "docs/operations.md"
    assert anchor == alert["alert"].lower()
    assert anchor in anchors()


@pytest.mark.parametrize("record", RECORDS)
def test_record_is_asked_for_by_a_unit_test(record):
    asked = [
        case["expr"]
        for path in UNIT_TESTS
        for test in yaml.safe_load(path.read_text())["tests"]
        for case in test.get("promql_expr_test", [])
        if case.get("exp_samples")
    ]
    assert any(re.search(rf"{re.escape(record)}(?![\w:])", expression) for expression in asked)
