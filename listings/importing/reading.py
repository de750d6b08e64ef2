"""Rows of a CSV file, gzipped or not, one at a time with the line on which each ends."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:  # the type of csv.reader() has no public name
    from _csv import Reader

_GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952


class FileError(Exception):
    """The file as a whole cannot be read; the message says why."""


class BadRow(Exception):
    """One row cannot be used; the message says why."""


class Line(NamedTuple):
    """One row. `fields` is the reason instead where the row has not the header's columns."""

    number: int
    fields: dict[str, str] | BadRow


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, Iterator[Line], list[str]]]:
    """The raw file (whose `tell` shows progress), its rows and its header.

    Raises:
        FileError: the file is not there, not readable, not CSV, or damaged further on.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            binary = gzip.GzipFile(fileobj=raw) if zipped else raw
            # A byte that is not UTF-8 spoils its own row, not the file.
            text = TextIOWrapper(binary, "utf-8-sig", errors="replace", newline="")
            reader = csv.reader(text, strict=True)
            header = [name.strip() for name in next(reader, [])]
            yield raw, _lines(reader, header), header
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise FileError(f"{path}: {error}") from error


def require(header: list[str], needed: tuple[str, ...], path: Path) -> None:
    """Refuse a file before anything of it is used.

    Raises:
        FileError: naming every column that is missing.
    """
    missing = [name for name in needed if name not in header]
    if missing:
        raise FileError(f"{path}: the header lacks {', '.join(missing)}")


def _lines(reader: Reader, header: list[str]) -> Iterator[Line]:
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(reader.line_num, BadRow(str(error)))
            continue
        if not values:
            continue  # an empty line
        if len(values) != len(header):
            reason = f"has {len(values)} columns where the header has {len(header)}"
            yield Line(reader.line_num, BadRow(reason))
        else:
            yield Line(reader.line_num, dict(zip(header, values, strict=True)))
