"""One made-up listing with all its rows."""

from __future__ import annotations

from datetime import datetime
from itertools import accumulate
from typing import NamedTuple

from listings.drawings import photo_url
from listings.inventory import facts as property_facts
from listings.inventory import life as listing_life
from listings.inventory import remarks, words
from listings.inventory.dice import Dice
from listings.inventory.facts import YEARLY_TAX, Facts
from listings.inventory.kinds import Use
from listings.inventory.life import Life
from listings.inventory.people import Staff
from listings.records import HistoryRecord, MediaRecord, OpenHouseRecord, PropertyRecord
from listings.vocabulary import StandardStatus

SYSTEM = "Demo"  # the originating system of all made-up listings
LARGEST_COUNT = 10_000_000  # listing keys have seven digits

# How many photos a listing has, from 0 to 8: three on average, most have two or three.
_PHOTO_SHARES = tuple(accumulate((4, 14, 24, 26, 14, 8, 5, 3, 2)))
_INDOORS = ("living-room", "kitchen", "bedroom", "bathroom", "garden", "dining-room", "study")
_SCENES = {
    Use.HOME: _INDOORS,
    Use.UNITS: ("kitchen", "living-room", "garden", "bathroom", "bedroom", "row", "tower"),
    Use.LAND: ("land", "garden", "land", "land", "land", "land", "land"),
    Use.WORK: ("study", "warehouse", "shop", "study", "tower", "shop", "warehouse"),
}
_PHOTO_WIDTH, _PHOTO_HEIGHT = 1200, 800  # pixels


class Listing(NamedTuple):
    """All rows of one listing."""

    property: PropertyRecord
    media: list[MediaRecord]
    open_houses: list[OpenHouseRecord]
    history: list[HistoryRecord]


def listing_key(seed: int, number: int) -> str:
    return f"S{seed}-{number:07d}"


def listing(seed: int, number: int, staff: Staff, anchor: datetime) -> Listing:
    """Listing `number` (from 0) of the inventory of this seed, as it stands at the anchor."""
    dice = Dice.for_number(seed, number)
    key = listing_key(seed, number)
    facts = property_facts.draw(dice, anchor.year)
    life = listing_life.draw(dice, facts, number, anchor)
    return Listing(
        property=_property(dice, key, facts, life, staff),
        media=_media(dice, key, facts, life),
        open_houses=listing_life.open_houses(dice, life, key, anchor),
        history=listing_life.history(life, key),
    )


def _property(dice: Dice, key: str, facts: Facts, life: Life, staff: Staff) -> PropertyRecord:
    agent = staff.agent(dice, facts.place.city)
    record = PropertyRecord(
        listing_key=key,
        listing_id=key.rpartition("-")[2],
        originating_system_name=SYSTEM,
        originating_system_key=key,
        standard_status=life.status,
        mls_status="Sold" if life.status is StandardStatus.CLOSED else life.status,
        property_type=facts.kind.property_type,
        property_sub_type=facts.kind.sub_type,
        list_price=life.price,
        original_list_price=life.first_price,
        previous_list_price=life.cuts[-1].before if life.cuts else None,
        close_price=life.close_price,
        close_date=life.changed.date() if life.close_price else None,
        listing_contract_date=life.entered.date(),
        price_change_timestamp=life.cuts[-1].at if life.cuts else None,
        status_change_timestamp=life.changed,
        original_entry_timestamp=life.entered,
        modification_timestamp=life.touched,
        list_agent_id=agent.member_key,
        list_office_id=agent.office_id,
        public_remarks=remarks.public(dice, facts),
        private_remarks=remarks.private(dice),
        internet_entire_listing_display_yn=not dice.chance(0.015),
        internet_address_display_yn=not dice.chance(0.015),
    )
    _describe(record, facts)
    _equip(dice, record, facts)
    return record


def _describe(record: PropertyRecord, facts: Facts) -> None:
    """Put the facts into their columns."""
    place, size = facts.place, facts.size
    record.bedrooms_total = size.bedrooms
    record.bathrooms_full, record.bathrooms_half = size.full_baths, size.half_baths
    if size.full_baths is not None:
        record.bathrooms_total_integer = size.full_baths + (size.half_baths or 0)
    record.living_area, record.lot_size_square_feet = size.area, size.lot
    record.year_built, record.stories_total = facts.year_built, size.stories
    record.garage_spaces = size.garage
    record.waterfront_yn, record.pool_private_yn = facts.waterfront, facts.pool
    record.new_construction_yn, record.view = facts.new, facts.view
    record.unparsed_address, record.unit_number = place.address, place.unit
    record.city, record.state_or_province = place.city.name, place.city.state
    record.postal_code, record.county_or_parish = place.postal_code, place.city.county
    record.subdivision_name = place.subdivision
    record.latitude, record.longitude = place.latitude, place.longitude


def _equip(dice: Dice, record: PropertyRecord, facts: Facts) -> None:
    """What depends on the kind of property but not on its place: fees, taxes, equipment."""
    if not facts.kind.lease:
        record.tax_annual_amount = int(facts.price * YEARLY_TAX)
        record.parcel_number = (
            f"{dice.whole(1, 9999):04d}-{dice.whole(1, 99):02d}-{dice.whole(1, 9999):04d}"
        )
    shared = facts.kind.use is Use.HOME and facts.size.lot is None
    if not facts.kind.lease and (shared or (facts.place.subdivision and dice.chance(0.3))):
        record.association_fee = dice.whole(3, 14) * (45 if shared else 15)
        record.association_fee_frequency = "Monthly"
    if facts.kind.use is not Use.LAND:
        record.heating, record.cooling = dice.pick(words.HEATING), dice.pick(words.COOLING)
    if facts.kind.use is Use.HOME:
        record.appliances = dice.pick(words.APPLIANCES)
    if dice.chance(0.08):
        record.virtual_tour_url_unbranded = f"https://tours.example/{record.listing_key}"


def _media(dice: Dice, key: str, facts: Facts, life: Life) -> list[MediaRecord]:
    count = dice.weighted(_PHOTO_SHARES)
    scenes = (facts.kind.scene, *(("pool",) if facts.pool else ()), *_SCENES[facts.kind.use])
    return [
        MediaRecord(
            media_key=f"{key}-m{order}",
            property_id=key,
            media_url=photo_url(scenes[order], f"{key}-m{order}"),
            order=order,
            short_description="Front"
            if order == 0
            else scenes[order].replace("-", " ").capitalize(),
            image_width=_PHOTO_WIDTH,
            image_height=_PHOTO_HEIGHT,
            modification_timestamp=life.entered,
        )
        for order in range(count)
    ]
