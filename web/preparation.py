"""What `prepare_stack` has done, remembered: a second start need not wait for it to find nothing.

It is done if the code is the same to the byte, the database has just the migrations that it had
then, and the static files are those that were collected. Otherwise, and whenever this cannot be
found out, it is done again.
"""

from __future__ import annotations

import hashlib
import json
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import psycopg2

from web import local_stack, secret_file

CODE = ("manage.py", "web", "listings", "invalidation_worker", "monitoring")
REMEMBERED = "prepared.json"

_MIGRATIONS = "SELECT app, name FROM django_migrations ORDER BY app, name"
_EMPTY = "SELECT NOT EXISTS (SELECT FROM listings_property), NOT EXISTS (SELECT FROM auth_user)"


class Cursor(Protocol):
    """What Django's cursors and psycopg2's have in common."""

    def execute(self, sql: str) -> object: ...
    def fetchall(self) -> list[tuple[Any, ...]]: ...


def remember(cursor: Cursor, static: Path, var: Path = local_stack.VAR) -> None:
    """To be called when everything is ready, and not before."""
    var.mkdir(parents=True, exist_ok=True)
    secret_file.replace(var / REMEMBERED, json.dumps(_state(cursor, static)))


def is_done(
    database_url: str, static: Path, demo_listings: bool, var: Path = local_stack.VAR
) -> bool:
    """Whether `prepare_stack` would find nothing to do; `demo_listings` are wanted where none are.

    Of a database that cannot be asked, nothing is known: that is no.
    """
    try:
        remembered = json.loads((var / REMEMBERED).read_text())
        with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
            same = remembered == _state(cursor, static)
            return same and not _is_empty(cursor, demo_listings)
    except (FileNotFoundError, ValueError, psycopg2.Error):
        return False


def _state(cursor: Cursor, static: Path) -> dict[str, object]:
    cursor.execute(_MIGRATIONS)
    migrations = [list(row) for row in cursor.fetchall()]
    return {"code": _code(), "static": _static(static), "migrations": migrations}


def _is_empty(cursor: Cursor, demo_listings: bool) -> bool:
    cursor.execute(_EMPTY)
    ((no_listings, no_user),) = cursor.fetchall()
    return no_user or (demo_listings and no_listings)


def _code() -> str:
    """A digest of this project's files, of Python's version and of those of all packages."""
    digest = hashlib.sha256(sys.version.encode())
    for folder in sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
        for package in sorted(Path(folder).glob("*.dist-info")):
            digest.update(package.name.encode())
    for path in _files(*(local_stack.PROJECT / name for name in CODE)):
        if "__pycache__" not in path.parts:
            digest.update(str(path.relative_to(local_stack.PROJECT)).encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _static(folder: Path) -> str:
    """A digest of what is there: names, which hold that of the content, sizes and times."""
    digest = hashlib.sha256()
    for path in _files(folder):
        stat = path.stat()
        digest.update(f"{path.relative_to(folder)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _files(*roots: Path) -> Iterator[Path]:
    for root in roots:
        yield from sorted(path for path in (root, *root.rglob("*")) if path.is_file())
