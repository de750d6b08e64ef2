"""One import, from a file to the tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Generic, TextIO

from django.db import transaction

from listings.importing.format import Format, Row
from listings.importing.reading import BadRow, opened, require
from listings.importing.stage import Group, Stage
from listings.importing.upsert import Outcome, upsert
from listings.progress import shown

BATCH = 2_000  # listings of one transaction


@dataclass
class Summary:
    """What an import did. `rows` and `bad` count lines of the file, `outcomes` listings."""

    rows: int = 0
    bad: int = 0
    repeated: int = 0  # rows that a later line about the same moment replaced
    outcomes: Counter[Outcome] = field(default_factory=Counter)


@dataclass(frozen=True)
class Transfer(Generic[Row]):
    """An import to be done. `complain` is told of each bad row: its line, and why."""

    path: Path
    format: Format[Row]
    as_sold: bool
    dry_run: bool
    complain: Callable[[int, str], None]
    log: TextIO | None = None  # where progress is shown; none: standard error

    def run(self) -> Summary:
        """Read the whole file, then write its listings batch by batch.

        Raises:
            FileError: before anything is written.
            django.db.Error: the database refuses a batch; those before it are kept.
        """
        summary = Summary()
        with Stage(self.format.row_type) as stage:
            self._read(stage, summary)
            self._write(stage, summary)
        return summary

    def _read(self, stage: Stage[Row], summary: Summary) -> None:
        size = self.path.stat().st_size if self.path.is_file() else 0
        with (
            opened(self.path) as (raw, lines, header),
            shown("bytes read", size, self.log) as progress,
        ):
            require(header, self.format.fields, self.path)
            position = 0
            for number, fields in lines:
                summary.rows += 1
                try:
                    if isinstance(fields, BadRow):
                        raise fields
                    row = self.format.parse(fields)
                except BadRow as reason:
                    summary.bad += 1
                    self.complain(number, str(reason))
                else:
                    stage.add(*self.format.identify(row), number, row)
                if raw.tell() != position:
                    progress(raw.tell() - position)
                    position = raw.tell()

    def _write(self, stage: Stage[Row], summary: Summary) -> None:
        groups = stage.groups()
        with shown("listings compared", stage.count(), self.log) as progress:
            for batch in iter(lambda: list(islice(groups, BATCH)), []):
                self._write_batch(batch, summary)
                progress(len(batch))

    def _write_batch(self, batch: list[Group[Row]], summary: Summary) -> None:
        listings = [self.format.listing(group.rows, self.as_sold) for group in batch]
        with transaction.atomic():
            outcomes = upsert(listings, self.format.columns)
            if self.dry_run:
                transaction.set_rollback(True)
        for group, listing in zip(batch, listings, strict=True):
            outcome = outcomes[listing.property.listing_key]
            summary.outcomes[outcome] += 1
            summary.repeated += group.repeated
            if outcome is Outcome.CLASH:
                key = listing.property.listing_key
                self.complain(group.line, f"key {key} is that of a listing from elsewhere")
