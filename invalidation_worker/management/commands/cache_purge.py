from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import redis
from django.core.management.base import BaseCommand, CommandError

from listings.cache.store import store


class Command(BaseCommand):
    help = "Take entries out of the cache. Visitors then fill it again from the database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--all", action="store_true", help="every entry of every layer")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            store("pipeline").flush()
        except redis.RedisError as error:
            raise CommandError(f"The cache server does not answer: {error}") from error
        self.stdout.write("The cache is empty.")
