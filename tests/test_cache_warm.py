"""`manage.py cache_warm`: which pages it fills, and how it goes on where it was interrupted."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from invalidation_worker.horizon import Horizon
from invalidation_worker.management.commands import cache_warm as cache_warm_module
from invalidation_worker.top_pages import top_pages
from listings.cache import trust as trust_module
from listings.cache.store import Lease, store
from listings.models import PagePopularity, Property
from listings.popularity import PageKey
from tests import servers
from tests.conftest import apply_all, page_entry, stored_page
from tests.services import services_environment
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("platform")

HOME, EVERYTHING = ("home", ""), ("property_list", "")
KENT, RENTON = ("property_list", "city=kent"), ("property_list", "city=renton")
DETAILS = [("property_detail", f"A-{number}") for number in range(5)]  # the newest first
IN_KENT, IN_RENTON = ("city_page", "kent"), ("city_page", "renton")
ENTRANCES = [HOME, EVERYTHING, IN_KENT, KENT, IN_RENTON, RENTON, *DETAILS]


@pytest.fixture(autouse=True)
def inventory(platform, monkeypatch):
    # No relay runs, and on a busy machine a test may take longer than distrusted entries live.
    monkeypatch.setattr(trust_module, "OLDEST_SECONDS", 3600.0)
    monkeypatch.setattr(cache_warm_module, "TRUST_SECONDS", 0.0)
    for number in range(5):
        Property.objects.create(
            listing_key=f"A-{number}",
            list_price=1,
            city="Renton" if number == 0 else "Kent",
            original_entry_timestamp=timezone.now() - timedelta(days=number),
        )
    Property.objects.create(listing_key="gone", list_price=1, standard_status="Withdrawn")
    apply_all()


def want(*pages: PageKey) -> None:
    """Visitors want these, each one less than the one before."""
    for rank, (name, arguments) in enumerate(pages):
        until = timezone.now() + timedelta(hours=20 - rank)
        PagePopularity.objects.create(name=name, arguments=arguments, wanted_until=until)


def cache_warm(*options: str) -> str:
    out = io.StringIO()
    call_command("cache_warm", *options, stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


def is_filled(page: PageKey) -> bool:
    return stored_page(page) is not None


# ---- which pages ----


def test_most_wanted_pages_come_first_and_then_those_where_visits_begin():
    want(DETAILS[3], RENTON)
    assert top_pages(1) == [DETAILS[3]]
    assert top_pages(4) == [DETAILS[3], RENTON, HOME, EVERYTHING]
    rest = [page for page in ENTRANCES if page not in (DETAILS[3], RENTON)]
    assert top_pages(100) == [DETAILS[3], RENTON, *rest]


def test_first_deploy_warms_where_visits_begin():
    assert top_pages(100) == ENTRANCES
    assert cache_warm("--top", "4") == "4 filled, 0 there already, 0 failed."
    assert [is_filled(page) for page in ENTRANCES[:5]] == [True] * 4 + [False]


def test_pages_of_an_older_release_are_left_out():
    want(("former_page", ""), KENT)
    assert top_pages(2) == [KENT, HOME]


def test_every_page_is_what_a_visitor_asks_for(client):
    cache_warm("--top", "100")
    for path in ("/", "/listings/", "/listings/?city=Kent", "/listings/A-4/"):
        assert client.get(path)["Cache-Status"] == "listings; hit"


# ---- going on ----


def test_second_run_finds_what_the_first_has_filled():
    assert cache_warm("--top", "4") == "4 filled, 0 there already, 0 failed."
    assert cache_warm("--top", "6") == "2 filled, 4 there already, 0 failed."


def test_pages_are_left_alone_once_it_is_seen_that_changes_are_applied(monkeypatch):
    monkeypatch.setattr(trust_module, "OLDEST_SECONDS", 0.0)
    monkeypatch.setattr(trust_module.trust, "_moved_at", trust_module.NEVER)
    monkeypatch.setattr(cache_warm_module, "TRUST_SECONDS", 30.0)
    Horizon(store("pipeline")).beat(None, time.monotonic())  # vouches for the server: flushes it
    cache_warm_module.trust.look()
    Horizon(store("pipeline")).beat(None, time.monotonic())
    assert cache_warm("--top", "2") == "2 filled, 0 there already, 0 failed."
    assert cache_warm("--top", "2") == "0 filled, 2 there already, 0 failed."


def test_without_a_relay_a_run_says_why_it_fills_again(monkeypatch):
    monkeypatch.setattr(trust_module, "OLDEST_SECONDS", 0.0)
    monkeypatch.setattr(trust_module.trust, "_moved_at", trust_module.NEVER)
    errors = io.StringIO()
    for _ in range(2):
        call_command("cache_warm", "--top", "2", stdout=io.StringIO(), stderr=errors)
    assert "is the relay running?" in errors.getvalue()


def test_page_that_a_visitor_is_filling_is_not_waited_for():
    assert isinstance(store().lease(page_entry(HOME)), Lease)
    assert cache_warm("--top", "2") == "1 filled, 1 there already, 0 failed."


def test_page_that_cannot_be_filled_is_counted_and_the_others_are_filled(caplog):
    want(("property_list", "page=none"), KENT)
    assert cache_warm("--top", "2") == "1 filled, 0 there already, 1 failed."
    assert "cannot fill property_list page=none" in caplog.text
    assert is_filled(KENT)


def test_interrupted_run_says_how_far_it_came_and_the_next_one_continues():
    process = subprocess.Popen(
        [sys.executable, "manage.py", "cache_warm", "--top", "9", "--rate", "2"],
        cwd=settings.BASE_DIR,
        env=services_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        # The home page has two queryset entries: the next page is under way.
        eventually(lambda: len(store("pipeline").client.keys("v:*")) > 3)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    found = re.search(r"Interrupted: (\d) filled, 0 there already, 0 failed\. Run it again", errors)
    assert found, errors
    filled = int(found[1])
    assert 1 <= filled < 9
    # It is given back, unless the signal came in the instant between being granted and used.
    eventually(lambda: not store("pipeline").client.keys("l:*"))
    second = cache_warm("--top", "9")
    # One more, if it was interrupted between a fill and its counting.
    assert second in {
        f"{9 - there} filled, {there} there already, 0 failed." for there in (filled, filled + 1)
    }


def test_rate_is_not_exceeded_and_filled_pages_do_not_count():
    started = time.monotonic()
    cache_warm("--top", "2", "--rate", "0.5")
    assert time.monotonic() - started >= 2 / 0.5
    started = time.monotonic()
    assert cache_warm("--top", "2", "--rate", "0.01") == "0 filled, 2 there already, 0 failed."
    assert time.monotonic() - started < 100  # one page at this rate


# ---- errors ----


@pytest.mark.parametrize("outage", ["stop", "freeze"])
def test_cache_away_is_a_clear_error(cache_server, outage):
    getattr(cache_server, outage)()
    with pytest.raises(CommandError, match=r"^The cache server does not answer: ") as raised:
        cache_warm("--top", "3")
    assert servers.stack.cache.password not in str(raised.value)


def test_database_away_is_a_clear_error(database_server):
    connection.close()
    database_server.stop()
    try:
        with pytest.raises(CommandError, match=r"^The database does not answer: ") as raised:
            cache_warm("--top", "3")
    finally:
        connection.close()
    assert servers.stack.database.password not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--top", "0"], "'0' is not a whole number from 1 to 100000"),
        (["--top", "1" + "0" * 5000], "00' is not a whole number from 1 to 100000"),
        (["--top", "many"], "'many' is not a whole number from 1 to 100000"),
        (["--top", "1", "--rate", "0"], "'0' is not a number of pages from 0.01 to 10000"),
        (["--top", "1", "--rate", "nan"], "'nan' is not a number of pages"),
        ([], "--top"),
    ],
)
def test_wrong_option_is_named_with_what_is_allowed(options, why):
    with pytest.raises(CommandError) as raised:
        cache_warm(*options)
    assert why in str(raised.value)
