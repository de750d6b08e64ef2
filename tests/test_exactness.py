"""Whatever changed is invalidated, and hardly anything else: by recomputing every entry.

Inventories, searches and writes are random. Every page and queryset entry is filled, rows are
written, the change log is applied; then each entry that is still there must hold what a fresh
computation gives.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invalidation_worker import apply as apply_module
from invalidation_worker import capped
from invalidation_worker.apply import apply_batch
from invalidation_worker.models import ChangeEvent
from listings import browsing, counting, facets, queries, similar, sitemap, views
from listings.api import pages as api
from listings.cache.dependencies import Place
from listings.cache.store import store
from listings.models import Agent, ListingHistory, Media, Office, OpenHouse, Property
from listings.search import PropertySearch
from listings.vocabulary import StandardStatus
from tests.conftest import apply_all
from tests.recomputation import fresh, live

CITIES = ["Seattle", "Kent", "Federal Way", ""]
STATUSES = [*["Active"] * 8, *StandardStatus.values]
TYPES = ["Residential", "Residential", "Land"]
WORDS = ["lake view", "quiet street", "lake and quiet", ""]
LISTINGS = 14
KEYS = [f"A-{number}" for number in range(LISTINGS + 4)]  # the last few do not exist at first
HOLD = "SELECT id FROM invalidation_worker_changeevent WHERE id = ANY(%s) FOR UPDATE"
START = datetime(2026, 1, 1, tzinfo=UTC)
SEARCHES = [
    PropertySearch.parse(parameters)
    for parameters in (
        {},
        {"page": "2"},
        {"page": "3"},
        {"sort": "price"},
        {"sort": "price", "page": "2"},
        {"sort": "-price", "page": "2"},
        {"sort": "-living_area"},
        {"sort": "-living_area", "page": "3"},
        {"city": "Seattle"},
        {"city": "Seattle", "sort": "price", "page": "2"},
        {"city": "Kent", "list_price_max": "300"},
        {"list_price_min": "200", "list_price_max": "400", "sort": "-price"},
        {"bedrooms_min": "3"},
        {"property_type": "Land"},
        {"standard_status": "Closed"},
        {"standard_status": "Pending", "page": "9"},
        {"q": "lake"},
        {"q": "quiet", "city": "Seattle", "sort": "price"},
        {"postal_code": "98001", "year_built_min": "1950"},
        {"living_area_min": "100", "living_area_max": "200"},
    )
]
# Where slices begin, among the rows that there may be.
PLACES: dict[str, tuple[Place, ...]] = {
    "newest": ((-int((START + timedelta(minutes=4)).timestamp() * 1e6), "A-3"),),
    "price": ((20_000, "A-5"),),
    "-price": ((-30_000, "A-5"),),
    "-living_area": ((0, -10_000, "A-5"), (1, 0, "A-5")),
}


@pytest.fixture(scope="module", autouse=True)
def _small_pages():
    """Three rows a page and counts up to five, so that few rows reach every edge."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (queries, views):
            patch.setattr(module, "PAGE_SIZE", 3)
        for module in (counting, views, capped, facets):
            patch.setattr(module, "COUNT_CAP", 5)
        for module in (counting, capped, facets):
            patch.setattr(module, "COUNT_TO", 7)
        patch.setattr(facets, "LOOKED_AT", 9)
        patch.setattr(views, "HOME_CARDS", 2)
        patch.setattr(browsing, "CITY_CARDS", 2)
        patch.setattr(similar, "MOST", 2)
        patch.setattr(sitemap, "PAGE_KEYS", 3)
        patch.setattr(api, "PAGE_SIZE", 3)
        patch.setitem(facets.OFFERED, "list_price_max", (Decimal(200), Decimal(300), Decimal(400)))
        yield


def some_row(random: random.Random) -> dict[str, Any]:
    return {
        "city": random.choice(CITIES),
        "list_price": Decimal(random.randint(1, 5) * 100),
        "standard_status": random.choice(STATUSES),
        "property_type": random.choice(TYPES),
        "bedrooms_total": random.choice([None, 1, 2, 3, 4]),
        "living_area": random.choice([None, 50, 100, 150, 250]),
        "year_built": random.choice([None, 1940, 1950, 2000]),
        "postal_code": random.choice(["98001", "98002"]),
        "public_remarks": random.choice(WORDS),
        "unparsed_address": random.choice(["1 Lake Street", "2 First Avenue"]),
        "original_entry_timestamp": START + timedelta(minutes=random.randint(0, 9)),
        "internet_entire_listing_display_yn": random.random() < 0.9,
        "internet_address_display_yn": random.random() < 0.9,
        "list_agent_id": random.choice([None, "G-1", "G-2"]),
        "list_office_id": random.choice([None, "O-1"]),
    }


def make_inventory(random: random.Random) -> None:
    for model in (Media, OpenHouse, ListingHistory, Property, Agent, Office):
        model.objects.all().delete()
    Office.objects.create(office_key="O-1", office_name="Office")
    for key in ("G-1", "G-2"):
        Agent.objects.create(member_key=key, member_full_name=key)
    Property.objects.bulk_create(
        Property(listing_key=key, **some_row(random)) for key in KEYS[:LISTINGS]
    )
    Media.objects.bulk_create(
        Media(media_key=f"M-{n}", property_id=random.choice(KEYS[:LISTINGS]), media_url=f"/{n}")
        for n in range(10)
    )


