"""Writes `dashboards/*.json`, which Grafana reads; a test compares them with the code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from monitoring.grafana.cache import cache
from monitoring.grafana.overview import overview
from monitoring.grafana.pipeline import pipeline
from monitoring.grafana.redis import redis
from monitoring.grafana.web import web

FOLDER = Path(__file__).resolve().parent / "dashboards"


def documents() -> Iterator[tuple[Path, str]]:
    """Each file and its text."""
    for made in (overview, cache, pipeline, web, redis):
        text = json.dumps(made().build(), cls=JSONEncoder, indent=1, ensure_ascii=False)
        yield FOLDER / f"{made.__name__}.json", f"{text}\n"


def main() -> None:
    for path, text in documents():
        path.write_text(text)


if __name__ == "__main__":
    main()
