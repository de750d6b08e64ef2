"""Grafana's dashboards: what the code says, valid, and about series that exist."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
import yaml

from monitoring.grafana.__main__ import FOLDER, documents
from tests.programs import program
from tests.test_prometheus_rules import RECORDS, RULES

PROVISIONING = FOLDER.parent / "provisioning"
DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
UIDS = {
    "listings-overview",
    "listings-cache",
    "listings-pipeline",
    "listings-web",
    "listings-redis",
}
# What Prometheus itself makes of scrapes and alerts.
OWN = {"up", "ALERTS"}


def panels() -> list[dict[str, Any]]:
    return [panel for dashboard in DASHBOARDS.values() for panel in dashboard["panels"]]


def expressions() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel["targets"]]


def series_named(expression: str) -> set[str]:
    """The series of an expression: words that are neither functions, labels, values nor words of
    the language.
    """
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]', " ", expression)
    bare = re.sub(r"\b(?:by|without|on|group_left|ignoring)\s*\([^)]*\)", " ", bare)
    words = re.findall(r"(?<![\w:.])([a-zA-Z_:][\w:]*)(?!\s*\(|[\w:])", bare)
    return set(words) - {"or", "and", "unless", "by", "bool"}


def test_files_are_what_the_code_makes():
    made = dict(documents())
    assert {path: path.read_text() for path in FOLDER.iterdir()} == made, (
        "run python -m monitoring.grafana"
    )


def test_uids_are_those_that_links_use():
    assert {dashboard["uid"] for dashboard in DASHBOARDS.values()} == UIDS


def test_panels_ask_the_provisioned_source_and_say_what_they_show():
    (source,) = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    for panel in panels():
        assert panel["description"], panel["title"]
        asked = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert {one["uid"] for one in asked} == {source["uid"]}


def test_overview_is_one_screen():
    ends = [
        panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in DASHBOARDS["overview"]["panels"]
    ]
    assert max(ends) <= 20  # rows of 30 px and 8 between: 760 px


def test_expressions_are_valid(tmp_path):
    rules = [
        {"record": f"expression:{place}", "expr": expression}
        for place, expression in enumerate(expressions())
    ]
    path = tmp_path / "expressions.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    command = [program("promtool"), "check", "rules", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_recorded_series_exist():
    named = set().union(*map(series_named, [*expressions(), *(rule["expr"] for rule in RULES)]))
    assert {name for name in named if ":" in name} <= set(RECORDS)
    assert {name for name in named if ":" not in name} - OWN, "nothing raw is asked"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('sum by (le) (rate(a_bucket{cache!="none"}[5m]))', {"a_bucket"}),
        ("x:y / on (view) group_left () sum(up) or vector(0)", {"x:y", "up"}),
    ],
)
def test_series_of_an_expression_are_found(expression, expected):
    assert series_named(expression) == expected