def fill_everything() -> None:
    views.home.warm("")
    for search in SEARCHES:
        views.property_list.warm(search.canonical())
    for key in KEYS:
        views.property_detail.warm(key)
        api.api_property.warm(key)
    list(queries.get_all_properties())
    browse()


def browse() -> None:
    """Fill the pages beside search and detail."""
    browsing.city_list.warm("")
    browsing.sitemap.warm("")
    for city in ("seattle", "kent", "federal-way"):
        browsing.city_page.warm(city)
        for number in (1, 2):
            browsing.city_sitemap.warm(f"{city} {number}")
    for number, key in enumerate(KEYS):
        browsing.similar_homes.warm(f"{('seattle', 'kent')[number % 2]} {key}")
    for search in SEARCHES:
        for page in (browsing.search_facets, browsing.feed):
            page.warm(search.found())
        first = api.Slice(replace(search, page=1))
        for slice_ in (first, *(first._replace(after=place) for place in PLACES[search.sort])):
            api.api_properties.warm(slice_.canonical())


def any_listings(random: random.Random) -> Any:
    return Property.objects.filter(pk__in=random.sample(KEYS, random.randint(1, 3)))


def write_once(random: random.Random) -> None:
    row = some_row(random)
    column = random.choice(list(row))
    kinds = [
        lambda: any_listings(random).update(**{column: row[column]}),
        lambda: any_listings(random).update(**{column: row[column]}),
        lambda: any_listings(random).update(list_price=Decimal(random.randint(1, 50) * 10)),
        lambda: any_listings(random).update(city=random.choice(CITIES)),
        lambda: any_listings(random).update(private_remarks=str(random.random())),
        lambda: any_listings(random).update(**row),
        lambda: any_listings(random).delete(),
        lambda: Property(listing_key=random.choice(KEYS), **row).save(),
        lambda: Property.objects.bulk_create(
            [Property(listing_key=key, **some_row(random)) for key in random.sample(KEYS, 3)],
            update_conflicts=True,
            unique_fields=["listing_key"],
            update_fields=list(row),
        ),
        lambda: Media.objects.update_or_create(
            media_key=f"M-{random.randint(0, 12)}",
            defaults={"property": any_listing(random), "media_url": f"/{random.random()}"},
        ),
        lambda: Media.objects.filter(media_key=f"M-{random.randint(0, 9)}").delete(),
        lambda: Agent.objects.filter(pk="G-1").update(member_full_name=str(random.random())),
        lambda: Office.objects.update(office_phone=str(random.random())[:10]),
        lambda: ListingHistory.objects.update_or_create(
            history_transactional_key="X-1",
            defaults={"property": any_listing(random), "change_type": "Price Change"},
        ),
        lambda: OpenHouse.objects.update_or_create(
            open_house_key="H-1",
            defaults={
                "property": any_listing(random),
                "open_house_start_time": datetime(2099, 1, random.randint(1, 9), tzinfo=UTC),
                "open_house_end_time": datetime(2099, 2, 1, tzinfo=UTC),
            },
        ),
    ]
    random.choice(kinds)()


def any_listing(random: random.Random) -> Property:
    return random.choice(list(Property.objects.all()) or [Property(pk="A-0")])


def write(random: random.Random) -> None:
    """A few writes, some of them together or partly rolled back."""
    for _ in range(random.randint(1, 4)):
        if random.random() < 0.3:
            with transaction.atomic():
                write_once(random)
                with transaction.atomic():
                    write_once(random)
                    transaction.set_rollback(random.random() < 0.5)
        else:
            write_once(random)


def apply_in_any_batches(random: random.Random, patch: pytest.MonkeyPatch) -> None:
    """In batches of any size; sometimes newer events come first, as others are held meanwhile."""
    if random.random() < 0.5:
        with some_events_held(random):
            apply_what_is_free(random, patch)
    apply_what_is_free(random, patch)
    assert not ChangeEvent.objects.exists()


def apply_what_is_free(random: random.Random, patch: pytest.MonkeyPatch) -> None:
    while True:
        patch.setattr(apply_module, "BATCH", random.choice([1, 2, 500]))
        if not apply_batch().events:
            return


@contextmanager
def some_events_held(random: random.Random) -> Iterator[None]:
    """As if another worker had claimed them and gives them back at the end."""
    events = ChangeEvent.objects.order_by("id").values_list("id", flat=True)
    held = [event for event in events if random.random() < 0.4]
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(HOLD, [held])
        yield
        other.rollback()
    finally:
        other.close()


seen: Counter[str] = Counter()


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("platform")
@settings(
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
# True random: how often is drawn depends on how many events there are, and draws need not be alike.
@given(random=st.randoms(use_true_random=True))
def test_every_entry_that_survives_a_write_holds_what_a_fresh_computation_gives(random):
    with pytest.MonkeyPatch.context() as patch:
        make_inventory(random)
        apply_all()
        store("pipeline").flush()
        fill_everything()
        before = live()
        assert len(before) > 200
        write(random)
        apply_in_any_batches(random, patch)
        after = live()
        for entry, body in before.items():
            changed = fresh(entry) != body
            seen["changed"] += changed
            seen["dropped"] += entry not in after
            assert not (changed and entry in after), entry
            if not changed and entry not in after:
                seen[f"needlessly {entry.name}"] += 1


def test_hardly_anything_was_dropped_that_had_not_changed():
    needless = sum(number for name, number in seen.items() if name.startswith("needlessly"))
    print(dict(seen))
    assert seen["changed"] > 200
    assert needless / seen["dropped"] < 0.2
