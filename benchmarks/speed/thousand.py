"""What caching saves: `python -m benchmarks.speed.thousand TIMES < addresses`.

Asks a site's WSGI application for each address in turn, so many times over, in one thread and
without a web server. Prints a list of `Thousand` as JSON, one for each time.
"""

from __future__ import annotations

import os
import sys
import time

import msgspec

from benchmarks.speed.plan import Thousand
from benchmarks.speed.profile import Asker

HIT = "listings; hit"


def main() -> None:
    times = int(sys.argv[1])
    paths: list[str] = msgspec.json.decode(sys.stdin.buffer.read())
    ask = Asker(application())
    from benchmarks.contestants import Queries  # noqa: PLC0415 - it needs Django's settings

    queries = Queries()
    found = []
    for _ in range(times):
        hits, before = 0, queries.number
        started, cpu = time.monotonic(), time.process_time()
        for path in paths:
            ask(path)
            hits += ask.header.startswith(HIT)
        seconds, used = time.monotonic() - started, time.process_time() - cpu
        found.append(Thousand("", len(paths), hits, queries.number - before, seconds, used))
    sys.stdout.write(msgspec.json.encode(found).decode())


def application() -> object:
    """Ours, or the ordinary site, as this process's settings say."""
    if os.environ["DJANGO_SETTINGS_MODULE"] == "benchmarks.settings":
        from web.wsgi import application as ours  # noqa: PLC0415 - it starts Django

        return ours
    from benchmarks.ordinary.wsgi import application as ordinary  # noqa: PLC0415

    return ordinary


if __name__ == "__main__":
    main()
