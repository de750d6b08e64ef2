"""`manage.py import_listings`: listings from a file of somebody else's."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from rich.console import Console
from rich.table import Table

from listings.importing import king_county
from listings.importing.reading import FileError
from listings.importing.transfer import Summary, Transfer
from listings.importing.upsert import Outcome

FORMATS = {"king-county": king_county.FORMAT}


class Command(BaseCommand):
    help = (
        "Import listings from a CSV file, plain or gzipped. Doing it again changes nothing, and "
        "completes an import that was interrupted. A listing that was modified here after the "
        "date in the file is left alone. Bad rows are reported and do not stop the rest."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--format", choices=FORMATS, required=True, help="what the rows mean")
        parser.add_argument(
            "--dry-run", action="store_true", help="do everything, then take it back"
        )
        parser.add_argument(
            "--as-sold",
            action="store_true",
            help="closed at the price and on the day of the latest sale, instead of active",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        started = monotonic()
        log = options.get("stderr")

        def complain(line: int, reason: str) -> None:
            # Looked up at each call: a progress bar replaces it, to print above itself.
            print(f"line {line}: {reason}", file=log or sys.stderr)

        transfer = Transfer(
            path=options["file"],
            format=FORMATS[options["format"]],
            as_sold=options["as_sold"],
            dry_run=options["dry_run"],
            complain=complain,
            log=log,
        )
        try:
            summary = transfer.run()
        except FileError as error:
            raise CommandError(f"{error}\nNothing was written.") from error
        except Error as error:
            raise CommandError(
                f"The database refused: {error}\nBatches before it are kept; run again to complete."
            ) from error
        self._report(summary, monotonic() - started)
        if options["dry_run"]:
            self.stdout.write("Dry run: nothing was written.")

    def _report(self, summary: Summary, seconds: float) -> None:
        table = Table("listings", "", title=f"{summary.rows:,} rows in {seconds:.1f} s")
        table.columns[1].justify = "right"
        count = summary.outcomes
        for label, number in (
            ("new", count[Outcome.NEW]),
            ("changed", count[Outcome.CHANGED]),
            ("unchanged", count[Outcome.UNCHANGED]),
            ("skipped (modified here later)", count[Outcome.SKIPPED]),
            ("skipped (repeated rows)", summary.repeated),
            ("bad rows", summary.bad + count[Outcome.CLASH]),
        ):
            table.add_row(label, f"{number:,}")
        console = Console(width=60)
        with console.capture() as text:
            console.print(table)
        self.stdout.write(text.get())
