"""Every column of every model, changed alone: what shows it is dropped, and nothing for the others.

A column that is new needs no line here: it gets other values by its kind, or the test fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models, transaction

from listings import browsing, queries, views
from listings.api import pages as api
from listings.cache.store import store
from listings.models import (
    Agent,
    ListingHistory,
    Media,
    Office,
    OpenHouse,
    PagePopularity,
    Property,
)
from listings.shown import SHOWN
from listings.vocabulary import StandardStatus
from tests.conftest import apply_all
from tests.recomputation import fresh, live

pytestmark = pytest.mark.usefixtures("platform")

START = datetime(2030, 6, 1, 12, tzinfo=UTC)
KEYS = ["A-1", "C-1", "K-1"]
LISTS = ["", "city=seattle", "city=kent", "sort=price", "standard_status=Closed", "q=lake"]
SHOWN_COLUMNS = {shown.model: {*shown.columns} for shown in SHOWN}


@pytest.fixture
def inventory() -> None:
    """Rows of every model in whose pages every shown column can be seen."""
    for n in (1, 2):
        Office.objects.create(office_key=f"O-{n}", office_name=f"Office {n}", office_phone=f"1-{n}")
        Agent.objects.create(member_key=f"G-{n}", member_full_name=f"Agent {n}", office_id="O-1")
    for key, status, city in (
        ("A-1", StandardStatus.ACTIVE, "Seattle"),
        ("C-1", StandardStatus.CLOSED, "Seattle"),
        ("K-1", StandardStatus.ACTIVE, "Kent"),
    ):
        Property.objects.create(
            listing_key=key,
            originating_system_name=key,
            standard_status=status,
            list_price=500,
            original_list_price=600,
            close_price=490,
            living_area=1000,
            association_fee=10,
            association_fee_frequency="Monthly",
            unparsed_address=f"1 Lake Street {key}",
            city=city,
            latitude=Decimal(47),
            longitude=Decimal(-122),
            original_entry_timestamp=START,
            list_agent_id="G-1",
            list_office_id="O-1",
            public_remarks="By the lake",
        )
    for n in (1, 2):
        Media.objects.create(media_key=f"M-{n}", property_id="A-1", media_url=f"/{n}.svg", order=n)
    OpenHouse.objects.create(
        open_house_key="H-1",
        property_id="A-1",
        open_house_start_time=START,
        open_house_end_time=START + timedelta(hours=2),
    )
    ListingHistory.objects.create(
        history_transactional_key="X-1",
        property_id="A-1",
        change_type="Pending",
        previous_value="before",
        new_value="after",
    )
    apply_all()
    store("pipeline").flush()


def fill_everything() -> None:
    views.home.warm("")
    for search in LISTS:
        views.property_list.warm(search)
    for key in KEYS:
        views.property_detail.warm(key)
        api.api_property.warm(key)
        browsing.similar_homes.warm(f"seattle {key}")
    for search in ("", "city=seattle", "city=kent"):
        browsing.search_facets.warm(search)
        browsing.feed.warm(search)
        api.api_properties.warm(search)
    for city in ("seattle", "kent", "sea-ttle"):
        browsing.city_page.warm(city)
        browsing.city_sitemap.warm(f"{city} 1")
    browsing.city_list.warm("")
    browsing.sitemap.warm("")
    list(queries.get_all_properties())


# The row that is changed: of listings all of them at once, for some columns are seen only when
# they are sold.
ROWS: dict[type[models.Model], list[str]] = {
    Property: ["A-1", "C-1"],
    Media: ["M-1"],
    OpenHouse: ["H-1"],
    ListingHistory: ["X-1"],
    Agent: ["G-1"],
    Office: ["O-1"],
}
OTHER_KEYS: dict[type[models.Model], list[str]] = {
    Property: ["K-1"],
    Agent: ["G-2"],
    Office: ["O-2"],
}
# Where any value of the kind would not be seen, or not be allowed.
OTHERS_OF_COLUMN: dict[str, list[Any]] = {
    "media_url": ["/3.svg", "https://photos.example/3.jpg"],
    "virtual_tour_url_unbranded": ["https://tour.example/"],
    "city": ["Kent", "Sea Ttle", "---"],
    "latitude": [Decimal("47.5")],
    "longitude": [Decimal("-122.5")],
    "open_house_start_time": [START - timedelta(hours=1)],
    "open_house_end_time": [START + timedelta(hours=1)],
}
OTHERS_OF_KIND: dict[type[Any], list[Any]] = {
    models.DateTimeField: [START - timedelta(days=1), START + timedelta(days=1)],
    models.DateField: [date(2030, 1, 1)],
    models.DecimalField: [Decimal(700), Decimal(0)],
    models.IntegerField: [1990, 1991],
    models.CharField: ["a1"],
    models.TextField: ["a1"],
}


def other_values(field: Any, row: models.Model) -> list[Any]:
    """Values that a column may take, each unlike the one before it and unlike the row's."""
    now = getattr(row, field.attname)
    values: list[Any]
    if field.primary_key:
        return ["Z-1"]
    if field.is_relation:
        values = OTHER_KEYS[field.related_model]
    elif field.choices:
        # Every status means something else; of other choices a few will do.
        most = len(StandardStatus) if field.column == "standard_status" else 3
        values = [value for value, _ in field.choices if value != now][:most]
    elif isinstance(field, models.BooleanField):
        values = [not now]
    elif field.column in OTHERS_OF_COLUMN:
        values = OTHERS_OF_COLUMN[field.column]
    else:
        kinds = [kind for kind in OTHERS_OF_KIND if isinstance(field, kind)]
        assert kinds, f"OTHERS_OF_COLUMN or OTHERS_OF_KIND needs values for {field}"
        values = OTHERS_OF_KIND[kinds[0]]
    is_text = isinstance(field, models.CharField | models.TextField)
    nothing: list[Any] = [None] if field.null else [""] if is_text and field.blank else []
    return [value for value in dict.fromkeys([*values, *nothing]) if value != now]


