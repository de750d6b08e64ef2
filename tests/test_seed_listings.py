"""`manage.py seed_listings`: what it makes, that it makes the same again, and how it fails."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from statistics import mean, median
from typing import Any

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Count, F, Min, Model

from invalidation_worker.models import ChangeEvent
from listings.copying import MODELS
from listings.inventory import batch, seeding
from listings.inventory.batch import Inventory
from listings.inventory.cities import CITIES
from listings.inventory.listing import Listing, listing
from listings.inventory.makers import MakerEndedError, makers
from listings.inventory.people import staff
from listings.models import Agent, ListingHistory, Media, Office, OpenHouse, Property
from listings.photos import SCENES
from listings.search import PropertySearch
from listings.vocabulary import StandardStatus
from tests.processes import lives
from tests.waiting import eventually

PROJECT = Path(__file__).resolve().parent.parent

# Has listings made and is killed in the middle; writes down who makes them.
KILLED = """
import multiprocessing, os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from listings.inventory.makers import Inventory, makers

with makers(Inventory(3, 30, datetime(2026, 3, 15, tzinfo=UTC)), 2) as make:
    next(make(range(n, n + 1) for n in range(30)))
    pids = [str(process.pid) for process in multiprocessing.active_children()]
    Path(sys.argv[1]).write_text(" ".join(pids))
    os.kill(os.getpid(), signal.SIGKILL)
"""

ANCHOR = datetime(2026, 3, 15, tzinfo=UTC)
TABLES: tuple[type[Model], ...] = (Property, Media, OpenHouse, ListingHistory, Agent, Office)


def seed(count: int, *more: str, seed: int = 3) -> str:
    """Run the command on this test's own connection; returns what it printed."""
    out = StringIO()
    call_command(
        "seed_listings",
        f"--count={count}",
        f"--seed={seed}",
        "--as-of=2026-03-15",
        "--jobs=1",
        *more,
        stdout=out,
        stderr=StringIO(),
    )
    return out.getvalue()


def everything() -> list[list[Any]]:
    return [sorted(model._default_manager.values_list()) for model in TABLES]


def remove_everything() -> None:
    for model in (OpenHouse, ListingHistory, Media, Property, Agent, Office):
        model._default_manager.all().delete()


