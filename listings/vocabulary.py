"""RESO Data Dictionary 2.0 look-ups that the platform uses, and what each status means to visitors.

Source: RESO Data Dictionary 2.0, look-ups StandardStatus, PropertyType, PropertySubType,
OpenHouseStatus, OpenHouseType, MediaCategory, ChangeType, StateOrProvince.
"""

from __future__ import annotations

from django.db import models


class StandardStatus(models.TextChoices):
    ACTIVE = "Active"
    ACTIVE_UNDER_CONTRACT = "Active Under Contract"
    CANCELED = "Canceled"
    CLOSED = "Closed"
    COMING_SOON = "Coming Soon"
    DELETE = "Delete"
    EXPIRED = "Expired"
    HOLD = "Hold"
    INCOMPLETE = "Incomplete"
    PENDING = "Pending"
    WITHDRAWN = "Withdrawn"


# What a search shows when it names no status: homes that are, or will soon be, for sale.
ON_MARKET = (
    StandardStatus.ACTIVE,
    StandardStatus.ACTIVE_UNDER_CONTRACT,
    StandardStatus.COMING_SOON,
    StandardStatus.PENDING,
)
PUBLIC = (*ON_MARKET, StandardStatus.CLOSED)
GONE = (
    StandardStatus.WITHDRAWN,
    StandardStatus.EXPIRED,
    StandardStatus.CANCELED,
    StandardStatus.DELETE,
)


class PropertyType(models.TextChoices):
    BUSINESS_OPPORTUNITY = "Business Opportunity"
    COMMERCIAL_LEASE = "Commercial Lease"
    COMMERCIAL_SALE = "Commercial Sale"
    FARM = "Farm"
    LAND = "Land"
    MANUFACTURED_IN_PARK = "Manufactured In Park"
    RESIDENTIAL = "Residential"
    RESIDENTIAL_INCOME = "Residential Income"
    RESIDENTIAL_LEASE = "Residential Lease"


class PropertySubType(models.TextChoices):
    AGRICULTURE = "Agriculture"
    APARTMENT = "Apartment"
    BOAT_SLIP = "Boat Slip"
    BUSINESS = "Business"
    CABIN = "Cabin"
    CONDOMINIUM = "Condominium"
    CO_OWNERSHIP = "Co-Ownership"
    DEEDED_PARKING = "Deeded Parking"
    DUPLEX = "Duplex"
    FARM = "Farm"
    HOTEL_MOTEL = "Hotel/Motel"
    INDUSTRIAL = "Industrial"
    MANUFACTURED_HOME = "Manufactured Home"
    MANUFACTURED_ON_LAND = "Manufactured On Land"
    MIXED_USE = "Mixed Use"
    MOBILE_HOME = "Mobile Home"
    MOBILE_HOME_PARK = "Mobile Home Park"
    MULTI_FAMILY = "Multi Family"
    OFFICE = "Office"
    OWN_YOUR_OWN = "Own Your Own"
    QUADRUPLEX = "Quadruplex"
    RANCH = "Ranch"
    RETAIL = "Retail"
    SINGLE_FAMILY_RESIDENCE = "Single Family Residence"
    STOCK_COOPERATIVE = "Stock Cooperative"
    TENANCY_IN_COMMON = "Tenancy in Common"
    TIMESHARE = "Timeshare"
    TOWNHOUSE = "Townhouse"
    TRIPLEX = "Triplex"
    UNIMPROVED_LAND = "Unimproved Land"
    WAREHOUSE = "Warehouse"


class OpenHouseStatus(models.TextChoices):
    ACTIVE = "Active"
    CANCELED = "Canceled"
    ENDED = "Ended"


class OpenHouseType(models.TextChoices):
    BROKER = "Broker"
    LIVESTREAM_BROKER = "Livestream Broker"
    LIVESTREAM_PUBLIC = "Livestream Public"
    OFFICE = "Office"
    PUBLIC = "Public"


class MediaCategory(models.TextChoices):
    AGENT_PHOTO = "Agent Photo"
    BRANDED_VIRTUAL_TOUR = "Branded Virtual Tour"
    DOCUMENT = "Document"
    FLOOR_PLAN = "Floor Plan"
    OFFICE_LOGO = "Office Logo"
    OFFICE_PHOTO = "Office Photo"
    PHOTO = "Photo"
    UNBRANDED_VIRTUAL_TOUR = "Unbranded Virtual Tour"
    VIDEO = "Video"


class ChangeType(models.TextChoices):
    ACTIVE = "Active"
    ACTIVE_UNDER_CONTRACT = "Active Under Contract"
    BACK_ON_MARKET = "Back On Market"
    CANCELED = "Canceled"
    CLOSED = "Closed"
    COMING_SOON = "Coming Soon"
    DELETED = "Deleted"
    EXPIRED = "Expired"
    HOLD = "Hold"
    NEW_LISTING = "New Listing"
    PENDING = "Pending"
    PRICE_CHANGE = "Price Change"
    WITHDRAWN = "Withdrawn"


STATES = tuple(
    "AB AK AL AR AZ BC CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MB MD ME MI MN MO MS MT NB "
    "NC ND NE NF NH NJ NM NS NT NU NV NY OH OK ON OR PA PE QC RI SC SD SK TN TX UT VA VI VT WA WI "
    "WV WY YT".split()
)
