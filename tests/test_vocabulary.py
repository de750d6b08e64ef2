"""Our columns and enumerations against RESO Data Dictionary 2.0.

The definitions are read where they lie beside the project; its own repository may not hold them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.db import models

from listings import vocabulary
from listings.inventory import words
from listings.models import ListingHistory, Media, OpenHouse, Property

DEFINITIONS = Path(__file__).resolve().parents[2] / "shared/data/reso_dd20_subset.json"

RESOURCES: dict[str, type[models.Model]] = {
    "Property": Property,
    "Media": Media,
    "OpenHouse": OpenHouse,
    "HistoryTransactional": ListingHistory,
}
# Columns that RESO does not have, or has under a name of another resource.
OURS = {
    Property: {
        "city_key",  # names the city's pages and cache partition
        "search_document",  # what full-text search reads
        "originating_system_key",  # in RESO, but not in the subset
    },
    Media: {"listing_key"},  # RESO: ResourceRecordKey, with ResourceName Property
    OpenHouse: set(),
    ListingHistory: set(),
}
ENUMERATIONS: dict[str, type[models.TextChoices]] = {
    name: getattr(vocabulary, name)
    for name in (
        *("StandardStatus", "PropertyType", "PropertySubType", "ChangeType"),
        *("MediaCategory", "OpenHouseStatus", "OpenHouseType"),
    )
}
WHOLE_NUMBERS = (models.PositiveSmallIntegerField, models.PositiveIntegerField)


@pytest.fixture(scope="module")
def reso() -> dict[str, Any]:
    if not DEFINITIONS.is_file():
        pytest.skip("reso_dd20_subset.json is not beside the project, in ../shared/data")
    definitions: dict[str, Any] = json.loads(DEFINITIONS.read_text())
    return definitions


@pytest.mark.parametrize("resource", RESOURCES)
def test_columns_have_names_of_reso(reso, resource):
    model = RESOURCES[resource]
    known = {field["snake"] for field in reso["resources"][resource]}
    columns = {field.column for field in model._meta.concrete_fields}
    assert columns - known == OURS[model]


@pytest.mark.parametrize("resource", RESOURCES)
def test_columns_have_types_and_lengths_of_reso(reso, resource):
    fields = {field.column: field for field in RESOURCES[resource]._meta.concrete_fields}
    compared = 0
    for definition in reso["resources"][resource]:
        field = fields.get(definition["snake"])
        if field is None:
            continue
        while isinstance(field, models.ForeignKey):
            field = field.target_field
        compared += 1
        assert agrees(field, definition), f"{definition['snake']}: {field!r} {definition}"
    assert compared >= 5


def agrees(field: models.Field[Any, Any], definition: dict[str, Any]) -> bool:
    """Whether a column holds exactly what RESO says."""
    longest = int(definition["max_length"]) if definition["max_length"] else None
    match definition["type"]:
        case "Boolean":
            return isinstance(field, models.BooleanField)
        case "Timestamp":
            return isinstance(field, models.DateTimeField)
        case "Date":
            return type(field) is models.DateField
        case "Number" if definition["precision"]:
            return (
                isinstance(field, models.DecimalField)
                and field.max_digits == longest
                and field.decimal_places == int(definition["precision"])
            )
        case "Number":
            return isinstance(field, WHOLE_NUMBERS)
        case _:
            return field.max_length == longest


@pytest.mark.parametrize("name", ENUMERATIONS)
def test_enumeration_has_the_values_of_reso(reso, name):
    assert sorted(ENUMERATIONS[name].values) == values(reso, name)


def test_states_are_those_of_reso(reso):
    assert sorted(vocabulary.STATES) == values(reso, "StateOrProvince")


@pytest.mark.parametrize(
    ("name", "used"),
    [
        ("View", words.VIEWS),
        ("Heating", words.HEATING),
        ("Cooling", words.COOLING),
        ("Appliances", words.APPLIANCES),
        ("FeeFrequency", ("Monthly",)),
    ],
)
def test_seeded_lists_have_values_of_reso(reso, name, used):
    assert {value for text in used for value in text.split(",")} <= set(values(reso, name))


def test_status_names_are_spelt_once():
    named = {*vocabulary.PUBLIC, *vocabulary.GONE}
    never_shown = {vocabulary.StandardStatus.INCOMPLETE, vocabulary.StandardStatus.HOLD}
    assert named | never_shown == set(vocabulary.StandardStatus)
    assert not named & never_shown


def test_constants_are_named_for_their_values():
    for enumeration in ENUMERATIONS.values():
        for member in enumeration:
            assert member.name == re.sub(r"[^A-Z]+", "_", member.value.upper())


def values(reso: dict[str, Any], name: str) -> list[str]:
    return sorted(value["value"] for value in reso["lookups"][name])
