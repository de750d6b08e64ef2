"""The change log: what is written into it, by whomever, and how it is taken out again."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, models, transaction
from django.db.models import F
from django.utils import timezone

from invalidation_worker.change_log import Claimed, claim, decoded
from invalidation_worker.models import ChangeEvent
from listings.models import Agent, ListingHistory, Media, Office, OpenHouse, Property
from listings.shown import LOG_WHOLE_TABLES, SHOWN, Shown

pytestmark = pytest.mark.usefixtures("database")
# Of tests that must see real commits; the others are rolled back, which is faster.
committed = pytest.mark.usefixtures("platform")

PROPERTY = "listings_property"
START = datetime(2030, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def database(db):
    """Empty tables and an empty change log; what a test writes is rolled back."""
    forget()


def sql(statement: str, parameters: list[Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def make_listing(key: str = "A-1", **columns: Any) -> Property:
    return Property.objects.create(listing_key=key, **{"list_price": 500_000, **columns})


def make_rows() -> dict[type[models.Model], models.Model]:
    """One row of each table that pages show. Columns that may be NULL are."""
    listing = make_listing()
    return {
        Property: listing,
        Media: Media.objects.create(media_key="M-1", property=listing, media_url="/1.svg"),
        OpenHouse: OpenHouse.objects.create(
            open_house_key="O-1",
            property=listing,
            open_house_start_time=START,
            open_house_end_time=START + timedelta(hours=2),
        ),
        ListingHistory: ListingHistory.objects.create(
            history_transactional_key="H-1", property=listing, change_type="New Listing"
        ),
        Agent: Agent.objects.create(member_key="G-1", member_full_name="Ada Agent"),
        Office: Office.objects.create(office_key="F-1", office_name="Front Office"),
    }


def take() -> list[Any]:
    """Every `Event` in the log, which is empty afterwards."""
    with transaction.atomic():
        return [decoded(row) for row in claim(100_000).rows]


def forget() -> None:
    ChangeEvent.objects.all().delete()


@contextmanager
def rolled_back() -> Iterator[None]:
    """Inside is a transaction, or a savepoint, that is rolled back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def kinds(events: list[Any]) -> list[tuple[str, Any, Any]]:
    """Of each event: its operation and the listing's key before and after."""
    return [
        (
            event.operation,
            event.before and event.before["listing_key"],
            event.after and event.after["listing_key"],
        )
        for event in events
    ]


# ---- whoever writes ----


def test_save_logs_the_row_as_it_was_and_as_it_is():
    listing = make_listing(city="Kent")
    listing.list_price = Decimal("480000.50")
    listing.save()

    insert, update = take()

    assert (insert.table, insert.operation, insert.before) == (PROPERTY, "INSERT", None)
    assert (update.table, update.operation) == (PROPERTY, "UPDATE")
    assert update.before == insert.after
    assert update.after == {**update.before, "list_price": Decimal("480000.50")}


def test_images_are_the_databases_and_not_pythons():
    make_listing()
    editor = Property.objects.get()  # has read 500,000
    Property.objects.update(list_price=450_000)
    forget()
    editor.list_price = 460_000
    editor.save()
    (event,) = take()
    assert (event.before["list_price"], event.after["list_price"]) == (450_000, 460_000)


@committed
def test_images_hold_what_the_database_has_filled_in():
    make_listing("A", list_price=Decimal("1.005"), city="FEDERAL  Way")
    forget()
    given = ", ".join(
        f'"{field.column}"'
        for field in Property._meta.concrete_fields
        if not (field.primary_key or field.generated or field.has_db_default())
    )
    earliest = timezone.now() - timedelta(seconds=1)
    sql(f"INSERT INTO {PROPERTY} (listing_key, {given}) SELECT 'B', {given} FROM {PROPERTY}")
    (event,) = take()
    assert event.after["city_key"] == "federal-way"
    assert event.after["list_price"] == Decimal("1.01")  # as the column rounds it
    assert datetime.fromisoformat(event.after["original_entry_timestamp"]) > earliest


def test_images_hold_just_the_key_and_the_shown_columns():
    make_rows()
    events = {event.table: event for event in take()}
    for shown in SHOWN:
        assert set(events[shown.table].after) == {shown.key, *shown.columns}


def test_update_of_a_queryset_logs_each_row():
    for key in "ABC":
        make_listing(key)
    forget()
    Property.objects.filter(pk__in="AC").update(list_price=F("list_price") - 1)
    events = take()
    assert set(kinds(events)) == {("UPDATE", "A", "A"), ("UPDATE", "C", "C")}
    assert [event.after["list_price"] for event in events] == [499_999, 499_999]


