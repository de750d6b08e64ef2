"""Grafana's own types of dashboards, asked by the TypeScript compiler about our files."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.test_dashboards import DASHBOARDS

FOLDER = Path(__file__).resolve().parent / "grafana_schema"
COMPILER = FOLDER / "node_modules" / "typescript" / "bin" / "tsc"


@pytest.fixture
def compile_files(tmp_path):
    """What the compiler says of these dashboards: nothing, if they are valid."""
    if shutil.which("node") is None or not COMPILER.exists():
        pytest.skip("Grafana's types are not installed: npm install in tests/grafana_schema")
    shutil.copy(FOLDER / "types.ts", tmp_path)
    (tmp_path / "node_modules").symlink_to(FOLDER / "node_modules")

    def compile_files(dashboards: dict[str, object]) -> str:
        for name, dashboard in dashboards.items():
            text = json.dumps(dashboard)
            source = 'import type { DashboardFile } from "./types";\n'
            source += f"export const dashboard: DashboardFile = {text};\n"
            (tmp_path / f"{name}.ts").write_text(source)
        done = subprocess.run(
            [
                *("node", str(COMPILER), "--noEmit", "--strict", "--skipLibCheck"),
                *("--module", "nodenext", "--moduleResolution", "nodenext"),
                *(f"{name}.ts" for name in dashboards),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    return compile_files


def test_dashboards_have_the_types_of_grafana(compile_files):
    assert compile_files(DASHBOARDS) == ""


def test_what_grafana_does_not_know_is_found(compile_files):
    colour, field = (json.loads(json.dumps(DASHBOARDS["overview"])) for _ in range(2))
    colour["panels"][0]["options"]["colorMode"] = "loud"
    field["refreshh"] = "10s"
    said = compile_files({"colour": colour, "field": field})
    assert "colour.ts" in said
    assert "field.ts" in said
