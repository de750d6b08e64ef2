"""What a made-up property is: its kind, place, size, age and price, in step with each other."""

from __future__ import annotations

from typing import NamedTuple

from listings.inventory import words
from listings.inventory.cities import CITIES, City
from listings.inventory.cities import CUMULATIVE_SHARES as CITY_SHARES
from listings.inventory.dice import Dice
from listings.inventory.kinds import CUMULATIVE_SHARES as KIND_SHARES
from listings.inventory.kinds import KINDS, Kind, Use

MONTHLY_RENT = 0.0055  # of the price of sale: a gross yield of 6.6 % a year
YEARLY_TAX = 0.011  # of the price: about the mean of US states


class Place(NamedTuple):
    city: City
    address: str
    unit: str
    subdivision: str
    postal_code: str
    latitude: float
    longitude: float


class Size(NamedTuple):
    """Counts are none where nothing is built; areas are in square feet."""

    area: int | None = None
    lot: int | None = None
    bedrooms: int | None = None
    full_baths: int | None = None
    half_baths: int | None = None
    stories: int | None = None
    garage: int | None = None


class Facts(NamedTuple):
    """One property. `price` is monthly for a lease; `view` is empty or RESO View values."""

    kind: Kind
    place: Place
    size: Size
    year_built: int | None
    new: bool
    price: int
    waterfront: bool
    pool: bool
    view: str


def draw(dice: Dice, this_year: int) -> Facts:
    """One property, as common in its city and kind as real ones are."""
    city = CITIES[dice.weighted(CITY_SHARES)]
    kind = KINDS[dice.weighted(KIND_SHARES)]
    size = _size(dice, kind)
    new = kind.use is not Use.LAND and dice.chance(0.05)
    year = None if kind.use is Use.LAND else this_year - (0 if new else _age(dice))
    at_home = kind.use is Use.HOME
    waterfront = kind.use is not Use.WORK and dice.chance(0.03)
    pool = at_home and size.lot is not None and dice.chance(0.24 if city.latitude < 34.5 else 0.05)
    view = dice.pick(words.VIEWS) if dice.chance(0.25) else ""
    worth = _worth(dice, kind, city, size, this_year - (year or this_year))
    worth *= (1.6 if waterfront else 1.0) * (1.05 if pool else 1.0) * (1.06 if view else 1.0)
    return Facts(
        kind=kind,
        place=_place(dice, city, kind),
        size=size,
        year_built=year,
        new=new,
        price=asking(worth * MONTHLY_RENT, lease=True) if kind.lease else asking(worth),
        waterfront=waterfront,
        pool=pool,
        view=view,
    )


def asking(amount: float, lease: bool = False) -> int:
    """An amount as sellers write it: full thousands, often ending in 9; rents end in 25s."""
    if lease:
        return max(int(amount / 25 + 0.5) * 25, 250)
    if amount >= 1_000_000:
        return int(amount / 25_000 + 0.5) * 25_000
    if amount >= 100_000 and int(amount) % 5 < 3:
        return int(amount / 10_000 + 0.5) * 10_000 - 100
    return max(int(amount / 1_000 + 0.5) * 1_000, 5_000)


def _size(dice: Dice, kind: Kind) -> Size:
    area = int(kind.area * dice.lognormvariate(0, 0.34) / 10 + 1) * 10
    if kind.use is Use.LAND:
        return Size(lot=area * dice.pick((1, 1, 1, 2, 5)))
    lot = int(kind.lot * dice.lognormvariate(0, 0.45)) if kind.lot else None
    stories = dice.pick(kind.stories)
    if kind.use is Use.WORK:
        return Size(area=area, lot=lot, stories=stories)
    bedrooms = min(max(int(0.9 + area / 720 + dice.gauss(0, 0.55)), 0 if area < 600 else 1), 12)
    full = min(max(int(0.45 + bedrooms * 0.42 + area / 2600 + dice.random() * 0.7), 1), 9)
    garage = min(int(dice.random() * 2 + area / 1900), 4) if lot else dice.whole(0, 1)
    return Size(area, lot, bedrooms, full, int(dice.chance(0.38)), stories, garage)


def _age(dice: Dice) -> int:
    """Years since it was built: half are younger than 40, a few older than a century."""
    return 1 + min(int(dice.lognormvariate(3.6, 0.75)), 140)


def _worth(dice: Dice, kind: Kind, city: City, size: Size, age: int) -> float:
    area = size.lot if kind.use is Use.LAND else size.area
    assert area is not None
    # Small homes cost more a square foot, as do new ones; the rest is the neighbourhood's luck.
    by_size: float = (area / kind.area) ** -0.12
    by_age = 1.12 - 0.004 * min(age, 60)
    baths = 1 + 0.03 * ((size.full_baths or 2) - 2)
    dollars = city.dollars * kind.price * by_size * by_age * baths
    return area * dollars * dice.lognormvariate(0, 0.28)


def _place(dice: Dice, city: City, kind: Kind) -> Place:
    north, east = dice.gauss(0, 0.055), dice.gauss(0, 0.07)
    street = f"{dice.pick(words.STREETS)} {dice.pick(words.STREET_SUFFIXES)}"
    if dice.chance(0.2):
        street = f"{dice.pick(words.DIRECTIONS)} {street}"
    address = f"{int(10 ** (2 + dice.random() * 2.1))} {street}"
    unit = ""
    if kind.scene == "tower" and kind.use is Use.HOME:
        unit = f"{dice.whole(1, 24)}{dice.pick('ABCDEFGH')}"
        address = f"{address} #{unit}"
    subdivision = (
        f"{dice.pick(words.ESTATE_FIRST)} {dice.pick(words.ESTATE_LAST)}"
        if dice.chance(0.6)
        else ""
    )
    # Where a home lies tells its ZIP code, so that neighbours share it.
    zone = (int((north + 0.2) / 0.04) * 8 + int((east + 0.2) / 0.05)) % 60 + 1
    return Place(
        city=city,
        address=address,
        unit=unit,
        subdivision=subdivision,
        postal_code=f"{city.zip_prefix}{zone:02d}",
        latitude=round(city.latitude + north, 6),
        longitude=round(city.longitude + east, 6),
    )
