"""A WSGI application that always gives one recorded response: the least that a hit can cost."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse


class Recorded(msgspec.Struct):
    """A response as it was sent."""

    status: str
    headers: list[tuple[str, str]]
    body: str  # in base64

    def save(self, path: Path) -> None:
        path.write_bytes(msgspec.json.encode(self))


def load(path: Path) -> Any:
    """The application that gives what is recorded there."""
    recorded = msgspec.json.decode(path.read_bytes(), type=Recorded)
    status, headers = recorded.status, recorded.headers
    body = [base64.b64decode(recorded.body)]

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, headers)
        return body

    return application


if name := os.environ.get("RECORDED_RESPONSE"):
    application = load(Path(name))
