"""`manage.py prepare_stack`: everything between running servers and the first page."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import redis
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from web import preparation

DEMO_USER = DEMO_PASSWORD = "admin"  # noqa: S105 - known on purpose, on this machine only
DEMO_SEED = 1  # the same listings on every machine


class Command(BaseCommand):
    """Migrations, static files, and in an empty database demo listings and a demo login."""

    help = "Make database and static files ready for the site"
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--demo-user",
            action="store_true",
            help=f"create the superuser {DEMO_USER}/{DEMO_PASSWORD} if there is no user at all",
        )

    def handle(self, *args: Any, demo_user: bool, **options: Any) -> None:
        _check_servers()
        call_command("check", verbosity=0)  # the services themselves do not
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        if settings.PRODUCTION:
            return
        if settings.DEMO_LISTINGS and not apps.get_model("listings", "Property").objects.exists():
            call_command("seed_listings", count=settings.DEMO_LISTINGS, seed=DEMO_SEED)
        users = get_user_model().objects
        if demo_user and not users.exists():
            users.create_superuser(DEMO_USER, password=DEMO_PASSWORD)
        with connection.cursor() as cursor:
            preparation.remember(cursor, settings.STATIC_ROOT)


def _check_servers() -> None:
    """Raises CommandError, naming the variable, if a server that was given does not answer."""
    try:
        connection.ensure_connection()
    except OperationalError as error:
        raise CommandError(f"The server of DATABASE_URL does not answer: {error}") from error
    for name in ("CACHE_URL", "BROKER_URL"):
        try:
            with redis.Redis.from_url(getattr(settings, name), socket_timeout=3) as client:
                client.ping()
        except redis.RedisError as error:
            raise CommandError(f"The server of {name} does not answer: {error}") from error
