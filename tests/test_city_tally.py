"""The tally of cities is the count of homes on the market, whoever writes, fails or folds."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, Max
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from listings import queries
from listings.cache.reading import bypass
from listings.models import Property
from listings.rows import City
from listings.vocabulary import ON_MARKET, StandardStatus

pytestmark = pytest.mark.usefixtures("platform")

KEYS = [f"A-{number}" for number in range(6)]


def told() -> tuple[City, ...]:
    with bypass():
        return queries.cities()


def counted() -> tuple[City, ...]:
    """What `queries.cities` promises, counted listing by listing."""
    found = (
        Property.objects.filter(internet_entire_listing_display_yn=True)
        .filter(standard_status__in=ON_MARKET)
        .exclude(city_key="")
        .values("city_key")
        .order_by()
        .annotate(name=Max("city"), state=Max("state_or_province"), n=Count("pk"))
        .order_by("-n", "city_key")
    )
    return tuple(City(*row) for row in found.values_list("city_key", "name", "state", "n"))


def make(*keys: str, **columns: Any) -> list[Property]:
    columns = {"list_price": 1, "city": "Kent", **columns}
    return Property.objects.bulk_create(Property(listing_key=key, **columns) for key in keys)


def sql(statement: str, by: BaseDatabaseWrapper | None = None) -> list[Any]:
    with (by or connection).cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def rows() -> list[tuple[str, int]]:
    """The cities and numbers of the tally, in the order in which they were written."""
    return sql("SELECT city, number FROM listings_citytally ORDER BY id")


def close(key: str) -> str:
    return f"UPDATE listings_property SET standard_status = 'Closed' WHERE listing_key = '{key}'"


def reopen(key: str) -> str:
    return close(key).replace("Closed", "Active")


@contextmanager
def each_row_folds(every: int = 1) -> Iterator[None]:
    """Each row that is written, or each of so many, has an id at which its writer folds."""
    sql(f"ALTER TABLE listings_citytally ALTER id SET INCREMENT {1_000 // every}")
    go_on_at(0)
    try:
        yield
    finally:
        sql("ALTER TABLE listings_citytally ALTER id SET INCREMENT 1")


def go_on_at(rest: int) -> None:
    """The next row has an id that leaves this rest when it is divided by 1,000."""
    sequence = "pg_get_serial_sequence('listings_citytally', 'id')"
    (last,) = sql(f"SELECT nextval({sequence})")[0]
    sql(f"SELECT setval({sequence}, {(last // 1_000 + 1) * 1_000 + rest}, false)")


@pytest.fixture
def _folds(platform) -> Iterator[None]:
    with each_row_folds():
        yield


@contextmanager
def another(isolation: str = "READ COMMITTED") -> Iterator[BaseDatabaseWrapper]:
    """Another connection in a transaction, which waits for nobody's lock for long."""
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        sql(f"SET TRANSACTION ISOLATION LEVEL {isolation}; SET lock_timeout = '2s'", other)
        yield other
    finally:
        other.close()


# ---- any sequence of writes ----

any_city = st.sampled_from(["Kent", "Kent", "KENT", "Auburn", "Сент-Реми", "---", ""])
any_status = st.sampled_from([*ON_MARKET, *StandardStatus.values])
any_row = st.fixed_dictionaries(
    {"list_price": st.integers(1, 3), "city": any_city, "standard_status": any_status},
    optional={
        "internet_entire_listing_display_yn": st.booleans(),
        "state_or_province": st.sampled_from(["WA", "OR", ""]),
    },
)
any_change = st.one_of(
    any_row,
    st.fixed_dictionaries({"list_price": st.integers(1, 3)}),
    st.fixed_dictionaries({"city": any_city}),
    st.fixed_dictionaries({"standard_status": any_status}),
    st.fixed_dictionaries({"internet_entire_listing_display_yn": st.booleans()}),
)
any_keys = st.lists(st.sampled_from(KEYS), unique=True, min_size=1)
Write = Callable[[], object]


def put(columns: dict[str, Any], keys: list[str]) -> object:
    """In one statement, which adds those that are not there and changes those that are."""
    return Property.objects.bulk_create(
        [Property(listing_key=key, **columns) for key in keys],
        update_conflicts=True,
        unique_fields=["listing_key"],
        update_fields=list(columns),
    )


def one_by_one(columns: dict[str, Any], keys: list[str]) -> None:
    for key in keys:
        Property(listing_key=key, **columns).save()


