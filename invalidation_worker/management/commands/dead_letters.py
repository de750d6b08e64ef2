"""`manage.py dead_letters`: events that could not be decided, and what was dropped for them."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import IO, Any, cast

import msgspec
from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from rich.console import Console
from rich.table import Table
from rich.text import Text

from invalidation_worker.models import DeadLetter

PLAIN_WIDTH = 120  # columns of a table that goes to a file or a pipe
LARGEST_ID = 2**63 - 1  # of a row
NONE = "There are no dead letters."


class Command(BaseCommand):
    """Nothing waits for them: their entries were dropped when they were found."""

    help = (
        "List the events that could not be decided, with the reason and what was dropped for "
        "each, or drop those that have been read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="what could not be decided, the newest first")
        listing.add_argument("--json", action="store_true", help="print JSON for machines")
        dropping = actions.add_parser("drop", help="forget letters, once they have been read")
        dropping.add_argument("ids", nargs="*", type=int, metavar="ID", help="as `list` gives it")
        dropping.add_argument("--all", action="store_true", help="every letter there is")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            if action == "drop":
                self._drop(options["ids"], options["all"])
            else:
                self._list(options["json"])
        except Error as error:
            raise CommandError(f"The database refused: {error}") from error

    def _list(self, as_json: bool) -> None:
        letters = list(DeadLetter.objects.all())
        if as_json:
            plain = [_plain(letter) for letter in letters]
            self.stdout.write(msgspec.json.format(msgspec.json.encode(plain), indent=2).decode())
        elif letters:
            out = cast("IO[str]", self.stdout)
            Console(file=out, width=None if out.isatty() else PLAIN_WIDTH).print(_table(letters))
        else:
            self.stdout.write(NONE)

    def _drop(self, ids: list[int], every: bool) -> None:
        if bool(ids) == every:
            raise CommandError("Name the letters to drop, or give --all.")
        found = {letter.pk: letter for letter in _find(ids, every)}
        if unknown := sorted(set(ids) - set(found)):
            names = ", ".join(map(str, unknown))
            raise CommandError(f"Nothing was dropped: there is no dead letter {names}.")
        for pk, letter in found.items():
            letter.delete()
            self.stdout.write(f"Dropped {pk}: {letter}")
        if not found:
            self.stdout.write(NONE)


def _find(ids: list[int], every: bool) -> list[DeadLetter]:
    if every:
        return list(DeadLetter.objects.all())
    possible = [one for one in ids if 0 < one <= LARGEST_ID]
    return list(DeadLetter.objects.filter(pk__in=possible))


def _plain(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.pk,
        "event": letter.event_id,
        "table": letter.table_name,
        "operation": letter.operation,
        "before": letter.before,
        "after": letter.after,
        "logged_at": letter.logged_at,
        "buried_at": letter.dropped_at,
        "reason": letter.reason,
        "dropped_partitions": letter.partitions,  # null: everything
    }


def _table(letters: list[DeadLetter]) -> Table:
    table = Table(caption="Their entries are dropped already. Times are UTC.")
    for name in ("id", "event", "what", "written", "reason", "dropped for it"):
        table.add_column(name, overflow="fold")
    for letter in letters:
        what = f"{letter.operation} of {letter.table_name}"
        written = f"{letter.logged_at:%Y-%m-%d %H:%M:%S}"
        cells = (str(letter.pk), str(letter.event_id), what, written, letter.reason, letter.dropped)
        # As Text: a reason may hold brackets, which rich would take for markup.
        table.add_row(*map(Text, cells))
    return table
