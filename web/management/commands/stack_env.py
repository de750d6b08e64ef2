"""`manage.py stack_env`: the servers' addresses, for a shell."""

from __future__ import annotations

import shlex
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Lines `NAME='url'`, passwords included."""

    help = 'Print the servers\' URLs for a shell: set -a; eval "$(python manage.py stack_env)"'
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("DATABASE_URL", "CACHE_URL", "BROKER_URL"):
            self.stdout.write(f"{name}={shlex.quote(getattr(settings, name))}")