def changed(columns: dict[str, Any], keys: list[str]) -> object:
    return Property.objects.filter(pk__in=keys).update(**columns)


def gone(keys: list[str]) -> object:
    return Property.objects.filter(pk__in=keys).delete()


def all_gone() -> None:
    # What a transaction has written must be checked before it may empty the table.
    sql("SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE listings_property CASCADE")


def together(writes: list[Write], rolled_back: bool) -> None:
    with transaction.atomic():
        for write in writes:
            write()
        assert told() == counted()
        transaction.set_rollback(rolled_back)


def deferred(write: Callable[..., object], *arguments: st.SearchStrategy[Any]) -> Any:
    """Draws writes, to be done with these arguments."""
    return st.builds(partial, st.just(write), *arguments)


any_write = st.recursive(
    st.one_of(
        deferred(put, any_row, any_keys),
        deferred(one_by_one, any_row, any_keys),
        deferred(changed, any_change, any_keys),
        deferred(changed, any_change, any_keys),
        deferred(gone, any_keys),
    ),
    lambda writes: deferred(
        together, st.lists(writes | deferred(all_gone), max_size=4), st.booleans()
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(writes=st.lists(any_write, max_size=6), every=st.sampled_from([1, 2, 4]))
def test_any_sequence_of_writes_leaves_what_counting_finds(writes, every):
    Property.objects.all().delete()
    with each_row_folds(every):
        make(*KEYS[:4])
        for write in writes:
            write()
            assert told() == counted()


def test_homes_that_are_on_the_market_count_and_no_others():
    for status in StandardStatus.values:
        key = status.replace(" ", "-")
        make(key, city=status, standard_status=status)
        make(f"kept-back-{key}", standard_status=status, internet_entire_listing_display_yn=False)
    assert {city.city: city.count for city in told()} == dict.fromkeys(ON_MARKET, 1)


# ---- what is written, and what is folded ----


def test_a_write_that_no_city_gains_or_loses_by_writes_nothing():
    make(*KEYS)
    before = rows()
    Property.objects.update(list_price=2)
    Property.objects.filter(pk=KEYS[0]).update(standard_status="Pending")
    make("sold", standard_status="Closed")
    Property.objects.filter(pk="sold").delete()
    Property.objects.none().delete()
    assert rows() == before == [("Kent", 6)]


def test_rows_do_not_pile_up():
    make(*KEYS)
    sql(
        f"""
        DO $$ BEGIN
            FOR each IN 1..1500 LOOP
                {close(KEYS[0])}; COMMIT;
                {reopen(KEYS[0])}; COMMIT;
            END LOOP;
        END $$
        """
    )
    assert len(rows()) <= 1_001
    assert told() == counted() == (City("kent", "Kent", "", 6),)


def test_many_rows_of_one_statement_are_folded_too():
    make("before", city="City 1")
    go_on_at(998)
    Property.objects.bulk_create(
        Property(listing_key=f"B-{number}", city=f"City {number}", list_price=1)
        for number in range(5)
    )
    assert sorted(rows()) == [(f"City {number}", 2 if number == 1 else 1) for number in range(5)]


@pytest.mark.usefixtures("_folds")
def test_a_fold_leaves_alone_what_has_not_changed():
    make("elsewhere", city="Auburn")
    (before,) = sql("SELECT id FROM listings_citytally")
    make("A-1"), make("A-2")
    assert sorted(rows()) == [("Auburn", 1), ("Kent", 2)]
    assert before in sql("SELECT id FROM listings_citytally")


@pytest.mark.usefixtures("_folds")
def test_nothing_is_left_of_a_city_that_is_empty():
    make("A-1", "A-2")
    Property.objects.filter(pk="A-1").update(standard_status="Closed")
    Property.objects.filter(pk="A-2").delete()
    assert rows() == []


# ---- several writers ----


@pytest.mark.usefixtures("_folds")
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_nobody_waits_for_what_others_have_not_committed(end):
    make("A-1"), make("A-2", "A-3"), make("A-4", "A-5")
    with another() as first, another() as second:
        sql(close("A-1"), first)  # folds all that there is, and does not commit
        sql(close("A-2"), second)  # another row of the same city
        sql(close("A-3"), second)
        with another() as third:
            for _ in range(2):
                sql(close("A-4"), third)
                sql(reopen("A-4"), third)
                third.commit()
        assert told() == counted() == (City("kent", "Kent", "", 5),)
        getattr(second, end)()
        assert told() == counted()
        getattr(first, end)()
    sql(close("A-5"))
    assert told() == counted() == (City("kent", "Kent", "", {"commit": 1, "rollback": 4}[end]),)
    assert len(rows()) == 1


@pytest.mark.usefixtures("_folds")
def test_a_transaction_of_repeatable_read_goes_on_while_others_fold():
    make("A-1"), make("A-2")
    with another("REPEATABLE READ") as long:
        sql("SELECT FROM listings_property", long)  # all that it sees is as it is now
        make("A-3"), make("A-4")  # and are folded with the others
        sql(close("A-1"), long)
        long.commit()
    assert told() == counted() == (City("kent", "Kent", "", 3),)


def writer(number: int) -> None:
    """Changes listings of its own at random, alone and several at once; some of it fails."""
    dice = random.Random(number)
    own = [f"{number}-{at}" for at in range(4)]
    sql("SET lock_timeout = '5s'")
    try:
        for _ in range(60):
            with transaction.atomic(), ExitStack() as inside:
                for _ in range(dice.randint(1, 3)):
                    if dice.random() < 0.3:
                        inside.enter_context(transaction.atomic())
                    some = Property.objects.filter(pk__in=dice.sample(own, dice.randint(1, 3)))
                    if dice.random() < 0.2:
                        some.delete()
                        make(*set(own) - set(Property.objects.values_list("pk", flat=True)))
                    some.update(
                        standard_status=dice.choice(["Active", "Closed"]),
                        city=dice.choice(["Kent", "KENT", "Auburn"]),
                    )
                transaction.set_rollback(dice.random() < 0.3)
    finally:
        connection.close()


def snapshots_agree() -> bool:
    """What the tally tells and what counting finds, in the sight of one transaction."""
    with transaction.atomic():
        sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return told() == counted()


@pytest.mark.parametrize("every", [1, 3])
def test_writers_at_once_lose_and_double_nothing_at_any_moment(every):
    make(*(f"{number}-{at}" for number in range(4) for at in range(4)))
    with each_row_folds(every), ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(writer, number) for number in range(4)]
        while not all(one.done() for one in writers):
            assert snapshots_agree()
        for one in writers:
            one.result()
        assert told() == counted()


# ---- whole tables ----


def test_truncate_empties_the_tally_until_it_is_rolled_back():
    make(*KEYS)
    with transaction.atomic():
        sql("TRUNCATE listings_property CASCADE")
        assert (rows(), told()) == ([], ())
        make("A-1")
        assert told() == counted()
        transaction.set_rollback(True)
    assert told() == counted() == (City("kent", "Kent", "", 6),)
    sql("TRUNCATE listings_property CASCADE")
    assert rows() == []


def test_a_replication_session_is_tallied_too():
    make(*KEYS)
    with transaction.atomic():
        sql("SET LOCAL session_replication_role = replica")
        sql(close("A-1"))
        sql("DELETE FROM listings_property WHERE listing_key = 'A-2'")
        make("A-7")
    assert told() == counted() == (City("kent", "Kent", "", 5),)
    with transaction.atomic():
        sql("SET LOCAL session_replication_role = replica")
        sql("TRUNCATE listings_property CASCADE")
    assert rows() == []


def test_listings_that_are_loaded_from_a_dump_are_tallied_once(tmp_path):
    make(*KEYS)
    dump = str(tmp_path / "all.json")
    call_command("dumpdata", "listings", output=dump, verbosity=0)
    Property.objects.all().delete()
    call_command("loaddata", dump, verbosity=0)
    assert told() == counted() == (City("kent", "Kent", "", 6),)


def test_the_migration_counts_what_was_there():
    make(*KEYS)
    call_command("migrate", "listings", "0007", verbosity=0)
    try:
        make("A-7", city="Auburn"), make("A-8", standard_status="Closed"), make("A-9", city="")
        sql(close("A-1"))
    finally:
        call_command("migrate", "listings", verbosity=0)
    assert told() == counted()
    assert sorted(rows()) == [("", 1), ("Auburn", 1), ("Kent", 5)]
    sql(close("A-2"))
    assert told() == counted()


def test_a_tally_that_is_wrong_can_be_counted_anew():
    make(*KEYS)
    sql(
        "INSERT INTO listings_citytally (city_key, city, state_or_province, number)"
        " SELECT city_key, city, state_or_province, number FROM listings_citytally"
    )
    sql("SELECT listings_citytally_count()")
    assert told() == counted()
    assert rows() == [("Kent", 6)]
