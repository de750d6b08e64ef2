"""`manage.py cache_switch`: an operator's first resort when what is served looks wrong."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import redis
from django.core.management.base import BaseCommand, CommandError

from listings.cache.store import Switch, store
from listings.cache.trust import LOOK_SECONDS

MEANING = {
    Switch.NEAR: "the near caches in the memory of the web processes",
    Switch.ALL: "every cache: without them each page comes from the database",
}


class Command(BaseCommand):
    help = (
        "Switch caches off or on, in every process within half a second; without arguments, tell "
        "what is on. What is stored stays and is kept true meanwhile, so it can be switched on "
        "again at any time (`cache_purge --all` empties it). A restart of the cache server "
        "switches everything on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "what",
            nargs="?",
            type=Switch,
            choices=list(Switch),
            metavar="near|all",
            help="; ".join(f"{switch}: {meaning}" for switch, meaning in MEANING.items()),
        )
        parser.add_argument("state", nargs="?", choices=["on", "off"], metavar="on|off")

    def handle(self, *args: Any, what: Switch | None, state: str | None, **options: Any) -> None:
        if what and not state:
            raise CommandError(f"Say whether to switch {what} on or off")
        cache = store("pipeline")
        try:
            if what:
                cache.switch(what, on=state == "on")
            off = cache.horizon().off
        except redis.RedisError as error:
            raise CommandError(f"The cache server does not answer: {error}") from error
        for switch, meaning in MEANING.items():
            self.stdout.write(f"{switch:4} {'off' if switch in off else 'on':3} {meaning}")
        if what:
            self.stdout.write(f"Every process heeds it within {LOOK_SECONDS:g} s")
