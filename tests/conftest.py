"""Fixtures for tests on the real servers. `tests/servers.py` starts those."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pytest
from django.conf import settings as django_settings
from django.db import connection

from invalidation_worker.apply import apply_batch
from invalidation_worker.warmer import Warmer
from invalidation_worker.wishes import Wish
from listings.cache.breaker import breaker
from listings.cache.entries import Descriptor, Entry, Stored
from listings.cache.store import store
from listings.popularity import PageKey
from listings.site import PAGES
from tests.browser import browser  # noqa: F401 - a fixture
from tests.services import services, shared_services  # noqa: F401 - fixtures

# Somebody else is in the middle of something, or will be, as events wait and a worker may see them.
BUSY = """
    SELECT coalesce(bool_or(state <> 'idle' OR EXISTS (
        SELECT FROM invalidation_worker_changeevent
    )), false)
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type = 'client backend'
"""
PLAIN_STATIC = "django.contrib.staticfiles.storage.StaticFilesStorage"


@pytest.fixture(autouse=True)
def _static_files_without_collecting(settings):
    settings.STATIC_ROOT = None
    settings.STORAGES = {
        **django_settings.STORAGES,
        "staticfiles": {"BACKEND": PLAIN_STATIC},
    }


@pytest.fixture
def platform(transactional_db) -> Iterator[None]:
    """An empty database, change log and cache, with no transaction around the test."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM invalidation_worker_changeevent")
        cursor.execute("DELETE FROM invalidation_worker_deadletter")
    store("pipeline").flush()
    breaker.succeeded()
    yield
    _let_processes_finish()


def _let_processes_finish() -> None:
    """Give processes that tests share 5 s to apply what this one has written: who still does when
    pytest-django empties the tables may deadlock with it.
    """
    deadline = time.monotonic() + 5
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(BUSY)
            if not cursor.fetchone()[0]:
                break
            time.sleep(0.02)


def page_entry(page: PageKey) -> Entry:
    """The entry of a page, given as its name and its arguments in canonical form."""
    name, arguments = page
    found = PAGES[name]
    return found._entry(found._subject.from_text(arguments))


def stored_page(page: PageKey) -> Stored | None:
    """What the cache holds of a page, asked around all that fills and counts."""
    entry = page_entry(page)
    raw = store("pipeline").client.get(f"v:{{{entry.partition}}}:{entry.digest}")
    return Stored.decode(raw) if isinstance(raw, bytes) else None


def apply_all() -> int:
    """What the worker does until the change log is empty; returns how many events that were."""
    applied = 0
    while number := apply_batch().events:
        applied += number
    return applied


def warm(pages: Iterable[Descriptor]) -> None:
    """What the warming worker does with dropped pages, here and now and wanted or not."""
    warmer = Warmer()
    for page in pages:
        until = datetime.now(UTC)
        warmer._fill(Wish((page.name, page.arguments), until, time.monotonic()))
