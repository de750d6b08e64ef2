"""`PropertySearch`: what it finds in PostgreSQL, what it says of a row, and how it is written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from invalidation_worker.change_log import Image, claim, decoded
from invalidation_worker.models import ChangeEvent
from listings.full_text import found_by_words
from listings.models import Property
from listings.search import LAST_PAGE, Answer, InvalidSearch, PropertySearch
from listings.vocabulary import ON_MARKET, PUBLIC, PropertySubType, PropertyType, StandardStatus

FIELDS = {field.name for field in fields(PropertySearch)}
MOMENT = datetime(2025, 6, 1, 12, tzinfo=UTC)

# One transaction serves all examples of a test: each leaves the tables as it found them.
on_database = settings(
    max_examples=100,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
pure = settings(max_examples=200, deadline=None, database=None)


@pytest.fixture
def database(db):
    """Empty tables and an empty change log; what a test writes is rolled back."""
    ChangeEvent.objects.all().delete()


def listing(key: str = "A-1", **columns: Any) -> Property:
    return Property(listing_key=key, **{"list_price": 500_000, **columns})


def put(*listings: Property) -> list[Image]:
    """Store listings. Returns what the change log's images say of each."""
    Property.objects.bulk_create(listings)
    return [event.after for event in logged()]


def take_away() -> list[Image]:
    """Delete every listing. Returns what the change log's images say of each."""
    Property.objects.all().delete()
    return [event.before for event in logged()]


def logged() -> list[Any]:
    with transaction.atomic():
        rows = [decoded(row) for row in claim(1_000).rows]
        # In the test's own transaction it would last to the end, and tests may be slow.
        connection.cursor().execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        return rows


def found(search: PropertySearch) -> set[str]:
    return set(search.filter(Property.objects.all()).values_list("listing_key", flat=True))


def found_in_order(**parameters: str) -> list[str]:
    search = PropertySearch.parse(parameters)
    rows = search.filter(Property.objects.all()).order_by(*search.sort.order)
    return list(rows.values_list("listing_key", flat=True))


def reparsed(search: PropertySearch) -> PropertySearch:
    return PropertySearch.parse(dict(parse_qsl(search.canonical(), strict_parsing=True)))


def assert_readings_agree(search: PropertySearch, images: Iterable[Image]) -> None:
    keys, images = found(search), list(images)
    with_words = {number for _, number in found_by_words([search.q], images)}
    for number, image in enumerate(images):
        answer, is_found = search.matches(image), image["listing_key"] in keys
        if answer is Answer.MAYBE:
            assert is_found is (number in with_words), image
        if not search.q:
            assert answer is (Answer.YES if is_found else Answer.NO), image
        elif is_found:
            assert answer is Answer.MAYBE, image
        else:
            assert answer is not Answer.YES, image


# ---- the two readings, case by case ----

# the column, the parameter, and values of the column that it leaves out and takes in
Case = tuple[str, str, list[Any], list[Any]]

LEAST: dict[str, Case] = {
    "list_price_min": ("list_price", "500,000", ["499999.99", "0"], ["500000", "500000.01"]),
    "bedrooms_min": ("bedrooms_total", "3", [2, 0], [3, 4, 32_767]),
    "bathrooms_min": ("bathrooms_total_integer", "2", [1, 0], [2, 3, 32_767]),
    "living_area_min": ("living_area", "2000", ["1999.99", "0"], ["2000", "2000.01"]),
    "year_built_min": ("year_built", "1990", [1989, 1600], [1990, 2200]),
}
MOST: dict[str, Case] = {
    "list_price_max": ("list_price", "$500,000", ["500000.01"], ["500000", "499999.99", "0"]),
    "living_area_max": ("living_area", "2000", ["2000.01"], ["2000.00", "1999.99", "0"]),
}
ZERO: dict[str, Case] = {
    "list_price_min of 0": ("list_price", "0", [], ["0", "0.01"]),
    "list_price_max of 0": ("list_price", "0", ["0.01"], ["0"]),
    "bedrooms_min of 0": ("bedrooms_total", "0", [None], [0, 1]),
    "living_area_max of 0": ("living_area", "0", [None, "0.01"], ["0"]),
}
BIG: dict[str, Case] = {
    "list_price_min of much": (
        "list_price",
        "999999999999.99",
        ["999999999999.98"],
        ["999999999999.99"],
    ),
    "list_price_max of most": ("list_price", "1e12", [], ["999999999999.99"]),
    "living_area_max of most": (
        "living_area",
        "10000000",
        ["10000000.01", "999999999999.99"],
        ["9999999.99"],
    ),
}
CHOICES: dict[str, Case] = {
    "city": ("city", "federal way", ["", "Federal", "Kent"], ["Federal Way", "FEDERAL-WAY"]),
    "state_or_province": ("state_or_province", "wa", ["", "OR", "wa"], ["WA"]),
    "postal_code": ("postal_code", "98001", ["", "98002", "98001-1234"], ["98001"]),
    "property_type": ("property_type", "land", ["Residential", "Farm"], ["Land"]),
    "property_sub_type": ("property_sub_type", "cabin", ["", "Farm"], ["Cabin"]),
    "standard_status": (
        "standard_status",
        "closed",
        [status for status in StandardStatus if status != StandardStatus.CLOSED],
        [StandardStatus.CLOSED],
    ),
}
CASES = {**LEAST, **MOST, **ZERO, **BIG, **CHOICES}