def test_bulk_create_logs_each_row():
    Property.objects.bulk_create(Property(listing_key=key, list_price=1) for key in "AB")
    assert kinds(take()) == [("INSERT", None, "A"), ("INSERT", None, "B")]


def test_bulk_update_logs_the_rows_that_change():
    listings = [make_listing(key) for key in "ABC"]
    forget()
    listings[1].list_price = 1
    listings[2].bedrooms_total = 3
    Property.objects.bulk_update(listings, ["list_price", "bedrooms_total"])
    assert set(kinds(take())) == {("UPDATE", "B", "B"), ("UPDATE", "C", "C")}


def test_upsert_logs_new_and_changed_rows_and_no_other():
    make_listing("same")
    make_listing("changed")
    forget()
    Property.objects.bulk_create(
        [
            Property(listing_key="same", list_price=500_000),
            Property(listing_key="changed", list_price=400_000),
            Property(listing_key="new", list_price=1),
        ],
        update_conflicts=True,
        unique_fields=["listing_key"],
        update_fields=["list_price"],
    )
    assert set(kinds(take())) == {("UPDATE", "changed", "changed"), ("INSERT", None, "new")}


def test_insert_that_conflicts_and_does_nothing_logs_nothing():
    make_listing("there")
    forget()
    Property.objects.bulk_create(
        [Property(listing_key=key, list_price=1) for key in ("there", "new")],
        ignore_conflicts=True,
    )
    assert kinds(take()) == [("INSERT", None, "new")]


def test_delete_logs_the_row_as_it_was():
    make_listing(city="Kent")
    (insert,) = take()
    Property.objects.all().delete()
    (event,) = take()
    assert (event.operation, event.before, event.after) == ("DELETE", insert.after, None)


def test_cascade_logs_every_row_that_goes():
    make_rows()
    forget()
    Property.objects.get().delete()
    assert {(event.table, event.operation) for event in take()} == {
        (model._meta.db_table, "DELETE") for model in (Property, Media, OpenHouse, ListingHistory)
    }


def test_a_deleted_agent_logs_the_listings_that_lose_it():
    agent = Agent.objects.create(member_key="G-1", member_full_name="Ada Agent")
    make_listing(list_agent=agent)
    forget()
    agent.delete()
    listing, gone = sorted(take(), key=lambda event: event.operation, reverse=True)
    assert (listing.before["list_agent_key"], listing.after["list_agent_key"]) == ("G-1", None)
    assert (gone.table, gone.operation) == (Agent._meta.db_table, "DELETE")


def test_copy_logs_each_row():
    make_rows()
    forget()
    rows = io.StringIO("M-2,A-1,/2.svg,Photo,2,\nM-3,A-1,/3.svg,Photo,3,\n")
    with connection.cursor() as cursor:
        cursor.copy_expert(
            'COPY listings_media (media_key, listing_key, media_url, media_category, "order",'
            " short_description) FROM STDIN WITH (FORMAT csv, FORCE_NOT_NULL (short_description))",
            rows,
        )
    assert [event.after["media_key"] for event in take()] == ["M-2", "M-3"]


def test_merge_logs_each_row_under_what_was_done_with_it():
    for key in "ABC":
        make_listing(key)
    forget()
    sql(f"""
        MERGE INTO {PROPERTY} t USING (VALUES ('A', 1), ('B', 0)) s (key, price)
            ON t.listing_key = s.key
        WHEN MATCHED AND s.price = 0 THEN DELETE
        WHEN MATCHED THEN UPDATE SET list_price = s.price
    """)
    assert set(kinds(take())) == {("UPDATE", "A", "A"), ("DELETE", "B", None)}


def test_two_writes_to_one_table_in_one_statement_are_both_logged():
    for key in "ABC":
        make_listing(key)
    forget()
    sql(f"""
        WITH a AS (UPDATE {PROPERTY} SET list_price = 1 WHERE listing_key = 'A'),
             b AS (DELETE FROM {PROPERTY} WHERE listing_key = 'B')
        UPDATE {PROPERTY} SET list_price = 3 WHERE listing_key = 'C'
    """)
    assert set(kinds(take())) == {
        ("UPDATE", "A", "A"),
        ("DELETE", "B", None),
        ("UPDATE", "C", "C"),
    }


