"""What a source of listings has to say about itself to be imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from listings.records import HistoryRecord, MediaRecord, PropertyRecord

Row = TypeVar("Row", bound=Struct)


class Imported(NamedTuple):
    """One listing of a source. Media come with a new listing only: later they are the editors'."""

    property: PropertyRecord
    media: list[MediaRecord]
    history: list[HistoryRecord]


@dataclass(frozen=True, slots=True)
class Format(Generic[Row]):
    """One kind of file, whose rows tell of changes of listings."""

    fields: tuple[str, ...]  # the columns that a file must have; others are ignored
    columns: tuple[str, ...]  # of Property, which an import may change
    row_type: type[Row]
    parse: Callable[[dict[str, str]], Row]  # raises BadRow
    identify: Callable[[Row], tuple[str, datetime]]  # the source's key and when the change was
    listing: Callable[[Sequence[Row], bool], Imported]  # rows oldest first; whether it is sold