@pytest.mark.parametrize("case", CASES)
def test_both_readings_leave_out_and_take_in_the_same_values(database, case):
    column, raw, out, within = CASES[case]
    if Property._meta.get_field(column).null:
        out = [*out, None]
    search = PropertySearch.parse({case.split()[0]: raw})
    rows = [listing(f"out-{n}", **{column: value}) for n, value in enumerate(out)]
    rows += [listing(f"in-{n}", **{column: value}) for n, value in enumerate(within)]

    images = put(*rows)

    assert found(search) == {f"in-{n}" for n in range(len(within))}
    assert {image["listing_key"]: search.matches(image) for image in images} == {
        row.pk: Answer.YES if row.pk.startswith("in-") else Answer.NO for row in rows
    }


def test_every_filter_has_a_case():
    covered = {name.split()[0] for name in CASES}
    assert covered | {"q", "sort", "page"} == FIELDS


@pytest.mark.parametrize("status", StandardStatus)
@pytest.mark.parametrize("displayed", [True, False])
def test_without_a_status_a_search_finds_what_is_displayed_and_on_the_market(
    database, status, displayed
):
    row = listing(standard_status=status, internet_entire_listing_display_yn=displayed)
    (image,) = put(row)
    expected = displayed and status in ON_MARKET
    assert bool(found(PropertySearch())) is expected
    assert PropertySearch().matches(image) is (Answer.YES if expected else Answer.NO)


@pytest.mark.parametrize("status", PUBLIC)
def test_a_listing_that_is_not_displayed_is_in_no_search(database, status):
    row = listing(standard_status=status, internet_entire_listing_display_yn=False)
    (image,) = put(row)
    search = PropertySearch.parse({"standard_status": status})
    assert not found(search)
    assert search.matches(image) is Answer.NO


def test_a_listing_that_withholds_only_its_address_is_found(database):
    (image,) = put(listing(internet_address_display_yn=False))
    assert found(PropertySearch()) == {"A-1"}
    assert PropertySearch().matches(image) is Answer.YES


@pytest.mark.parametrize(
    ("price", "area"), [(500_000, 1_999), (Decimal("500000.00"), 1999.5), ("500000.00", "1999.50")]
)
def test_numbers_of_an_image_may_come_as_int_decimal_float_or_text(database, price, area):
    (image,) = put(listing(living_area=Decimal("1999.50")))
    row = {**image, "list_price": price, "living_area": area}
    inside = {"list_price_min": "500000", "list_price_max": "500000", "living_area_max": "2000"}
    assert PropertySearch.parse(inside).matches(row) is Answer.YES
    for outside in ({"list_price_min": "500000.01"}, {"living_area_min": "2000"}):
        assert PropertySearch.parse(outside).matches(row) is Answer.NO