def set_column(field: Any, keys: list[str], value: Any) -> list[str]:
    """Change the column of these rows by itself. Returns their keys, which it may have changed.

    Whatever refers to a key follows it, as foreign keys demand.
    """
    table, key = field.model._meta.db_table, field.model._meta.pk.column
    columns = [(table, field.column)]
    if field.primary_key:
        columns += [
            (to.related_model._meta.db_table, to.field.column)
            for to in field.model._meta.related_objects
        ]
        keys = keys[:1]
    with transaction.atomic(), connection.cursor() as cursor:
        for place, column in columns:
            where = f'"{key}" = ANY(%s)' if place == table else f'"{column}" = ANY(%s)'
            cursor.execute(f'UPDATE {place} SET "{column}" = %s WHERE {where}', [value, keys])
    return [value] if field.primary_key else keys


def steps(field: Any) -> Iterator[None]:
    """Take the column from value to value, and at last to what it was in the first row."""
    keys = ROWS[field.model]
    row = field.model.objects.get(pk=keys[0])
    for value in [*other_values(field, row), getattr(row, field.attname)]:
        keys = set_column(field, keys, value)
        yield


def sources(field: Any) -> list[Any]:
    """The columns that a generated one is made of; any other column itself."""
    if not field.generated:
        return [field]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.column_column_usage "
            "WHERE table_name = %s AND dependent_column = %s ORDER BY 1",
            [field.model._meta.db_table, field.column],
        )
        names = [name for (name,) in cursor.fetchall()]
    return [one for one in field.model._meta.concrete_fields if one.column in names]


EVERY_COLUMN = [
    pytest.param(field, id=f"{model.__name__}.{field.column}")
    for model in apps.get_app_config("listings").get_models()
    if model is not PagePopularity  # what visitors want: no page shows it
    for field in model._meta.concrete_fields
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("field", EVERY_COLUMN)
def test_a_column_that_changes_alone_takes_out_just_what_shows_it(inventory, field):
    shown = field.column in SHOWN_COLUMNS[field.model]
    was_seen, generated = False, set()
    for source in sources(field):
        fill_everything()
        before = live()
        for _ in steps(source):
            apply_all()
            survivors = live()
            changed = {entry for entry, body in before.items() if fresh(entry) != body}
            dropped = before.keys() - survivors.keys()
            assert changed <= dropped
            was_seen = was_seen or bool(changed)
            generated |= set(field.model.objects.values_list(field.attname, flat=True))
            if not shown and not field.primary_key and not field.generated:
                assert dropped == set()
            fill_everything()
            before = live()
    assert len(generated) > 1
    if not field.primary_key and not field.generated:
        assert was_seen == shown, "SHOWN has just the columns that can be seen"