def test_a_changed_key_is_one_row_gone_and_one_come():
    make_listing("old", city="Kent")
    forget()
    sql(f"UPDATE {PROPERTY} SET listing_key = 'new'")
    events = take()
    assert set(kinds(events)) == {("UPDATE", "old", None), ("UPDATE", None, "new")}
    assert all(image["city_key"] == "kent" for event in events for image in event.images())


@committed
def test_truncate_logs_one_event_for_each_whole_table():
    make_rows()
    forget()
    sql(f"TRUNCATE {', '.join(shown.table for shown in SHOWN)}")
    events = [(e.table, e.operation, e.before, e.after) for e in take()]
    assert sorted(events) == sorted((shown.table, "TRUNCATE", None, None) for shown in SHOWN)


@committed
def test_truncate_that_cascades_logs_each_table_that_is_emptied():
    make_rows()
    forget()
    sql(f"TRUNCATE {PROPERTY} CASCADE")
    assert sorted((event.table, event.operation) for event in take()) == sorted(
        (model._meta.db_table, "TRUNCATE") for model in (Property, Media, OpenHouse, ListingHistory)
    )


@committed
@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.table)
def test_a_transaction_can_ask_for_one_event_a_statement(shown):
    row = make_rows()[shown.model]
    field = next(f for f in stored_fields(shown) if f.column in shown.columns and not f.is_relation)
    forget()
    with transaction.atomic():
        sql(f"SET LOCAL {LOG_WHOLE_TABLES} = 'on'")
        sql(f'UPDATE {shown.table} SET "{field.column}" = %s', [other_values(field, row)[0]])
        key = row.pk
        row.delete()
        row.pk = key
        row.save(force_insert=True)
    ours = [event for event in take() if event.table == shown.table]
    assert [event.operation for event in ours] == ["UPDATE", "DELETE", "INSERT"]
    assert not [event for event in ours if event.images()]

    shown.model._default_manager.all().delete()  # the next transaction has not asked
    (event,) = [event for event in take() if event.table == shown.table]
    assert event.before


@committed
def test_a_replication_session_is_logged_too():
    make_rows()
    forget()
    with transaction.atomic():
        sql("SET LOCAL session_replication_role = replica")
        sql(f"UPDATE {PROPERTY} SET list_price = 1")
        sql("DELETE FROM listings_media")
        Office.objects.create(office_key="F-2", office_name="Back Office")
        sql("TRUNCATE listings_openhouse")
    assert [(event.table, event.operation) for event in take()] == [
        (PROPERTY, "UPDATE"),
        ("listings_media", "DELETE"),
        ("listings_office", "INSERT"),
        ("listings_openhouse", "TRUNCATE"),
    ]


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.table)
def test_each_table_logs_each_operation(shown):
    row = make_rows()[shown.model]
    field = next(f for f in stored_fields(shown) if f.column in shown.columns and not f.is_relation)
    sql(f'UPDATE {shown.table} SET "{field.column}" = %s', [other_values(field, row)[0]])
    row.delete()
    ours = [event.operation for event in take() if event.table == shown.table]
    assert ours == ["INSERT", "UPDATE", "DELETE"]


# ---- what is not logged ----


def test_a_write_of_equal_values_logs_nothing():
    make_listing(living_area=None, city="Kent")
    forget()
    sql(f"UPDATE {PROPERTY} SET list_price = 500000.000, living_area = NULL, city = 'Kent'")
    assert take() == []


def test_saving_an_unchanged_listing_logs_nothing():
    make_listing()
    forget()
    Property.objects.get().save()  # a new modification_timestamp, which no page shows
    assert take() == []


def test_a_write_of_what_no_page_shows_logs_nothing():
    make_listing()
    forget()
    Property.objects.update(private_remarks="Key under the mat", modification_timestamp=START)
    assert take() == []


def test_of_a_statement_only_the_rows_that_change_are_logged():
    make_listing("A", list_price=1)
    make_listing("B", list_price=2)
    forget()
    Property.objects.update(list_price=1)
    assert kinds(take()) == [("UPDATE", "B", "B")]


def test_a_statement_that_touches_no_row_logs_nothing():
    Property.objects.update(list_price=1)
    Property.objects.all().delete()
    assert take() == []


@committed
def test_a_rolled_back_transaction_leaves_nothing():
    with rolled_back():
        make_listing()
        assert ChangeEvent.objects.count() == 1
    assert take() == []


@committed
def test_a_rolled_back_savepoint_leaves_nothing_of_its_own():
    with transaction.atomic():
        make_listing("before")
        with rolled_back():
            make_listing("inside")
        make_listing("after")
    assert kinds(take()) == [("INSERT", None, "before"), ("INSERT", None, "after")]