def definitions() -> list[tuple[str, ...]]:
    """All indexes and constraints that there are.

    Without brackets and types of texts: PostgreSQL writes `ARRAY['a'::varchar]::text[]` and reads
    its own words as `ARRAY['a'::varchar::text]`, which is the same to it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            r"""
            SELECT indexname,
                regexp_replace(indexdef, '::(character varying|text)(\[\])?|[()]', '', 'g')
            FROM pg_indexes WHERE schemaname = 'public'
            UNION ALL SELECT conname, concat(conrelid::regclass, pg_get_constraintdef(oid),
                convalidated) FROM pg_constraint ORDER BY 1, 2
            """
        )
        return cursor.fetchall()


@pytest.fixture(scope="module")
def inventory() -> list[Listing]:
    people = staff(3, 4_000, ANCHOR)
    return [listing(3, number, people, ANCHOR) for number in range(4_000)]


@pytest.mark.django_db
def test_the_same_arguments_make_the_same_rows():
    seed(60)
    first = everything()
    remove_everything()
    seed(60)
    assert everything() == first
    assert all(first)


def test_another_seed_makes_another_inventory(inventory):
    other = listing(4, 0, staff(4, 4_000, ANCHOR), ANCHOR)
    assert other.property.public_remarks != inventory[0].property.public_remarks
    assert other.property.listing_key == "S4-0000000"


def test_a_later_date_moves_only_dates(inventory):
    later = ANCHOR + timedelta(days=1)
    people = staff(3, 4_000, later)
    for number in range(200):
        moved = listing(3, number, people, later).property
        entered = moved.original_entry_timestamp - timedelta(days=1)
        assert entered == inventory[number].property.original_entry_timestamp
        assert moved.list_price == inventory[number].property.list_price
        assert moved.public_remarks == inventory[number].property.public_remarks


def test_a_listing_does_not_depend_on_the_size_but_for_its_agent(inventory):
    small = listing(3, 7, staff(3, 50, ANCHOR), ANCHOR)
    people = {"list_agent_id": None, "list_office_id": None}
    in_small = msgspec.structs.replace(small.property, **people)
    assert in_small == msgspec.structs.replace(inventory[7].property, **people)
    assert small.media == inventory[7].media


@pytest.mark.django_db
def test_seeding_again_writes_nothing_and_says_so(django_assert_max_num_queries):
    seed(30)
    before = everything()
    with django_assert_max_num_queries(6) as queries:
        said = seed(30)
    assert "Nothing to do: all 30 listings are there already" in said
    assert not [q for q in queries if not q["sql"].startswith(("SELECT", "SAVEPOINT", "RELEASE"))]
    assert everything() == before


@pytest.fixture
def power_cut(monkeypatch):
    """The third chunk is not written."""
    monkeypatch.setattr(seeding, "CHUNK", 10)
    write, calls = seeding._write, []

    def cut(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        write(*args)

    monkeypatch.setattr(seeding, "_write", cut)


@pytest.mark.django_db
def test_filling_an_empty_inventory_leaves_indexes_and_constraints_as_they_were():
    before = definitions()
    seed(30)
    assert definitions() == before


@pytest.mark.django_db
def test_an_interrupted_filling_leaves_nothing_and_is_done_by_the_next(power_cut):
    before = definitions()
    with pytest.raises(KeyboardInterrupt):
        seed(45)
    assert not Property.objects.exists()
    assert definitions() == before
    assert "Added 45 listings in" in seed(45)


@pytest.mark.django_db
def test_what_does_not_go_in_at_once_is_added_in_chunks(monkeypatch):
    seed(45)
    whole = everything()
    remove_everything()
    monkeypatch.setattr(seeding, "CHUNK", 10)
    monkeypatch.setattr(seeding, "LARGEST_FILL", 20)
    assert "Added 45 listings in" in seed(45)
    assert everything() == whole


@pytest.mark.django_db
def test_an_interrupted_seeding_is_completed_by_the_next(monkeypatch, power_cut):
    monkeypatch.setattr(seeding, "LARGEST_FILL", 10)
    with pytest.raises(KeyboardInterrupt):
        seed(45)
    assert Property.objects.count() == 20
    assert "Added 25 listings (20 were there already)" in seed(45)
    piecemeal = everything()
    remove_everything()
    seed(45)
    assert everything() == piecemeal


@pytest.mark.django_db
@pytest.mark.parametrize("there", [0, 10])
def test_what_is_written_at_once_is_whole_or_absent(monkeypatch, there):
    monkeypatch.setattr(seeding, "CHUNK", 10)
    if there:
        seed(there)
    monkeypatch.setattr(batch, "listing", lambda *args: _with_impossible_media(listing(*args)))
    with pytest.raises(CommandError, match=r"(?s)The database refused.*run again to complete"):
        seed(20)
    assert Property.objects.count() == there


def _with_impossible_media(made: Listing) -> Listing:
    for record in made.media:
        record.media_category = "Hologram"
    return made


@pytest.mark.django_db
def test_filling_an_empty_inventory_is_logged_as_a_change_of_whole_tables(monkeypatch):
    monkeypatch.setattr(seeding, "LARGEST_FILL", 20)
    ChangeEvent.objects.all().delete()  # that the tables were emptied for this test is logged, too
    logged = ChangeEvent.objects.filter(table_name=Property._meta.db_table)
    seed(25)
    assert len(logged) == 2  # 20 at once, and the others
    assert not ChangeEvent.objects.exclude(after=None).exists()
    logged.delete()
    seed(27)  # now the caches may hold something worth keeping
    assert [event.after and event.after["listing_key"] for event in logged.all()] == [
        "S3-0000025",
        "S3-0000026",
    ]


@pytest.mark.django_db(transaction=True)
def test_several_jobs_write_what_one_would(monkeypatch):
    monkeypatch.setattr(seeding, "CHUNK", 10)
    monkeypatch.setattr(seeding, "LARGEST_FILL", 60)
    seed(110)
    alone = everything()
    remove_everything()
    seed(110, "--jobs=3")
    assert everything() == alone


@pytest.mark.django_db(transaction=True)
def test_an_error_among_several_jobs_is_reported_and_ends_them(monkeypatch):
    monkeypatch.setattr(seeding, "CHUNK", 10)
    before = definitions()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE listings_media ADD CONSTRAINT no_photos CHECK (false)")
    try:
        with pytest.raises(CommandError, match="The database refused"):
            seed(50, "--jobs=2")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE listings_media DROP CONSTRAINT no_photos")
    assert not Property.objects.exists()
    assert definitions() == before
    assert not multiprocessing.active_children()


def test_batches_come_in_the_order_of_their_numbers():
    groups = [range(start, start + 3) for start in range(0, 30, 3)]
    with makers(Inventory(3, 30, ANCHOR), 1) as make:
        one_by_one = list(make(groups))
    with makers(Inventory(3, 30, ANCHOR), 2) as make:
        assert list(make(groups)) == one_by_one


def test_a_maker_that_was_ended_is_missed():
    with makers(Inventory(3, 30, ANCHOR), 2) as make:
        batches = make(range(n, n + 1) for n in range(30))
        next(batches)
        for process in multiprocessing.active_children():
            process.kill()
        with pytest.raises(MakerEndedError):
            list(batches)


def test_makers_end_with_whoever_wanted_them(tmp_path):
    pids_file = tmp_path / "pids"
    subprocess.run([sys.executable, "-c", KILLED, str(pids_file)], cwd=PROJECT, check=False)
    pids = [int(pid) for pid in pids_file.read_text().split()]
    assert len(pids) == 2
    eventually(lambda: not any(lives(pid) for pid in pids))


@pytest.mark.django_db
def test_no_row_refers_to_a_row_that_is_not_there():
    seed(200)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert not Property.objects.filter(list_agent=None).exists()
    assert not Property.objects.exclude(list_agent__office=F("list_office")).exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--count=0"], "'0' is not a whole number from 1 to 10000000"),
        (["--count=many"], "'many' is not a whole number"),
        (["--count=5", "--seed=-1"], "'-1' is not a whole number from 0"),
        (["--count=5", "--as-of=tomorrow"], "'tomorrow' is not a date such as"),
        (["--count=5", "--as-of=0001-01-01"], "is not between 1990 and 2190"),
        (["--count=5", "--jobs=99"], "'99' is not a whole number from 1 to 16"),
        ([], "--count"),
    ],
)
def test_an_argument_that_is_not_allowed_is_named(arguments, complaint):
    with pytest.raises(CommandError, match=complaint):
        call_command("seed_listings", *arguments)


def test_records_have_every_column_that_can_be_written():
    for kind, model in MODELS.items():
        columns = {f.attname for f in model._meta.concrete_fields if not f.generated}
        assert set(kind.__struct_fields__) == columns


def test_sizes_of_cities_follow_zipf(inventory):
    counts = Counter(one.property.city for one in inventory)
    first = counts[CITIES[0].name]
    assert counts.most_common(1)[0][0] == CITIES[0].name
    for rank in (2, 4, 8):
        assert counts[CITIES[rank - 1].name] == pytest.approx(first / rank, rel=0.35)


def test_statuses_have_their_shares(inventory):
    shares = Counter(one.property.standard_status for one in inventory)
    percent = {status: 100 * number / len(inventory) for status, number in shares.items()}
    assert percent[StandardStatus.ACTIVE] == pytest.approx(70, abs=3)
    assert percent[StandardStatus.PENDING] == pytest.approx(8, abs=2)
    assert percent[StandardStatus.CLOSED] == pytest.approx(6, abs=2)
    assert set(percent) == set(StandardStatus) - {StandardStatus.DELETE}


def test_only_closed_listings_were_sold(inventory):
    for one in inventory:
        closed = one.property.standard_status == StandardStatus.CLOSED
        assert (one.property.close_price is not None) is closed
        assert (one.property.close_date is not None) is closed


def test_land_has_no_rooms_and_homes_have_some(inventory):
    land = [one.property for one in inventory if one.property.property_type == "Land"]
    homes = [one.property for one in inventory if one.property.property_type == "Residential"]
    assert land
    assert all(p.bedrooms_total is None and p.living_area is None for p in land)
    assert all(p.lot_size_square_feet for p in land)
    assert all(p.living_area and p.bathrooms_total_integer for p in homes)


def test_leases_cost_by_the_month(inventory):
    rents = [o.property.list_price for o in inventory if "Lease" in o.property.property_type]
    assert 800 < median(rents) < 5_000


def test_larger_homes_and_dearer_cities_cost_more(inventory):
    houses = [
        one.property
        for one in inventory
        if one.property.property_sub_type == "Single Family Residence"
        and one.property.property_type == "Residential"
    ]
    size = median(p.living_area for p in houses)
    large = median(p.list_price for p in houses if p.living_area > size)
    small = median(p.list_price for p in houses if p.living_area <= size)
    assert large > 1.3 * small
    in_new_york = median(p.list_price for p in houses if p.city == "New York")
    assert in_new_york > 2 * median(p.list_price for p in houses if p.city == "Houston")


def test_entries_are_recent_past_and_never_at_the_same_moment(inventory):
    moments = [one.property.original_entry_timestamp for one in inventory]
    assert len(set(moments)) == len(moments)
    assert max(one.property.modification_timestamp for one in inventory) < ANCHOR
    last_week = [moment for moment in moments if moment > ANCHOR - timedelta(days=7)]
    assert 0.10 < len(last_week) / len(moments) < 0.25


def test_price_cuts_agree_with_history(inventory):
    cut = [one for one in inventory if one.property.previous_list_price]
    assert 0.15 < len(cut) / len(inventory) < 0.27
    for one in cut:
        changes = [h for h in one.history if h.change_type == "Price Change"]
        assert str(one.property.list_price) == changes[-1].new_value
        assert str(one.property.original_list_price) == changes[0].previous_value
        assert one.property.list_price < one.property.previous_list_price
    changed = [one.history for one in inventory if one.history]
    assert all(history[0].change_type == "New Listing" for history in changed)
    assert 0.3 < len(changed) / len(inventory) < 0.6


def test_a_listing_has_up_to_eight_photos_and_three_on_average(inventory):
    counts = [len(one.media) for one in inventory]
    assert (min(counts), max(counts)) == (0, 8)
    assert mean(counts) == pytest.approx(3, abs=0.15)
    scenes = {record.media_url.split("/")[2] for one in inventory for record in one.media}
    assert scenes <= set(SCENES)


def test_open_houses_are_in_the_coming_fortnight_of_active_listings(inventory):
    visits = [(one.property, visit) for one in inventory for visit in one.open_houses]
    assert visits
    for home, visit in visits:
        assert home.standard_status == StandardStatus.ACTIVE
        assert ANCHOR < visit.open_house_start_time < ANCHOR + timedelta(days=14)
        assert visit.open_house_start_time < visit.open_house_end_time


def test_some_sellers_opt_out_of_display(inventory):
    hidden = [o for o in inventory if not o.property.internet_entire_listing_display_yn]
    silent = [o for o in inventory if not o.property.internet_address_display_yn]
    assert 0.005 < len(hidden) / len(inventory) < 0.03
    assert 0.005 < len(silent) / len(inventory) < 0.03


def test_remarks_are_varied_and_tell_the_facts(inventory):
    remarks = [one.property.public_remarks for one in inventory]
    assert len(set(remarks)) > 0.99 * len(remarks)
    assert not [text for text in remarks if "{" in text or "None" in text]
    pools = [o.property for o in inventory if o.property.pool_private_yn]
    assert pools
    assert all("swimming pool" in home.public_remarks for home in pools)


def test_agents_share_the_listings_unevenly_and_offices_the_agents():
    people = staff(3, 4_000, ANCHOR)
    assert len(people.agents) == 100
    assert len(people.offices) == 9
    assert staff(3, 8_000, ANCHOR).agents[:100] == people.agents


@pytest.mark.django_db
def test_what_is_seeded_can_be_searched():
    seed(300)
    search = PropertySearch.parse({"q": "quartz kitchen"})
    found = search.filter(Property.objects.all())
    assert 0 < found.count() < 150
    assert all("quartz" in home.public_remarks for home in found)
    assert Property.objects.aggregate(least=Min("list_price"))["least"] > 0
    assert Property.objects.aggregate(cities=Count("city_key", distinct=True))["cities"] > 10
