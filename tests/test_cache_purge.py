"""`manage.py cache_purge`: what is taken away is computed anew, and nothing else is."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from invalidation_worker import traces
from invalidation_worker.models import ChangeEvent
from listings.addresses import page_at
from listings.cache.entries import Entry, Header, Layer, value_key
from listings.cache.store import Lease, store
from listings.models import Property
from tests.conftest import apply_all
from tests.waiting import eventually

KENT, SEATTLE, CHEAP = (
    "/listings/?city=kent",
    "/listings/?city=seattle",
    "/listings/?city=seattle&list_price_max=600000",
)
PAGES = ["/", "/listings/", SEATTLE, CHEAP, KENT, "/listings/A-1/", "/listings/A-2/"]


@pytest.fixture
def site(platform, client):
    """Every page and all of its parts are cached, and show a price that is not true any more."""
    for key, city in (("A-1", "Seattle"), ("A-2", "Kent")):
        Property.objects.create(listing_key=key, city=city, list_price=Decimal(500_000))
    apply_all()
    store("pipeline").flush()
    for url in PAGES:
        assert "$500,000" in client.get(url).content.decode()
        # On a busy machine the cache may be left alone for a second.
        eventually(lambda url=url: client.get(url)["Cache-Status"] == "listings; hit")
    Property.objects.update(list_price=400_000)
    ChangeEvent.objects.all().delete()  # as if no trigger had seen it
    return client


def purge(*options: str) -> str:
    out = io.StringIO()
    call_command("cache_purge", *options, stdout=out)
    return out.getvalue()


def fresh(client) -> set[str]:
    """The pages that show the price as it is, and no page of which shows both."""
    found = set()
    for url in PAGES:
        page = client.get(url).content.decode()
        assert ("$400,000" in page) != ("$500,000" in page), url
        if "$400,000" in page:
            found.add(url)
    return found


@pytest.mark.parametrize("url", PAGES)
def test_purged_page_is_fresh_and_no_other_is(site, url):
    assert purge("--url", url).endswith(" entries went.\n")
    assert fresh(site) == {url}


def test_only_the_page_and_its_parts_go(site):
    gone = lost(lambda: purge("--url", SEATTLE))
    querysets = [
        Entry(Layer.QUERYSET, "cseattle", "window", "city=seattle"),
        Entry(Layer.QUERYSET, "cseattle", "count", "city=seattle"),
    ]
    assert gone == {key_of(entry) for entry in (page_at(SEATTLE)[1], *querysets)}


def key_of(entry: Entry) -> str:
    return value_key(entry.partition, entry.digest)


def lost(write) -> set[str]:
    """The keys of values that go while `write` runs."""

    def values() -> set[str]:
        return {key.decode() for key in store().client.scan_iter(match="v:*")}

    before = values()
    write()
    return before - values()


@pytest.mark.parametrize("url", PAGES)
def test_page_that_has_expired_is_fresh_too_though_its_parts_had_not(site, url):
    entry = page_at(url)[1]
    cache = store("pipeline")
    cache.client.delete(key_of(entry))
    cache.sweep([entry.partition], Layer.PAGE)
    purge("--url", url)
    assert url in fresh(site)


def test_fill_under_way_is_refused(site):
    url = "/listings/?city=seattle&page=2"
    entry = page_at(url)[1]
    lease = store().lease(entry)
    assert isinstance(lease, Lease)
    purge("--url", url)
    header = Header(as_of=lease.granted_at, expires_at=lease.granted_at + 10**9)
    assert not store().fill(entry, lease, header, b"old")


@pytest.mark.parametrize("name", ["Seattle", "seattle", " SEATTLE "])
def test_city_loses_its_lists_and_no_other_page(site, name):
    # two pages; the rows and the count of each
    assert purge("--city", name) == "6 entries went.\n"
    assert fresh(site) == {SEATTLE, CHEAP}


def test_city_that_is_not_cached_loses_nothing(site):
    assert purge("--city", "Bend") == "0 entries went.\n"
    assert fresh(site) == set()


def test_all_goes(site):
    number = len(set(store().client.scan_iter(match="v:*")))
    assert purge("--all") == f"{number} entries went.\n"
    assert fresh(site) == set(PAGES)


@pytest.mark.parametrize(
    ("options", "operation", "total"),
    [
        (("--url", SEATTLE), f"cache_purge --url {SEATTLE}", 3),
        (("--city", "seattle"), "cache_purge --city seattle", 6),
        (("--all",), "cache_purge --all", None),
    ],
)
def test_purge_leaves_a_trace(site, options, operation, total):
    purge(*options)
    (trace,) = traces.newest_first(store("pipeline"))
    assert (trace.operation, trace.total, trace.event) == (operation, total, None)
    assert len(trace.entries) == (total or 0)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--url", "/admin/"), "What is at /admin/ is not cached"),
        (("--url", "/listings/?page=x"), "The search is invalid: page: "),
        (("--city", " - "), "' - ' is not the name of a city."),
        ((), "one of the arguments --url --city --all is required"),
        (("--all", "--city", "kent"), "not allowed with argument"),
    ],
)
def test_what_cannot_be_purged_is_a_clear_error(platform, options, error):
    with pytest.raises(CommandError) as raised:
        purge(*options)
    assert error in str(raised.value)


@pytest.mark.parametrize("options", [("--url", "/"), ("--city", "Kent"), ("--all",)])
def test_cache_away_is_a_clear_error(platform, cache_server, options):
    cache_server.stop()
    with pytest.raises(CommandError, match=r"^The cache server does not answer: "):
        purge(*options)