@pytest.mark.parametrize("column", ["list_price", "living_area"])
def test_both_readings_agree_on_what_is_not_a_number_if_it_can_be_stored_at_all(database, column):
    """PostgreSQL has NaN, which is above every number there, so a constraint `>= 0` lets it in."""
    Property.objects.bulk_create([listing()])
    with contextlib.suppress(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE listings_property SET {column} = 'NaN'")
    image = logged()[-1].after
    for bound in ("min", "max"):
        assert_readings_agree(PropertySearch.parse({f"{column}_{bound}": "5"}), [image])


# ---- full text ----

WORDS = {"public_remarks": "Views of the lake and a quiet garden", "city": "Kent"}


@pytest.mark.parametrize(
    ("q", "is_found"),
    [
        ("lake view", True),  # stemmed, in any order
        ("LAKE", True),
        ('"quiet garden"', True),
        ('"garden quiet"', False),
        ("lake -garden", False),
        ("ocean or lake", True),
        ("ocean", False),
        ("kent lake", True),
        ("the", False),  # nothing but a stop word
        ("!&|:*()<->", False),
        ("'; DROP TABLE x; --", False),
        ("back\\slash %s %(x)s", False),
    ],
)
def test_words_are_for_the_database_to_judge(database, q, is_found):
    (image,) = put(listing(**WORDS))
    search = PropertySearch.parse({"q": q})
    assert bool(found(search)) is is_found
    assert search.matches(image) is Answer.MAYBE


@pytest.mark.parametrize(
    "other",
    [
        {"city": "seattle"},
        {"bedrooms_min": "1"},  # unknown in this listing
        {"list_price_max": "499,999.99"},
        {"standard_status": "Closed"},
    ],
)
def test_where_another_filter_says_no_words_do_not_matter(database, other):
    (image,) = put(listing(**WORDS))
    search = PropertySearch.parse({"q": "lake", **other})
    assert not found(search)
    assert search.matches(image) is Answer.NO


def test_a_withheld_address_cannot_be_probed_by_words(database):
    put(
        listing("shown", unparsed_address="12 Heron Lane"),
        listing("withheld", unparsed_address="12 Heron Lane", internet_address_display_yn=False),
    )
    assert found(PropertySearch.parse({"q": "heron lane"})) == {"shown"}


def test_private_remarks_cannot_be_probed_by_words(database):
    put(listing(private_remarks="The lockbox code is pelican"))
    assert not found(PropertySearch.parse({"q": "pelican"}))


# ---- the two readings, whatever is asked ----

CENT = Decimal("0.01")
AMOUNTS = [
    Decimal(text) for text in ("0", "0.01", "1000", "499999.99", "500000", "999999999999.99")
]
CITIES = ["", "Kent", "KENT", "Federal Way", "federal--way", "Saint-Rémi", "---"]


def mostly(usual: object, others: Iterable[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.just(usual), st.just(usual), st.sampled_from(list(others)))


def perhaps(values: Iterable[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([None, *values])


rows = st.fixed_dictionaries(
    {
        "standard_status": mostly("Active", StandardStatus.values),
        "internet_entire_listing_display_yn": mostly(True, [False]),
        "internet_address_display_yn": st.booleans(),
        "property_type": st.sampled_from(PropertyType.values[:3]),
        "property_sub_type": st.sampled_from(["", *PropertySubType.values[:3]]),
        "list_price": st.sampled_from(AMOUNTS),
        "living_area": perhaps(AMOUNTS),
        "bedrooms_total": perhaps([0, 1, 3, 100, 32_767]),
        "bathrooms_total_integer": perhaps([0, 1, 3, 100, 32_767]),
        "year_built": perhaps([1600, 1989, 1990, 2200]),
        "city": st.sampled_from(CITIES),
        "state_or_province": st.sampled_from(["", "WA", "OR", "wa"]),
        "postal_code": st.sampled_from(["", "98001", "98002"]),
        "unparsed_address": st.sampled_from(["", "1 Lake Street"]),
        "public_remarks": st.sampled_from(["", "lake view", "Quiet garden, view of the lake"]),
    }
)


@st.composite
def parameters_near(draw: st.DrawFn, row: dict[str, Any]) -> dict[str, str]:
    """A few parameters on the values of this row, or a step beside them."""
    near = {
        "city": row["city"],
        "state_or_province": row["state_or_province"],
        "postal_code": row["postal_code"],
        "property_type": row["property_type"],
        "property_sub_type": row["property_sub_type"],
        "standard_status": row["standard_status"] if row["standard_status"] in PUBLIC else "",
        "q": draw(st.sampled_from(["lake", "view of lakes", "-garden", '"quiet garden"', "1"])),
    }
    for name, column, step, most in (
        ("list_price_min", "list_price", CENT, 10**12),
        ("list_price_max", "list_price", CENT, 10**12),
        ("living_area_min", "living_area", 1, 10**7),
        ("living_area_max", "living_area", 1, 10**7),
        ("bedrooms_min", "bedrooms_total", 1, 100),
        ("bathrooms_min", "bathrooms_total_integer", 1, 100),
        ("year_built_min", "year_built", 1, 2200),
    ):
        value = row[column] if row[column] is not None else 0
        if column != "list_price":
            value = int(value)
        beside = value + step * draw(st.sampled_from([0, 0, -1, 1]))
        near[name] = str(min(max(beside, 1600 if column == "year_built" else 0), most))
    chosen = draw(st.sets(st.sampled_from(sorted(near)), min_size=1, max_size=3))
    return {name: near[name] for name in chosen}


@st.composite
def rows_and_parameters(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    some_rows = draw(st.lists(rows, min_size=1, max_size=3))
    near = st.sampled_from(some_rows).flatmap(parameters_near)
    return some_rows, draw(st.lists(near, min_size=4, max_size=8))


@on_database
@given(case=rows_and_parameters())
def test_both_readings_agree_on_any_row_and_search(database, case):
    some_rows, some_parameters = case
    after = put(*(listing(f"A-{n}", **row) for n, row in enumerate(some_rows)))
    try:
        for parameters in some_parameters:
            try:
                search = PropertySearch.parse(parameters)
            except InvalidSearch:  # a least above its most, a city without letters
                continue
            assert_readings_agree(search, after)
    finally:
        before = take_away()
    by_key = {image["listing_key"]: image for image in before}
    assert by_key == {image["listing_key"]: image for image in after}


# What somebody may type, from the plausible to the malicious.
typed = st.one_of(
    st.text(max_size=60),
    st.text("0123456789.,eE+-$_ ", max_size=30),
    st.decimals(0, 10**12, allow_nan=False).map(str),
    st.integers(-5, 10**13).map(str),
    st.sampled_from(
        [
            "1e-999999",
            "1E-20",
            "0.005",
            "\xa0x",
            "-\u3000x",
            "İstanbul",
            "ǅ",
            "ß",
            "x" * 300,
            "\x00",
        ]
    ),
)
any_parameters = st.dictionaries(st.sampled_from(sorted(FIELDS)), typed, max_size=3)


@on_database
@given(parameters=any_parameters)
@example(parameters={"list_price_min": "1e-999999"})
@example(parameters={"list_price_max": "0.005"})
@example(parameters={"bedrooms_min": "000000000000099999999"})
def test_whatever_is_accepted_can_be_asked_of_the_database(database, parameters):
    try:
        search = PropertySearch.parse(parameters)
    except InvalidSearch:
        return
    images = put(listing(city="x", living_area=1, bedrooms_total=1, year_built=2000))
    try:
        assert_readings_agree(search, images)
    finally:
        take_away()


# ---- one spelling for one search ----


@pytest.mark.parametrize(
    "spellings",
    [
        [{}, {"sort": "newest", "page": "1"}, {"city": "", "q": "  ", "page": ""}, {"utm": "x"}],
        [{"city": "Federal Way"}, {"city": " federal  WAY "}, {"city": "federal-way"}],
        [
            {"list_price_min": price}
            for price in ("500000", "$500,000", " 500,000.00 ", "5E+5", "5e5", "500000.000")
        ],
        [{"list_price_max": price} for price in ("0.5", "0.50", ".5", "$0.5", "5e-1")],
        [{"list_price_min": price} for price in ("0", "0.00", "-0", "0e9")],
        [{"bedrooms_min": "3"}, {"bedrooms_min": "03"}, {"bedrooms_min": " 3 "}],
        [{"q": "Lake View"}, {"q": "  lake\t view "}, {"q": "LAKE VIEW"}],
        [{"state_or_province": "WA"}, {"state_or_province": "wa"}],
        [{"property_type": "Commercial Sale"}, {"property_type": "commercial sale "}],
        [{"property_sub_type": "Tenancy in Common"}, {"property_sub_type": "TENANCY IN COMMON"}],
        [
            {"standard_status": "Active Under Contract"},
            {"standard_status": "active under CONTRACT"},
        ],
        [
            {"city": "Kent", "bedrooms_min": "2", "sort": "price", "page": "2"},
            {"page": "2", "sort": "price", "bedrooms_min": "2", "city": "Kent"},
        ],
    ],
    ids=lambda spellings: str(spellings[0]),
)
def test_equal_searches_share_one_canonical_string(spellings):
    assert len({PropertySearch.parse(spelling).canonical() for spelling in spellings}) == 1


def test_canonical_string_leaves_out_what_is_default():
    assert PropertySearch.parse({"sort": "newest", "page": "1"}).canonical() == ""
    assert PropertySearch.parse({"city": "Kent", "page": "1"}).canonical() == "city=kent"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"bedrooms_min": "0"}),  # which leaves out the unknown
        ({}, {"list_price_min": "0"}),
        ({}, {"standard_status": "Active"}),
        ({"list_price_min": "5"}, {"list_price_max": "5"}),
        ({"list_price_min": "5"}, {"list_price_min": "5.01"}),
        ({"list_price_min": "5"}, {"list_price_min": "50"}),
        ({"living_area_min": "5"}, {"living_area_max": "5"}),
        ({"bedrooms_min": "2"}, {"bathrooms_min": "2"}),
        ({"q": "kent"}, {"city": "kent"}),
        ({"q": "a&city=b"}, {"q": "a", "city": "b"}),
        ({"q": "a+b"}, {"q": "a b"}),
        ({"q": "a%20b"}, {"q": "a b"}),
        ({"city": "Kent"}, {"city": "Kent", "page": "2"}),
        ({"city": "Kent"}, {"city": "Kent", "sort": "price"}),
        ({"sort": "price"}, {"sort": "-price"}),
        ({"city": "Saint Rémi"}, {"city": "Saint Remi"}),
    ],
)
def test_different_searches_have_different_canonical_strings(one, other):
    assert PropertySearch.parse(one).canonical() != PropertySearch.parse(other).canonical()


@pure
@given(parameters=any_parameters)
@example(parameters={"list_price_min": "100.0000000000000000000000000001"})
@example(parameters={"city": "-\xa0x"})
@example(parameters={"q": "İ" * 200})
@example(parameters={"postal_code": "ß" * 10})
def test_canonical_string_means_the_same_search(parameters):
    try:
        search = PropertySearch.parse(parameters)
    except InvalidSearch:
        return
    again = reparsed(search)
    assert again == search
    assert again.canonical() == search.canonical()


@pure
@given(one=any_parameters, other=any_parameters)
@example(one={"list_price_min": "100"}, other={"list_price_min": "100." + "0" * 27 + "1"})
def test_searches_are_equal_just_when_their_canonical_strings_are(one, other):
    try:
        searches = PropertySearch.parse(one), PropertySearch.parse(other)
    except InvalidSearch:
        return
    same = searches[0] == searches[1]
    assert same == (searches[0].canonical() == searches[1].canonical())


def test_a_city_name_is_never_cut_to_that_of_another_city():
    """The column holds 50 characters. Refusing a longer name is right, too."""
    longest = PropertySearch.parse({"city": "a" * 50})
    with contextlib.suppress(InvalidSearch):
        assert PropertySearch.parse({"city": "a" * 51}) != longest


@pure
@given(page=st.integers(1, LAST_PAGE), price=st.sampled_from([None, *AMOUNTS]))
def test_changes_to_the_canonical_string_replace_fields(page, price):
    search = PropertySearch.parse({"city": "Kent", "list_price_min": "7", "page": "3"})
    changed = dict(parse_qsl(search.canonical(page=page, list_price_min=price)))
    assert changed.pop("city") == "kent"
    assert changed.pop("page", "1") == str(page)
    assert changed.pop("list_price_min", None) == (None if price is None else str(price))
    assert not changed


# ---- what is refused ----

NO_AMOUNTS = [
    *("-1", "-0.01", "-$5", "$", ",", "five", "1.2.3", "--5", "0x10", "5\x00", "1000000000000.01"),
    *("NaN", "nan", "sNaN", "-NaN", "Infinity", "-Infinity", "inf", "1e13", "1e999", "1e999999999"),
    *("٥٠٠", "５００", "५"),  # digits of other scripts
]
NO_NUMBERS = [
    *("-1", "+1", "1.5", "1e2", "two", "1 2", "1,0", "0x1", "3\x00", "٣", "²", "½"),
    *("9" * 9, "9" * 13, "9" * 5_000, "0" * 13 + "9" * 9, "0" * 5_000 + "9" * 9),
    *(f"{allowed:012d}99999999" for allowed in (1, 42, 1990)),  # an allowed number, were it cut
]
REFUSED: dict[str, tuple[list[str], str]] = {
    "city": (["---", "!?", "\x00", "%"], "city"),
    "state_or_province": (["XX", "Washington", "W", "WA\x00", "WA,OR"], "WA"),
    "postal_code": (["1" * 11, "98\x00001", "\x00"], "10"),
    "property_type": (["House", "Residential\x00", "Residential,Land"], "Residential"),
    "property_sub_type": (["House", "Farm\x00"], "Townhouse"),
    "standard_status": (
        [
            *("Hold", "Incomplete", "hold", "Withdrawn", "Expired", "Canceled", "Delete"),
            *("Sold", "Active\x00", "Active,Pending"),
        ],
        "Active Under Contract",
    ),
    "list_price_min": (NO_AMOUNTS, "1000000000000"),
    "list_price_max": (NO_AMOUNTS, "1000000000000"),
    "bedrooms_min": ([*NO_NUMBERS, "101"], "from 0 to 100"),
    "bathrooms_min": ([*NO_NUMBERS, "101"], "from 0 to 100"),
    "living_area_min": ([*NO_NUMBERS, "10000001"], "from 0 to 10000000"),
    "living_area_max": ([*NO_NUMBERS, "10000001"], "from 0 to 10000000"),
    "year_built_min": ([*NO_NUMBERS, "0", "1599", "2201"], "from 1600 to 2200"),
    "q": (["x" * 201, "lake\x00view", "\x00"], "200"),
    "sort": (["cheapest", "list_price", "price,newest", "--price", "price\x00"], "-living_area"),
    "page": ([*NO_NUMBERS, "0", "00", "43", "0" * 13 + "43"], "from 1 to 42"),
}


@pytest.mark.parametrize(
    ("name", "raw", "allowed"),
    [(name, raw, allowed) for name, (raws, allowed) in REFUSED.items() for raw in raws],
    ids=lambda text: ascii(text[:24]),
)
def test_what_is_not_allowed_is_refused_by_name_with_what_is(name, raw, allowed):
    with pytest.raises(InvalidSearch) as refusal:
        PropertySearch.parse({name: raw, "utm_source": "x"})
    assert list(refusal.value.errors) == [name]
    assert allowed in refusal.value.errors[name]


def test_every_parameter_has_something_that_it_refuses():
    assert set(REFUSED) == FIELDS


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("list_price_min", "1000000000000"),
        ("bedrooms_min", "100"),
        ("living_area_max", "10000000"),
        ("year_built_min", "1600"),
        ("year_built_min", "2200"),
        ("postal_code", "1" * 10),
        ("q", "x" * 200),
        ("city", "x" * 50),
        ("page", "42"),
    ],
)
def test_the_last_value_that_is_allowed_is_accepted(name, raw):
    assert PropertySearch.parse({name: raw}).canonical() == f"{name}={raw}"


