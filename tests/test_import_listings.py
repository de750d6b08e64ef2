"""`manage.py import_listings`: what a file of King County sales becomes, once and again."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from invalidation_worker.models import ChangeEvent
from listings.importing import transfer, upsert
from listings.importing.king_county_places import CITY_BY_ZIP_CODE
from listings.models import Agent, ListingHistory, Media, Property

REAL_FILE = Path(__file__).resolve().parents[2] / "shared/data/kc_house_data.csv.gz"

HEADER = (
    "id,date,price,bedrooms,bathrooms,sqft_living,sqft_lot,floors,waterfront,view,condition,grade,"
    "sqft_above,sqft_basement,yr_built,yr_renovated,zipcode,lat,long,sqft_living15,sqft_lot15"
)
COTTAGE_LINE = (
    "7129300520,20141013T000000,221900,3,2.25,1180,5650,1.5,0,0,3,7,"
    "1000,180,1955,1991,98178,47.5112,-122.257,1340,5650"
)
COTTAGE = dict(zip(HEADER.split(","), COTTAGE_LINE.split(","), strict=True))

pytestmark = pytest.mark.django_db

Write = Callable[..., Path]


def sale(**values: str) -> dict[str, str]:
    return COTTAGE | values


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes rows as the county does: texts in quotes."""

    def write_rows(*rows: dict[str, str] | str, header: str = HEADER) -> Path:
        lines = [row if isinstance(row, str) else _line(row) for row in rows]
        path = tmp_path / "sales.csv"
        path.write_text("\n".join([header, *lines]) + "\n")
        return path

    return write_rows


def _line(row: dict[str, str]) -> str:
    texts = ("id", "zipcode")
    return ",".join(f'"{value}"' if name in texts else value for name, value in row.items())


def run(path: Path, *flags: str) -> tuple[dict[str, int], str]:
    """Import; returns the numbers of the summary by label, and what was printed on the side."""
    out, err = StringIO(), StringIO()
    call_command(
        "import_listings", str(path), "--format=king-county", *flags, stdout=out, stderr=err
    )
    rows = [line.strip("│ \n").split("│") for line in out.getvalue().splitlines() if "│" in line]
    return {label.strip(): int(number.replace(",", "")) for label, number in rows}, err.getvalue()


