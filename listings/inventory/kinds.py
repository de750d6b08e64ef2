# ruff: noqa: E501 - a table reads best with a row on each line
"""The kinds of property that an inventory has, and how common and how large each is."""

from __future__ import annotations

import enum
from itertools import accumulate
from typing import NamedTuple

from listings.vocabulary import PropertySubType as Sub
from listings.vocabulary import PropertyType as Type


class Use(enum.Enum):
    """What a property is for: decides which facts it has."""

    HOME = enum.auto()
    UNITS = enum.auto()  # several homes under one roof
    LAND = enum.auto()
    WORK = enum.auto()  # commerce: no bedrooms


class Kind(NamedTuple):
    """One property type with one sub type.

    `area` is the median living area in square feet, or of the lot where nothing is built.
    `price` multiplies the city's price of a square foot.
    """

    property_type: Type
    sub_type: Sub
    share: float  # percent of all listings, about
    use: Use
    area: int
    price: float
    lot: int = 0  # median square feet of the lot; 0: none of its own
    stories: tuple[int, ...] = (1,)
    noun: str = "home"
    scene: str = "house"  # the drawing of its front

    @property
    def lease(self) -> bool:
        return self.property_type in (Type.RESIDENTIAL_LEASE, Type.COMMERCIAL_LEASE)


_HOUSE = (1, 1, 2, 2, 2)
_ROW = (2, 2, 3)
_TOWER = (3, 4, 5, 6, 8, 12, 18, 24, 32)
_LOW = (1,)

# fmt: off
KINDS = (  # property type, sub type, share, use, area, price, lot, stories, noun, scene
    Kind(Type.RESIDENTIAL, Sub.SINGLE_FAMILY_RESIDENCE, 45, Use.HOME, 1900, 1.0, 7400, _HOUSE),
    Kind(Type.RESIDENTIAL, Sub.CONDOMINIUM, 15, Use.HOME, 1000, 1.05, 0, _TOWER, "condo", "tower"),
    Kind(Type.RESIDENTIAL, Sub.TOWNHOUSE, 8, Use.HOME, 1550, 0.98, 1800, _ROW, "townhome", "row"),
    Kind(Type.RESIDENTIAL, Sub.STOCK_COOPERATIVE, 1, Use.HOME, 900, 0.85, 0, _TOWER, "co-op", "tower"),
    Kind(Type.RESIDENTIAL, Sub.CABIN, 0.8, Use.HOME, 1050, 0.9, 43560, _HOUSE, "cabin", "cabin"),
    Kind(Type.RESIDENTIAL, Sub.MANUFACTURED_ON_LAND, 1.2, Use.HOME, 1350, 0.5, 21780),
    Kind(Type.RESIDENTIAL_LEASE, Sub.APARTMENT, 6, Use.HOME, 850, 1.0, 0, _TOWER, "apartment", "tower"),
    Kind(Type.RESIDENTIAL_LEASE, Sub.SINGLE_FAMILY_RESIDENCE, 3, Use.HOME, 1600, 0.9, 6500, _HOUSE),
    Kind(Type.RESIDENTIAL_LEASE, Sub.CONDOMINIUM, 2.5, Use.HOME, 950, 1.0, 0, _TOWER, "condo", "tower"),
    Kind(Type.RESIDENTIAL_LEASE, Sub.TOWNHOUSE, 1.2, Use.HOME, 1400, 0.92, 0, _ROW, "townhome", "row"),
    Kind(Type.RESIDENTIAL_INCOME, Sub.DUPLEX, 1.5, Use.UNITS, 2200, 0.8, 6000, (1, 2), "duplex", "row"),
    Kind(Type.RESIDENTIAL_INCOME, Sub.TRIPLEX, 0.5, Use.UNITS, 3000, 0.75, 6000, _ROW, "triplex", "row"),
    Kind(Type.RESIDENTIAL_INCOME, Sub.QUADRUPLEX, 0.6, Use.UNITS, 3800, 0.7, 7500, (2,), "fourplex", "row"),
    Kind(Type.RESIDENTIAL_INCOME, Sub.MULTI_FAMILY, 0.7, Use.UNITS, 6500, 0.62, 10000, _ROW, "apartment building", "tower"),
    Kind(Type.LAND, Sub.UNIMPROVED_LAND, 5, Use.LAND, 30000, 0.028, noun="building lot", scene="land"),
    Kind(Type.LAND, Sub.AGRICULTURE, 0.5, Use.LAND, 900000, 0.0012, noun="acreage", scene="land"),
    Kind(Type.FARM, Sub.FARM, 0.5, Use.HOME, 2100, 1.3, 900000, _HOUSE, "farmhouse", "farm"),
    Kind(Type.FARM, Sub.RANCH, 0.3, Use.HOME, 2400, 1.4, 1600000, _HOUSE, "ranch", "farm"),
    Kind(Type.MANUFACTURED_IN_PARK, Sub.MANUFACTURED_HOME, 1.2, Use.HOME, 1250, 0.32),
    Kind(Type.MANUFACTURED_IN_PARK, Sub.MOBILE_HOME, 0.4, Use.HOME, 950, 0.26),
    Kind(Type.COMMERCIAL_SALE, Sub.OFFICE, 0.7, Use.WORK, 6000, 0.8, 12000, _ROW, "office building", "tower"),
    Kind(Type.COMMERCIAL_SALE, Sub.RETAIL, 0.7, Use.WORK, 4000, 0.9, 9000, _LOW, "storefront", "shop"),
    Kind(Type.COMMERCIAL_SALE, Sub.MIXED_USE, 0.4, Use.WORK, 7000, 0.75, 6000, _ROW, "mixed-use building", "shop"),
    Kind(Type.COMMERCIAL_SALE, Sub.WAREHOUSE, 0.4, Use.WORK, 18000, 0.4, 50000, _LOW, "warehouse", "warehouse"),
    Kind(Type.COMMERCIAL_SALE, Sub.INDUSTRIAL, 0.3, Use.WORK, 22000, 0.38, 80000, _LOW, "plant", "warehouse"),
    Kind(Type.COMMERCIAL_SALE, Sub.HOTEL_MOTEL, 0.1, Use.WORK, 24000, 0.6, 60000, _ROW, "hotel", "tower"),
    Kind(Type.COMMERCIAL_LEASE, Sub.OFFICE, 0.8, Use.WORK, 2500, 0.7, 0, _TOWER, "office suite", "tower"),
    Kind(Type.COMMERCIAL_LEASE, Sub.RETAIL, 0.8, Use.WORK, 2000, 0.8, 0, _LOW, "storefront", "shop"),
    Kind(Type.COMMERCIAL_LEASE, Sub.WAREHOUSE, 0.4, Use.WORK, 9000, 0.35, 0, _LOW, "warehouse", "warehouse"),
    Kind(Type.BUSINESS_OPPORTUNITY, Sub.BUSINESS, 0.4, Use.WORK, 2200, 0.35, 0, _LOW, "business", "shop"),
)
# fmt: on

CUMULATIVE_SHARES = tuple(accumulate(kind.share for kind in KINDS))
