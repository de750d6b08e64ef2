"""Static files as browsers get them: under a name of their contents, packed, and kept for good."""

from __future__ import annotations

import gzip
import re
import urllib.request
from pathlib import Path

from tests.services import services_environment

NAMED_BY_CONTENTS = re.compile(r'"(/static/[\w./-]+\.[0-9a-f]{12}\.(css|js|svg))"')


def test_static_files_are_hashed_precompressed_and_immutable(services):
    services.start("web")
    collected = Path(services_environment()["STATIC_ROOT"])
    page = services.get("/").text
    paths = dict(NAMED_BY_CONTENTS.findall(page))
    assert len(paths) == page.count('"/static/')
    assert {"css", "js"} <= set(paths.values())
    for path, kind in paths.items():
        request = urllib.request.Request(services.url(path), headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request, timeout=30) as response:
            sent, headers = response.read(), response.headers
        assert {"public", "immutable"} <= set(headers["Cache-Control"].split(", "))
        if kind != "svg":  # ours is too small to become smaller
            assert headers["Content-Encoding"] == "gzip"
            assert (collected / f"{path.removeprefix('/static/')}.gz").read_bytes() == sent
            assert gzip.decompress(sent).decode() == services.get(path).text