def versions() -> dict[str, Any]:
    """Which transaction wrote each row: a row that is written again has another."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT listing_key, xmin::text || ctid::text FROM listings_property"
            " UNION ALL SELECT media_key, xmin::text || ctid::text FROM listings_media"
            " UNION ALL SELECT history_transactional_key, xmin::text || ctid::text"
            " FROM listings_listinghistory"
        )
        return dict(cursor.fetchall())


def test_a_sale_becomes_an_active_listing(write):
    counts, _ = run(write(COTTAGE))
    assert counts["new"] == 1
    home = Property.objects.get()
    assert home.listing_key == "KC-7129300520"
    assert (home.originating_system_name, home.originating_system_key) == (
        "King County",
        "7129300520",
    )
    assert (home.standard_status, home.close_price) == ("Active", None)
    assert home.list_price == 221900
    assert (home.property_type, home.property_sub_type) == (
        "Residential",
        "Single Family Residence",
    )
    assert [home.bedrooms_total, home.living_area, home.lot_size_square_feet] == [3, 1180, 5650]
    assert (home.year_built, home.stories_total, home.waterfront_yn) == (1955, 2, False)
    assert (home.city, home.city_key, home.state_or_province) == ("Seattle", "seattle", "WA")
    assert (home.postal_code, home.county_or_parish) == ("98178", "King")
    assert (home.latitude, home.longitude) == (Decimal("47.5112"), Decimal("-122.257"))
    assert home.parcel_number == "7129300520"
    sold = datetime(2014, 10, 13, tzinfo=UTC)
    assert home.original_entry_timestamp == home.modification_timestamp == sold
    assert home.public_remarks == (
        "House in Seattle with 1.5 floors, built in 1955 and renovated in 1991. Construction "
        "grade 7 of 13, in average condition. 1,000 square feet above ground and 180 in the "
        "basement."
    )


def test_a_listing_comes_with_a_drawing_of_its_front(write):
    run(write(COTTAGE))
    media = Media.objects.get()
    assert media.property_id == "KC-7129300520"
    assert media.media_url == "/photos/house/KC-7129300520-m0.svg"


@pytest.mark.parametrize(
    ("bathrooms", "full", "half", "total"),
    [("2.25", 2, 1, 3), ("1", 1, 0, 1), ("0.75", 0, 1, 1), ("2.5", 2, 1, 3), ("0", 0, 0, 0)],
)
def test_a_part_of_a_bathroom_is_one_half_bathroom(write, bathrooms, full, half, total):
    run(write(sale(bathrooms=bathrooms)))
    home = Property.objects.get()
    counted = (home.bathrooms_full, home.bathrooms_half, home.bathrooms_total_integer)
    assert counted == (full, half, total)


def test_waterfront_and_view_are_told(write):
    run(write(sale(waterfront="1", view="4")))
    home = Property.objects.get()
    assert home.waterfront_yn
    assert home.view == "See Remarks"
    assert home.public_remarks.endswith("On the waterfront. With an excellent view.")


def test_the_latest_sale_is_the_listing_and_earlier_ones_its_history(write):
    path = write(
        sale(date="20150101T000000", price="300000"),
        sale(date="20140601T000000", price="200000"),
        sale(date="20141013T000000", price="250000"),
    )
    run(path)
    assert Property.objects.get().list_price == 300000
    told = [
        (h.change_type, h.previous_value, h.new_value, h.modification_timestamp.date())
        for h in ListingHistory.objects.order_by("modification_timestamp")
    ]
    assert told == [
        ("Closed", "", "200000", date(2014, 6, 1)),
        ("Closed", "200000", "250000", date(2014, 10, 13)),
    ]


def test_of_two_rows_for_one_day_the_later_line_counts(write):
    counts, _ = run(write(COTTAGE, sale(price="230000")))
    assert (counts["new"], counts["skipped (repeated rows)"]) == (1, 1)
    assert Property.objects.get().list_price == 230000
    assert not ListingHistory.objects.exists()


def test_as_sold_closes_at_the_price_and_on_the_day(write):
    run(write(COTTAGE), "--as-sold")
    home = Property.objects.get()
    assert home.standard_status == "Closed"
    assert home.close_price == 221900
    assert home.close_date == date(2014, 10, 13)


def test_an_import_repeated_touches_no_row(write):
    path = write(COTTAGE, sale(date="20140601T000000", price="200000"), sale(id="1", price="7.5"))
    run(path)
    before, events = versions(), ChangeEvent.objects.count()
    counts, _ = run(path)
    assert (counts["new"], counts["changed"], counts["unchanged"]) == (0, 0, 2)
    assert versions() == before
    assert len(before) == 5
    assert ChangeEvent.objects.count() == events > 0


def test_only_what_changed_is_written(write):
    run(write(COTTAGE, sale(id="2"), sale(id="3")))
    before = versions()
    counts, _ = run(write(COTTAGE, sale(id="2", price="5"), sale(id="3"), sale(id="4")))
    assert [counts[name] for name in ("new", "changed", "unchanged")] == [1, 1, 2]
    after = versions()
    touched = {key for key in before if before[key] != after[key]}
    assert touched == {"KC-0000000002"}
    assert after.keys() - before.keys() == {"KC-0000000004", "KC-0000000004-m0"}


def test_a_later_sale_updates_the_listing_and_keeps_what_editors_own(write):
    run(write(COTTAGE))
    agent = Agent.objects.create(member_key="A1", member_full_name="Ann")
    Property.objects.update(list_agent=agent, internet_address_display_yn=False)
    Media.objects.all().delete()
    counts, _ = run(write(COTTAGE, sale(date="20150301T000000", price="400000")))
    assert counts["changed"] == 1
    home = Property.objects.get()
    assert home.list_price == 400000
    assert home.list_agent == agent
    assert not home.internet_address_display_yn
    assert not Media.objects.exists()
    assert ListingHistory.objects.get().new_value == "221900"


def test_what_an_editor_changed_since_is_not_overwritten(write):
    path = write(COTTAGE)
    run(path)
    home = Property.objects.get()
    home.list_price = Decimal(199000)
    home.save()
    assert home.modification_timestamp.year == timezone.now().year
    counts, _ = run(path)
    assert (counts["changed"], counts["skipped (modified here later)"]) == (0, 1)
    assert Property.objects.get().list_price == 199000


def test_an_older_file_does_not_undo_a_newer_one(write):
    run(write(sale(date="20150301T000000", price="400000")))
    counts, _ = run(write(COTTAGE))
    assert counts["skipped (modified here later)"] == 1
    assert Property.objects.get().list_price == 400000


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"date": "20141313T000000"}, "date '20141313T000000' is not a date"),
        ({"date": ""}, "date '' is not a date"),
        ({"price": "-1"}, "price '-1' is not from 0"),
        ({"price": "much"}, "price 'much' is not a number"),
        ({"price": "NaN"}, "price 'NaN' is not a number"),
        ({"price": "1_000"}, "price '1_000' is not a number"),
        ({"price": "1e999999999"}, "price '1e999999999' is not from 0"),
        ({"bedrooms": "2.5"}, "bedrooms '2.5' is not a whole number"),
        ({"zipcode": "10001"}, "zipcode '10001' is not a ZIP code of King County"),
        ({"lat": "91"}, "lat '91' is not from -90 to 90"),
        ({"yr_built": "0"}, "yr_built '0' is not from 1600"),
        ({"id": "12-34"}, "id '12-34' is not a parcel number"),
        ({"id": ""}, "id '' is not a parcel number"),
    ],
)
def test_a_bad_row_is_reported_and_the_rest_goes_in(write, values, reason):
    counts, said = run(write(sale(id="1"), sale(id="2") | values, sale(id="3")))
    assert f"line 3: {reason}" in said
    assert (counts["new"], counts["bad rows"]) == (2, 1)
    keys = set(Property.objects.values_list("listing_key", flat=True))
    assert keys == {"KC-0000000001", "KC-0000000003"}


def test_a_row_of_too_few_columns_is_bad(write):
    counts, said = run(write(COTTAGE, '"1",20141013T000000,5', "", sale(id="3") | {"long": "1,2"}))
    assert "line 3: has 3 columns where the header has 21" in said
    assert "line 5: has 22 columns where the header has 21" in said
    assert (counts["new"], counts["bad rows"]) == (1, 2)


def test_a_quote_that_never_ends_is_a_bad_row(write):
    counts, said = run(write(COTTAGE, '"1,20141013T000000,5'))
    assert "unexpected end of data" in said
    assert (counts["new"], counts["bad rows"]) == (1, 1)


def test_dirty_but_possible_rows_go_in_as_they_are(write):
    counts, _ = run(write(sale(bedrooms="33", price="1.00075e+006", bathrooms="0")))
    assert counts["new"] == 1
    home = Property.objects.get()
    assert (home.bedrooms_total, home.list_price) == (33, Decimal(1000750))


def test_a_missing_column_is_one_error_before_anything_is_written(write):
    path = write("1,2", header="id,date")
    with pytest.raises(CommandError, match=r"the header lacks price, bedrooms.*\n?Nothing was"):
        run(path)
    assert not Property.objects.exists()


def test_an_empty_file_is_an_error(tmp_path):
    path = tmp_path / "empty.csv"
    path.touch()
    with pytest.raises(CommandError, match="the header lacks id"):
        run(path)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        run(tmp_path / "nowhere.csv")


def test_a_gzipped_file_is_read_whatever_its_name(write):
    path = write(COTTAGE)
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert run(path)[0]["new"] == 1


def test_a_damaged_gzip_writes_nothing(write):
    path = write(*(sale(id=str(number)) for number in range(500)))
    path.write_bytes(gzip.compress(path.read_bytes())[:-900])
    with pytest.raises(CommandError, match="Nothing was written"):
        run(path)
    assert not Property.objects.exists()


def test_bytes_that_are_not_text_spoil_their_row_only(write):
    path = write(COTTAGE, sale(id="2", price="PRICE"))
    path.write_bytes(path.read_bytes().replace(b"PRICE", b"\xff\xfe"))
    counts, said = run(path)
    assert (counts["new"], counts["bad rows"]) == (1, 1)
    assert "line 3: price" in said


def test_a_dry_run_counts_and_writes_nothing(write):
    run(write(COTTAGE))
    before = versions()
    out = StringIO()
    path = write(sale(price="5"), sale(id="2"), sale(id="3", price="-1"))
    counts, said = run(path, "--dry-run")
    assert [counts[name] for name in ("new", "changed", "bad rows")] == [1, 1, 1]
    assert versions() == before
    assert "line 4" in said
    flags = ("--format=king-county", "--dry-run")
    call_command("import_listings", str(path), *flags, stdout=out, stderr=StringIO())
    assert "Dry run: nothing was written." in out.getvalue()


def test_a_key_that_belongs_to_another_listing_is_a_bad_row(write):
    Property.objects.create(listing_key="KC-0000000002", list_price=1)
    counts, said = run(write(COTTAGE, sale(id="2")))
    assert "line 3: key KC-0000000002 is that of a listing from elsewhere" in said
    assert (counts["new"], counts["bad rows"]) == (1, 1)
    assert Property.objects.get(listing_key="KC-0000000002").list_price == 1


@pytest.mark.django_db(transaction=True)
def test_an_interrupted_import_keeps_whole_batches_and_is_completed(write, monkeypatch):
    monkeypatch.setattr(transfer, "BATCH", 3)
    calls: list[object] = []

    def power_cut(*args):
        outcomes = upsert.upsert(*args)
        calls.append(outcomes)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return outcomes

    path = write(*(sale(id=str(number)) for number in range(10)))
    monkeypatch.setattr(transfer, "upsert", power_cut)
    with pytest.raises(KeyboardInterrupt):
        run(path)
    assert Property.objects.count() == Media.objects.count() == 6
    counts, _ = run(path)
    assert (counts["new"], counts["unchanged"]) == (4, 6)
    assert Media.objects.count() == 10


def test_every_zip_code_has_one_city():
    assert len(CITY_BY_ZIP_CODE) == 70
    assert set(map(len, CITY_BY_ZIP_CODE)) == {5}
    assert CITY_BY_ZIP_CODE["98052"] == "Redmond"


@pytest.mark.timeout(240)  # two imports, also on a busy machine
@pytest.mark.django_db(transaction=True)
def test_the_real_file_goes_in_whole_and_again_changes_nothing():
    if not REAL_FILE.is_file():
        pytest.skip("kc_house_data.csv.gz is not beside the project, in ../shared/data")
    counts, said = run(REAL_FILE)
    assert said.count("line ") == 0
    assert (counts["new"], counts["bad rows"]) == (21_436, 0)
    assert ListingHistory.objects.count() == 177
    assert Property.objects.filter(bedrooms_total=33).count() == 1
    before = versions()
    counts, _ = run(REAL_FILE)
    assert counts["unchanged"] == 21_436
    assert versions() == before
