"""From a write to every page that shows it, through the real processes."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from invalidation_worker.models import ChangeEvent
from listings import popularity
from listings.models import Media, Property
from tests import servers
from tests.conftest import apply_all, stored_page
from tests.waiting import eventually

PIPELINE = ("invalidation-worker", "warming-worker", "relay")
LIST, DETAIL = "/listings/?city=Seattle", "/listings/A-1/"


@pytest.fixture
def home():
    return Property.objects.create(
        listing_key="A-1", city="Seattle", list_price=Decimal(500_000), unparsed_address="1 First"
    )


@pytest.fixture
def site(platform, shared_services, home):
    """All processes, with everything applied and both pages cached."""
    services = shared_services
    services.start_missing("web", *PIPELINE)
    eventually(lambda: not ChangeEvent.objects.exists(), 30)
    for path in (LIST, DETAIL):
        eventually(lambda path=path: services.get(path).cache.startswith("listings; hit"))
        assert shows(services, path, 500_000)
    return services


def shows(services, path: str, price: int) -> bool:
    return f"${price:,}" in services.get(path).text


def both_show(services, price: int) -> None:
    for path in (LIST, DETAIL):
        eventually(lambda path=path: shows(services, path, price))


def admin_form(client: Client) -> dict[str, str]:
    """The fields of the change form as a browser would send them back."""
    page = client.get("/admin/listings/property/A-1/change/")
    form = page.context["adminform"].form
    formsets = [inline.formset for inline in page.context["inline_admin_formsets"]]
    sent = {name: form[name].value() for name in form.fields}
    for formset in formsets:
        sent |= {
            f"{formset.prefix}-{name}": formset.management_form[name].value()
            for name in formset.management_form.fields
        }
    sent["original_entry_timestamp_0"] = "2026-01-05"
    sent["original_entry_timestamp_1"] = "10:00:00"
    return {name: value for name, value in sent.items() if value is not None and value is not False}


def save_in_admin(price: int) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("editor"))
    sent = {**admin_form(client), "list_price": str(price)}
    response = client.post("/admin/listings/property/A-1/change/", sent)
    assert response.status_code == 302, response.context["errors"]


def save_raw(price: int) -> None:
    connection.cursor().execute("UPDATE listings_property SET list_price = %s", [price])


def save_around_the_orm(price: int) -> None:
    Property.objects.update(list_price=price)


def save_model(price: int) -> None:
    Property.objects.get(pk="A-1").save()
    Property(pk="A-1", city="Seattle", list_price=price, unparsed_address="1 First").save()


@pytest.mark.parametrize("save", [save_in_admin, save_around_the_orm, save_raw, save_model])
def test_price_change_by_any_path_reaches_list_and_detail(site, save):
    save(654_321)
    both_show(site, 654_321)


def are_worth_filling(pages: list[popularity.PageKey]) -> bool:
    least = timezone.now() + popularity.WORTH_FILLING
    return [until >= least for until in popularity.wanted(pages).values()] == [True] * len(pages)


def test_invalidated_pages_that_visitors_want_are_warm_before_one_comes(site):
    pages = [("property_list", "city=seattle"), ("property_detail", "A-1")]
    eventually(lambda: are_worth_filling(pages))
    before = [stored_page(page) for page in pages]
    save_raw(654_321)
    for page, old in zip(pages, before, strict=True):
        eventually(lambda page=page, old=old: stored_page(page) not in (None, old))
    for path in (LIST, DETAIL):
        response = site.get(path)
        assert response.cache.startswith("listings; hit")
        assert "$654,321" in response.text


def test_rolled_back_change_leaves_the_cached_page_alone(site):
    with transaction.atomic():
        Property.objects.update(list_price=1)
        transaction.set_rollback(True)
    # Another listing's change goes through the whole pipeline after it.
    Property.objects.create(listing_key="A-2", city="Kent", list_price=5)
    eventually(lambda: "A-2" in site.get("/listings/?city=Kent").text)
    for path in (LIST, DETAIL):
        response = site.get(path)
        assert response.cache.startswith("listings; hit")
        assert "$500,000" in response.text


@pytest.mark.parametrize("outage", ["stop", "freeze"])
def test_without_a_broker_a_save_does_not_wait_and_its_change_shows(site, broker_server, outage):
    getattr(broker_server, outage)()
    started = time.monotonic()
    save_in_admin(654_321)
    assert time.monotonic() - started < 20  # Celery's own publish would not come back at all
    both_show(site, 654_321)


def test_rings_work_again_when_the_broker_is_back(site, broker_server):
    broker_server.stop()
    save_raw(600_000)
    both_show(site, 600_000)
    broker_server.start()
    site.end("relay")  # so that only a ring can bring the change
    eventually(lambda: rings_reach_the_worker(site), 30)


def rings_reach_the_worker(site) -> bool:
    price = 700_000 + threading.get_native_id() % 1000 + int(time.monotonic() * 10) % 1000
    save_model(price)
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        if not ChangeEvent.objects.exists():
            return shows(site, DETAIL, price)
        time.sleep(0.01)
    return False


def test_without_a_cache_pages_come_from_the_database_and_none_is_old_when_it_is_back(
    site, cache_server
):
    cache_server.stop()
    for path in (LIST, DETAIL):
        response = site.get(path)
        assert response.status == 200
        assert "hit" not in response.cache
    save_raw(654_321)
    for path in (LIST, DETAIL):
        assert shows(site, path, 654_321)
    cache_server.start()
    seen = set()

    def is_hit_again() -> bool:
        response = site.get(DETAIL)
        seen.update(re.findall(r"\$[\d,]+", response.text))
        return response.cache.startswith("listings; hit")

    eventually(is_hit_again)
    assert "$500,000" not in seen
    both_show(site, 654_321)


def test_change_shows_after_the_worker_was_killed_in_the_middle_of_applying_it(site):
    with ThreadPoolExecutor(1) as pool:
        locked, may_unlock = threading.Event(), threading.Event()

        def lock() -> None:
            with transaction.atomic():
                connection.cursor().execute("LOCK listings_property IN ACCESS EXCLUSIVE MODE")
                locked.set()
                may_unlock.wait(20)
            connection.close()

        Media.objects.create(media_key="M-0", property_id="A-1", media_url="/old.svg")
        eventually(lambda: "/old.svg" in site.get(DETAIL).text)
        locker = pool.submit(lock)
        locked.wait(10)
        # Apply asks in which city the listing is, and so stops at the lock, its claim in hand.
        connection.cursor().execute("UPDATE listings_media SET media_url = '/new.svg'")
        eventually(worker_waits_for_the_lock)
        site.end("relay")  # it would not wait for the worker's return
        site.kill("invalidation-worker")
        may_unlock.set()
        locker.result()
    assert ChangeEvent.objects.count() == 1
    assert "/old.svg" in site.get(DETAIL).text
    site.start("invalidation-worker", "relay")
    eventually(lambda: "/new.svg" in site.get(DETAIL).text, 30)
    eventually(lambda: not ChangeEvent.objects.exists())


def worker_waits_for_the_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


def test_two_hundred_simultaneous_requests_for_a_cold_page_fill_it_once(services, home):
    services.start("web")
    apply_all()
    # Nor is anybody else in the middle of applying: nothing is dropped from now on.
    eventually(lambda: not ChangeEvent.objects.exists())
    assert services.get("/listings/?city=Kent").status == 200  # connections are made
    # Of no test before: a warming worker that still runs fills what was wanted.
    cold = "/listings/?sort=-living_area&bedrooms_min=0"
    with ThreadPoolExecutor(200) as pool:
        pages = list(pool.map(services.get, [cold] * 200))
    assert {page.status for page in pages} == {200}
    came = Counter(page.cache.removesuffix("; detail=near") for page in pages)
    assert came == {"listings; fwd=miss; stored": 1, "listings; hit": 199}


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL], ids=["frozen", "killed"])
def test_change_shows_without_a_worker(site, number):
    worker = site.processes.pop("invalidation-worker")
    os.killpg(worker.pid, number)
    try:
        save_raw(654_321)
        both_show(site, 654_321)
    finally:
        servers.guardian.end(worker)
