"""Small files that only their owner can read, replaced in one step."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SECRET_BYTES = 32


def replace(path: Path, text: str) -> None:
    """Writes the file with mode 0600; a reader sees the old text or the new one, never a part."""
    with _written_beside(path, text) as new:
        new.replace(path)


def read_or_create(path: Path) -> str:
    """The secret in the file; a random one is made if there is none.

    Processes that create it at the same moment all get the same secret.
    """
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    with _written_beside(path, secrets.token_hex(SECRET_BYTES)) as new, suppress(FileExistsError):
        os.link(new, path)  # unlike a rename, a link never replaces the winner's file
    return path.read_text().strip()


@contextmanager
def _written_beside(path: Path, text: str) -> Iterator[Path]:
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        yield new
    finally:
        new.unlink(missing_ok=True)
