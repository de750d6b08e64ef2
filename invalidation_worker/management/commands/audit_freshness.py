"""`manage.py audit_freshness`: are pages as fresh as promised, seen from outside?"""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit

import msgspec
import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from rich.console import Console

from invalidation_worker.freshness.audit import Audit, Plan, WrongSiteError
from invalidation_worker.freshness.faults import NoStackError
from invalidation_worker.freshness.pages import Unreadable
from invalidation_worker.freshness.report import Report, broken, report, show
from invalidation_worker.freshness.stage import AuditRunningError
from listings.progress import shown

PLAIN_WIDTH = 120  # columns of a table that goes to a file or a pipe
JUDGED = ("P1", "P2", "P3")
LOCAL = ("localhost", "127.0.0.1", "::1")


class Command(BaseCommand):
    help = (
        "Change known listings in every way while visitors read the site, and judge each response "
        "by how old it is. The listings are made for it and removed afterwards; while it runs, "
        "visitors see them among the newest and the dearest. Ends with an error when a promise is "
        "broken. Run it where the site runs: P1 is judged only while the processors of this "
        "machine are at most 75 % in use."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", type=_site, required=True, help="the site: http://host:port")
        parser.add_argument(
            "--seconds", type=_whole(1, 86_400), required=True, help="how long to write and read"
        )
        parser.add_argument(
            "--writers",
            type=_whole(1, 16),
            required=True,
            help="each writes about twice a second, to 28 listings of its own",
        )
        parser.add_argument(
            "--readers", type=_whole(1, 64), required=True, help="requests at the same time"
        )
        parser.add_argument(
            "--reads-per-second",
            type=_rate,
            default=100.0,
            help="of all readers together (default %(default)g); more than they can do shows the "
            "figures at saturation",
        )
        parser.add_argument(
            "--faults",
            action="store_true",
            help="kill and freeze the worker, the relay and the broker and flush the cache of the "
            "stack that `make run` runs in this folder",
        )
        parser.add_argument(
            "--seed", type=_whole(0, 2**31), default=1, help="of all chance (default %(default)s)"
        )
        parser.add_argument(
            "--judge",
            nargs="+",
            choices=JUDGED,
            default=list(JUDGED),
            metavar="PROMISE",
            help="which of P1, P2 and P3 end the command with an error (default: all)",
        )
        parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")

    def handle(self, *args: Any, **options: Any) -> None:
        plan = msgspec.convert({name: options[name] for name in Plan.__struct_fields__}, Plan)
        if plan.faults and urlsplit(plan.url).hostname not in LOCAL:
            raise CommandError("--faults disturbs the stack of this folder: give its --url")
        if options["json"] and not options["json"].parent.is_dir():
            raise CommandError(f"--json: there is no folder {options['json'].parent}")
        found = self._audit(plan)
        out = cast("IO[str]", self.stdout)
        show(found, Console(file=out, width=None if out.isatty() else PLAIN_WIDTH))
        if options["json"]:
            text = msgspec.json.format(msgspec.json.encode(found), indent=2)
            options["json"].write_bytes(text + b"\n")
        waived = set(JUDGED) - set(options["judge"])
        if names := [name for name in broken(found) if name[:2] not in waived]:
            raise CommandError(f"Broken: {', '.join(names)}")

    def _audit(self, plan: Plan) -> Report:
        project = Path(settings.BASE_DIR)
        try:
            with (
                _stopped_by_signals() as stopping,
                shown("seconds", plan.seconds) as progress,
            ):
                run = Audit(plan, project, stopping, progress).run()
        except Unreadable as error:
            raise CommandError(f"A page cannot be judged: {error}") from error
        except (AuditRunningError, NoStackError, WrongSiteError) as error:
            raise CommandError(str(error)) from error
        except redis.RedisError as error:
            raise CommandError(f"The cache could not be flushed: {error}") from error
        except Error as error:
            raise CommandError(f"The database refused: {error}") from error
        return report(plan, run)


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """The first Ctrl-C ends the audit in good order, with what it has seen until then."""
    stopping = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stopping.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _site(raw: str) -> str:
    parts = urlsplit(raw)
    is_site = parts.scheme in ("http", "https") and parts.hostname and not parts.path.strip("/")
    with suppress(ValueError):
        if is_site and parts.port != 0:  # raises beyond 65535, or of letters
            return f"{parts.scheme}://{parts.netloc}"
    raise ArgumentTypeError(f"{raw!r} is not a site such as http://127.0.0.1:8000")


def _rate(raw: str) -> float:
    try:
        rate = float(raw)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= 100_000:
        raise ArgumentTypeError(f"{raw!r} is not a rate such as 50 or 0.5")
    return rate


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(raw: str) -> int:
        try:
            number = int(raw)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise ArgumentTypeError(f"{raw!r} is not a whole number from {least} to {most}")
        return number

    return read