# ---- one event a change, in its transaction ----


@committed
def test_events_of_one_transaction_carry_its_id():
    with transaction.atomic():
        make_listing("A")
        Property.objects.update(list_price=1)
        Office.objects.create(office_key="F-1", office_name="Front Office")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()::text::bigint")
            (own_id,) = cursor.fetchone()
    make_listing("B")
    *ours, other = take()
    assert [event.transaction_id for event in ours] == [own_id] * 3
    assert other.transaction_id > own_id


def test_each_change_of_a_row_in_one_transaction_is_an_event():
    make_listing()
    forget()
    with transaction.atomic():
        Property.objects.update(list_price=1)
        Property.objects.update(list_price=500_000)  # and back: the log does not judge
    prices = [(e.before["list_price"], e.after["list_price"]) for e in take()]
    assert prices == [(500_000, 1), (1, 500_000)]


def test_events_carry_the_moment_of_the_change():
    earliest = timezone.now() - timedelta(seconds=1)
    make_listing()
    (event,) = take()
    assert earliest <= event.logged_at <= timezone.now() + timedelta(seconds=1)


# ---- every column ----


def stored_fields(shown: Shown) -> list[Any]:
    """The columns of a table that somebody can write, without its key."""
    every = shown.model._meta.concrete_fields
    return [field for field in every if not field.primary_key and not field.generated]


OTHERS: dict[type[Any], list[Any]] = {  # kind of column → two values that no row of `make_rows` has
    models.DateTimeField: [START + timedelta(minutes=n) for n in (1, 2)],
    models.DateField: [date(2030, 1, 1), date(2030, 1, 2)],
    models.DecimalField: [41, 42],
    models.IntegerField: [1990, 1991],
    models.CharField: ["a1", "b2"],
    models.TextField: ["a1", "b2"],
}
OTHER_KEYS: dict[Any, list[Any]] = {
    Property: ["A-2", "A-3"],
    Agent: ["G-2", "G-3"],
    Office: ["F-2", "F-3"],
}


def other_values(field: Any, row: models.Model) -> list[Any]:
    """Values that this column may take, each unlike the one before it and unlike the row's."""
    now = getattr(row, field.attname)
    if field.is_relation:
        values = OTHER_KEYS[field.related_model]
    elif field.choices:
        values = [value for value, _ in field.choices if value != now][:2]
    elif isinstance(field, models.BooleanField):
        values = [not now, now]
    else:
        values = next(values for kind, values in OTHERS.items() if isinstance(field, kind))
    return [*values, None] if field.null else values


@pytest.mark.parametrize(
    ("shown", "field"),
    [
        pytest.param(shown, field, id=f"{shown.table}.{field.column}")
        for shown in SHOWN
        for field in stored_fields(shown)
    ],
)
def test_a_column_that_changes_alone_is_logged_just_if_it_is_shown(shown, field):
    row = make_rows()[shown.model]
    for n in (2, 3):
        make_listing(f"A-{n}")
        Agent.objects.create(member_key=f"G-{n}", member_full_name="Other")
        Office.objects.create(office_key=f"F-{n}", office_name="Other")
    forget()
    for value in other_values(field, row):
        where = f"WHERE {shown.key} = %s"
        sql(f'UPDATE {shown.table} SET "{field.column}" = %s {where}', [value, row.pk])
        events = take()
        if field.column in shown.columns:
            (event,) = events
            assert (event.table, event.operation) == (shown.table, "UPDATE")
            changed = {name for name in event.before if event.before[name] != event.after[name]}
            assert changed - {"city_key"} == {field.column}
        else:
            assert events == []


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.table)
def test_every_shown_column_exists(shown):
    stored = {field.column for field in shown.model._meta.concrete_fields}
    assert set(shown.columns) <= stored - {shown.key}
    assert len(set(shown.columns)) == len(shown.columns)


@pytest.mark.parametrize(
    ("shown", "field"),
    [
        pytest.param(shown, field, id=field.column)
        for shown in SHOWN
        for field in shown.model._meta.concrete_fields
        if field.generated
    ],
)
def test_a_generated_column_changes_only_with_columns_that_are_shown(shown, field):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.column_column_usage "
            "WHERE table_name = %s AND dependent_column = %s",
            [shown.table, field.column],
        )
        sources = {column for (column,) in cursor.fetchall()}
    assert sources
    assert sources <= {*shown.columns, shown.key}