@pytest.mark.parametrize("name", ["list_price", "living_area"])
def test_a_least_above_its_most_is_refused(name):
    least, most = f"{name}_min", f"{name}_max"
    with pytest.raises(InvalidSearch) as refusal:
        PropertySearch.parse({least: "501", most: "500"})
    assert least in refusal.value.errors
    assert most in refusal.value.errors[least]


@pytest.mark.parametrize("name", ["list_price", "living_area"])
def test_a_least_equal_to_its_most_is_accepted(name):
    PropertySearch.parse({f"{name}_min": "500", f"{name}_max": "500"})


def test_every_wrong_parameter_is_named_at_once():
    with pytest.raises(InvalidSearch) as refusal:
        PropertySearch.parse({"page": "0", "sort": "?", "city": "Kent", "list_price_max": "x"})
    assert set(refusal.value.errors) == {"page", "sort", "list_price_max"}


# ---- orders ----


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("newest", ["D", "B", "C", "E", "A"]),
        ("price", ["B", "D", "A", "C", "E"]),
        ("-price", ["A", "C", "E", "B", "D"]),
        ("-living_area", ["C", "A", "D", "B", "E"]),  # the unknown last
    ],
)
def test_sorts_break_ties_by_listing_key(database, sort, expected):
    moments = {"A": 0, "B": 1, "C": 1, "D": 2, "E": 1}
    prices = {"A": 20, "B": 10, "C": 20, "D": 10, "E": 20}
    areas = {"A": 900, "B": None, "C": 1000, "D": 900, "E": None}
    put(
        *(
            listing(
                key,
                original_entry_timestamp=MOMENT + timedelta(seconds=moments[key]),
                list_price=prices[key],
                living_area=areas[key],
            )
            for key in "EDCBA"
        )
    )
    assert found_in_order(sort=sort) == expected


def test_newest_is_by_entry_so_an_edit_moves_nothing(database):
    put(*(listing(key, original_entry_timestamp=MOMENT) for key in "AB"))
    Property.objects.get(pk="B").save()  # a new modification_timestamp
    assert found_in_order() == ["A", "B"]


def test_zero_living_area_comes_before_an_unknown_one(database):
    put(listing("A", living_area=None), listing("B", living_area=0))
    assert found_in_order(sort="-living_area") == ["B", "A"]