def test_a_changed_city_changes_its_generated_key():
    make_listing(city="Kent")
    forget()
    sql(f"UPDATE {PROPERTY} SET city = 'Federal Way'")
    (event,) = take()
    assert (event.before["city_key"], event.after["city_key"]) == ("kent", "federal-way")


def test_models_and_migrations_agree():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_trigger_is_enabled_always():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, count(*) FROM pg_trigger "
            "WHERE NOT tgisinternal AND tgenabled = 'A' GROUP BY 1"
        )
        found = dict(cursor.fetchall())
    assert found == {shown.table: 4 for shown in SHOWN} | {PROPERTY: 8}  # four keep the tally


# ---- taking events out ----


def log(number: int) -> list[int]:
    """So many events. Returns their ids, oldest first."""
    Property.objects.bulk_create(
        Property(listing_key=f"A-{n:04}", list_price=n) for n in range(number)
    )
    return list(ChangeEvent.objects.order_by("id").values_list("id", flat=True))


@contextmanager
def held_by_another(most: int) -> Iterator[list[int]]:
    """Inside, another connection has claimed events; afterwards it rolls back."""
    claimed: list[int] = []
    has_claimed, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                claimed.extend(event.id for event in claim(most).rows)
                has_claimed.set()
                may_end.wait(20)
                transaction.set_rollback(True)
        finally:
            has_claimed.set()
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert has_claimed.wait(20)
        yield claimed
    finally:
        may_end.set()
        holder.join(20)


def test_claim_takes_the_oldest_first_and_at_most_so_many():
    ids = log(5)
    with transaction.atomic():
        assert [event.id for event in claim(3).rows] == ids[:3]
    with transaction.atomic():
        assert [event.id for event in claim(3).rows] == ids[3:]
    with transaction.atomic():
        assert claim(3) == Claimed([], None)


@committed
def test_a_committed_claim_takes_events_out_for_good():
    ids = log(3)
    with transaction.atomic():
        claim(2)
    assert list(ChangeEvent.objects.values_list("id", flat=True)) == ids[2:]


@committed
def test_a_rolled_back_claim_gives_its_events_back():
    ids = log(3)
    with rolled_back():
        claim(2)
    with transaction.atomic():
        assert [event.id for event in claim(3).rows] == ids


@committed
def test_a_claimer_passes_over_what_another_holds_without_waiting():
    ids = log(5)
    with held_by_another(2) as held:
        assert held == ids[:2]
        with transaction.atomic():
            sql("SET LOCAL lock_timeout = '5s'")  # waiting for the other would end here
            assert [event.id for event in claim(5).rows] == ids[2:]
    with transaction.atomic():
        assert [event.id for event in claim(5).rows] == ids[:2]


@committed
def test_an_older_event_that_commits_later_is_not_lost():
    begun, may_commit = threading.Event(), threading.Event()

    def write_slowly() -> None:
        try:
            with transaction.atomic():
                make_listing("slow")
                begun.set()
                may_commit.wait(20)
        finally:
            begun.set()
            connection.close()

    writer = threading.Thread(target=write_slowly)
    writer.start()
    assert begun.wait(20)
    make_listing("fast")
    (fast,) = take()
    may_commit.set()
    writer.join(20)
    (slow,) = take()
    assert (fast.after["listing_key"], slow.after["listing_key"]) == ("fast", "slow")
    assert slow.id < fast.id


@committed
def test_concurrent_claimers_never_get_the_same_event():
    ids = log(400)
    claimers = 4
    together = threading.Barrier(claimers)

    def claim_until_empty() -> list[int]:
        mine: list[int] = []
        try:
            together.wait(20)
            while True:
                with transaction.atomic():
                    events = claim(7).rows
                    mine += [event.id for event in events]
                if not events and not ChangeEvent.objects.exists():
                    return mine
        finally:
            connection.close()

    with ThreadPoolExecutor(claimers) as pool:
        shares = [pool.submit(claim_until_empty) for _ in range(claimers)]
        claimed = [event for share in shares for event in share.result(timeout=30)]
    assert sorted(claimed) == ids


def test_claimed_images_have_exact_numbers():
    make_listing(
        list_price=Decimal("999999999999.99"), latitude=Decimal("47.60621111"), bedrooms_total=3
    )
    (event,) = take()
    for name, value in (
        ("list_price", Decimal("999999999999.99")),
        ("latitude", Decimal("47.60621111")),
        ("bedrooms_total", 3),
        ("living_area", None),
        ("waterfront_yn", False),
    ):
        assert event.after[name] == value
        assert not isinstance(event.after[name], float)
