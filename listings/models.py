"""What is sold and shown. Columns carry RESO Data Dictionary 2.0 names in snake_case.

`Agent` and `Office` are RESO's Member and Office resources, `ListingHistory` is its
HistoryTransactional. Keys are RESO's text keys, so related rows name their property by the key
that is in its URL. Foreign keys have `db_index=False` and an index in `Meta` instead: Django's own
comes with a second one for prefix searches, which keys of collation C do not need.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import ClassVar

from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from listings.places import CityKey
from listings.vocabulary import (
    ON_MARKET,
    ChangeType,
    MediaCategory,
    OpenHouseStatus,
    OpenHouseType,
    PropertySubType,
    PropertyType,
    StandardStatus,
)
from listings.word_index import word_index

# PostgreSQL knows moments outside of these, and infinite ones; Python does not.
MOMENTS = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
KEY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"  # keys stand in URLs and in cache keys
LONGEST_KEY = 255


def primary_key() -> models.CharField[str, str]:
    """A RESO key: up to 255 letters, digits, dots, dashes and underscores.

    Ordered by code point wherever the database runs, as Python orders it.
    """
    return models.CharField(
        max_length=255,
        primary_key=True,
        db_collation="C",
        validators=[RegexValidator(KEY_PATTERN)],
    )


# What searches filter by, besides the city and the words.
_FILTERED = (
    "internet_entire_listing_display_yn",
    "standard_status",
    "state_or_province",
    "postal_code",
    "property_type",
    "property_sub_type",
    "list_price",
    "bedrooms_total",
    "bathrooms_total_integer",
    "living_area",
    "year_built",
)


def _constraint(name: str, condition: Q) -> models.CheckConstraint:
    return models.CheckConstraint(name=name, condition=condition)


def _key_shape(model: str, column: str) -> models.CheckConstraint:
    return _constraint(f"{model}_{column}_shape", Q(**{f"{column}__regex": KEY_PATTERN}))


def _at_least_zero(model: str, *columns: str) -> list[models.CheckConstraint]:
    return [
        _constraint(
            f"{model}_{column}_not_negative",
            # The upper bound keeps NaN out, which PostgreSQL takes for larger than any number.
            Q(**{f"{column}__gte": 0, f"{column}__lt": 10**12}) | Q(**{f"{column}__isnull": True}),
        )
        for column in columns
    ]


def _between(model: str, column: str, least: object, most: object) -> models.CheckConstraint:
    inside = Q(**{f"{column}__gte": least, f"{column}__lte": most})
    return _constraint(f"{model}_{column}_range", inside | Q(**{f"{column}__isnull": True}))


def _sort_indexes(prefix: str, *first: str) -> list[models.Index]:
    """An index for each sort of `PropertySearch`, the listing key breaking ties as there.

    All that searches filter by is in it, so that a page's keys are found without the table.
    """
    by_key = F("listing_key").asc()
    sorts = {
        "newest": F("original_entry_timestamp").desc(),
        "price": F("list_price").asc(),
        "price_down": F("list_price").desc(),
        "area_down": F("living_area").desc(nulls_last=True),
    }
    columns = {"newest": "", "price": "list_price", "price_down": "list_price"}
    return [
        models.Index(
            *map(F, first),
            order,
            by_key,
            name=f"{prefix}_{name}",
            include=[column for column in _FILTERED if column != columns.get(name, "living_area")],
        )
        for name, order in sorts.items()
    ]


def _market_indexes() -> list[models.Index]:
    """Indexes of what is on the market that answer counts by themselves, without the table.

    At a million listings they take 600 MB (`docs/benchmarks.md` tells what for). Large homes are
    dear ones, so the cheapest of them are found by their number of rooms, not in the order of
    prices; and what is let is cheap, so the dearest of it are found in the order of its own type.
    Land has no rooms: to tell that of all of it, the index of types has all that is filtered by.
    Those of states, bathrooms and years have what refinements are told apart by.
    """
    on_market = Q(internet_entire_listing_display_yn=True, standard_status__in=ON_MARKET)
    kind = ["property_type", "property_sub_type", "bedrooms_total"]
    sorted_by = ["listing_key", "list_price", "living_area", "original_entry_timestamp"]
    refined_by = ["property_type", "bedrooms_total"]
    left_out = {"internet_entire_listing_display_yn", "property_type", "list_price"}
    columns: dict[str, tuple[list[str], list[str]]] = {
        "city": (["city_key", "listing_key"], []),
        "city_kind": (["city_key", *kind], sorted_by),
        "kind": (kind, sorted_by),
        "type_price": (
            ["property_type", "list_price"],
            ["listing_key", "city_key", *(one for one in _FILTERED if one not in left_out)],
        ),
        "state": (["state_or_province", "city_key"], ["listing_key", "list_price", *refined_by]),
        "beds": (["bedrooms_total"], ["listing_key", "list_price"]),
        "baths": (
            ["bathrooms_total_integer"],
            ["city_key", "year_built", *sorted_by, *refined_by],
        ),
        "year": (
            ["year_built"],
            ["city_key", "bathrooms_total_integer", "listing_key", "list_price", *refined_by],
        ),
        "price": (["list_price"], ["listing_key"]),
    }
    return [
        models.Index(fields=keys, include=more, condition=on_market, name=f"property_market_{name}")
        for name, (keys, more) in columns.items()
    ]


def _known(model: str, column: str, values: list[str]) -> models.CheckConstraint:
    return _constraint(f"{model}_{column}_known", Q(**{f"{column}__in": values}))


class Office(models.Model):
    """A brokerage office (RESO Office)."""

    office_key = primary_key()
    office_mls_id = models.CharField(max_length=25, blank=True, default="")
    office_name = models.CharField(max_length=255)
    office_phone = models.CharField(max_length=16, blank=True, default="")
    office_email = models.EmailField(max_length=80, blank=True, default="")
    modification_timestamp = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering: ClassVar = ["office_name", "office_key"]
        constraints: ClassVar = [_key_shape("office", "office_key")]

    def __str__(self) -> str:
        return self.office_name


class Agent(models.Model):
    """A listing agent (RESO Member)."""

    member_key = primary_key()
    member_mls_id = models.CharField(max_length=25, blank=True, default="")
    member_full_name = models.CharField(max_length=150)
    member_email = models.EmailField(max_length=80, blank=True, default="")
    member_preferred_phone = models.CharField(max_length=16, blank=True, default="")
    office = models.ForeignKey(
        Office, models.SET_NULL, null=True, blank=True, db_column="office_key", db_index=False
    )
    modification_timestamp = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering: ClassVar = ["member_full_name", "member_key"]
        constraints: ClassVar = [_key_shape("agent", "member_key")]
        indexes: ClassVar = [models.Index(fields=["office"], name="agent_office")]

    def __str__(self) -> str:
        return self.member_full_name


class Property(models.Model):
    """One listing (RESO Property): what visitors search, browse and read."""

    listing_key = primary_key()
    listing_id = models.CharField(max_length=255, blank=True, default="")
    originating_system_name = models.CharField(max_length=255, blank=True, default="")
    originating_system_key = models.CharField(max_length=255, blank=True, default="")

    standard_status = models.CharField(
        max_length=25, choices=StandardStatus, default=StandardStatus.ACTIVE
    )
    mls_status = models.CharField(max_length=50, blank=True, default="")
    property_type = models.CharField(
        max_length=50, choices=PropertyType, default=PropertyType.RESIDENTIAL
    )
    property_sub_type = models.CharField(
        max_length=50, choices=PropertySubType, blank=True, default=""
    )

    list_price = models.DecimalField(max_digits=14, decimal_places=2)
    original_list_price = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True
    )
    previous_list_price = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True
    )
    close_price = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    close_date = models.DateField(null=True, blank=True)
    listing_contract_date = models.DateField(null=True, blank=True)
    expiration_date = models.DateField(null=True, blank=True)
    price_change_timestamp = models.DateTimeField(null=True, blank=True)
    status_change_timestamp = models.DateTimeField(null=True, blank=True)
    original_entry_timestamp = models.DateTimeField(default=timezone.now, db_default=Now())
    modification_timestamp = models.DateTimeField(auto_now=True, db_default=Now())

    bedrooms_total = models.PositiveSmallIntegerField(null=True, blank=True)
    bathrooms_total_integer = models.PositiveSmallIntegerField(null=True, blank=True)
    bathrooms_full = models.PositiveSmallIntegerField(null=True, blank=True)
    bathrooms_half = models.PositiveSmallIntegerField(null=True, blank=True)
    living_area = models.DecimalField(
        "living area (square feet)", max_digits=14, decimal_places=2, null=True, blank=True
    )
    lot_size_square_feet = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True
    )
    year_built = models.PositiveSmallIntegerField(null=True, blank=True)
    stories_total = models.PositiveSmallIntegerField(null=True, blank=True)
    garage_spaces = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    association_fee = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    association_fee_frequency = models.CharField(max_length=25, blank=True, default="")
    tax_annual_amount = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    waterfront_yn = models.BooleanField("waterfront", default=False)
    pool_private_yn = models.BooleanField("private pool", default=False)
    new_construction_yn = models.BooleanField("new construction", default=False)
    view = models.CharField(
        "view",
        max_length=1024,
        blank=True,
        default="",
        help_text="RESO View values, comma-separated",
    )
    heating = models.CharField(max_length=1024, blank=True, default="")
    cooling = models.CharField(max_length=1024, blank=True, default="")
    appliances = models.CharField(max_length=1024, blank=True, default="")

    unparsed_address = models.CharField(max_length=255, blank=True, default="")
    unit_number = models.CharField(max_length=25, blank=True, default="")
    city = models.CharField(max_length=50, blank=True, default="")
    city_key = models.GeneratedField(
        expression=CityKey("city"), output_field=models.TextField(), db_persist=True
    )
    state_or_province = models.CharField(max_length=2, blank=True, default="")
    postal_code = models.CharField(max_length=10, blank=True, default="")
    county_or_parish = models.CharField(max_length=50, blank=True, default="")
    country = models.CharField(max_length=2, default="US")
    subdivision_name = models.CharField(max_length=50, blank=True, default="")
    latitude = models.DecimalField(max_digits=12, decimal_places=8, null=True, blank=True)
    longitude = models.DecimalField(max_digits=12, decimal_places=8, null=True, blank=True)
    parcel_number = models.CharField(max_length=50, blank=True, default="")

    public_remarks = models.TextField(max_length=4000, blank=True, default="")
    private_remarks = models.TextField(
        max_length=4000, blank=True, default="", help_text="For agents; never shown in public"
    )
    list_agent = models.ForeignKey(
        Agent, models.SET_NULL, null=True, blank=True, db_column="list_agent_key", db_index=False
    )
    list_office = models.ForeignKey(
        Office, models.SET_NULL, null=True, blank=True, db_column="list_office_key", db_index=False
    )
    virtual_tour_url_unbranded = models.URLField(max_length=8000, blank=True, default="")
    internet_entire_listing_display_yn = models.BooleanField(
        "display on the internet", default=True
    )
    internet_address_display_yn = models.BooleanField("display the address", default=True)

    # What `q` searches: the words that visitors may read, so a withheld address cannot be probed.
    search_document = models.GeneratedField(
        expression=SearchVector(
            Case(
                When(internet_address_display_yn=True, then=F("unparsed_address")),
                default=Value(""),
                output_field=models.TextField(),
            ),
            "city",
            "subdivision_name",
            "property_sub_type",
            "public_remarks",
            config="english",
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        verbose_name_plural = "properties"
        ordering: ClassVar = ["-original_entry_timestamp", "listing_key"]
        constraints: ClassVar = [
            _key_shape("property", "listing_key"),
            models.UniqueConstraint(
                "originating_system_name",
                "originating_system_key",
                name="property_originating_key_once",
                condition=~Q(originating_system_key=""),
            ),
            *_at_least_zero(
                "property",
                "list_price",
                "original_list_price",
                "previous_list_price",
                "close_price",
                "living_area",
                "lot_size_square_feet",
                "garage_spaces",
                "association_fee",
                "tax_annual_amount",
            ),
            _between("property", "latitude", -90, 90),
            _between("property", "longitude", -180, 180),
            _between("property", "year_built", 1600, 2200),
            _between("property", "close_date", date.min, date.max),
            _between("property", "original_entry_timestamp", *MOMENTS),
            _known("property", "standard_status", StandardStatus.values),
            _known("property", "property_type", PropertyType.values),
            _known("property", "property_sub_type", ["", *PropertySubType.values]),
        ]
        indexes: ClassVar = [
            *_sort_indexes("property_all"),
            *_sort_indexes("property_city", "city_key"),
            *_market_indexes(),
            # What was sold long ago stands far down in the order of all.
            models.Index(
                F("standard_status"),
                F("original_entry_timestamp").desc(),
                F("listing_key").asc(),
                include=["city_key", *_FILTERED[2:]],
                condition=Q(internet_entire_listing_display_yn=True),
                name="property_status_newest",
            ),
            *(
                models.Index(fields=[column], name=f"property_{column}"[:30])  # Django's limit
                for column in (
                    "property_sub_type",
                    "postal_code",
                    "bedrooms_total",
                    "list_agent",
                    "list_office",
                )
            ),
            word_index("property_words"),
        ]

    def __str__(self) -> str:
        return f"{self.unparsed_address or self.listing_key}, {self.city}"

    def get_absolute_url(self) -> str:
        return reverse("property-detail", args=[self.listing_key])


class Media(models.Model):
    """A photo or document of a property (RESO Media, resource Property)."""

    media_key = primary_key()
    property = models.ForeignKey(Property, models.CASCADE, db_column="listing_key", db_index=False)
    media_url = models.CharField(max_length=8000)
    media_category = models.CharField(
        max_length=50, choices=MediaCategory, default=MediaCategory.PHOTO
    )
    order = models.PositiveSmallIntegerField(default=0)
    short_description = models.CharField(max_length=50, blank=True, default="")
    image_width = models.PositiveIntegerField(null=True, blank=True)
    image_height = models.PositiveIntegerField(null=True, blank=True)
    modification_timestamp = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        verbose_name_plural = "media"
        ordering: ClassVar = ["property", "order", "media_key"]
        constraints: ClassVar = [
            _key_shape("media", "media_key"),
            _known("media", "media_category", MediaCategory.values),
        ]
        indexes: ClassVar = [
            models.Index(fields=["property", "order"], name="media_property_order")
        ]

    def __str__(self) -> str:
        return f"{self.media_category} {self.order} of {self.property_id}"


class OpenHouse(models.Model):
    """A time at which a property can be visited (RESO OpenHouse)."""

    open_house_key = primary_key()
    property = models.ForeignKey(Property, models.CASCADE, db_column="listing_key", db_index=False)
    open_house_start_time = models.DateTimeField()
    open_house_end_time = models.DateTimeField()
    open_house_status = models.CharField(
        max_length=25, choices=OpenHouseStatus, default=OpenHouseStatus.ACTIVE
    )
    open_house_type = models.CharField(
        max_length=25, choices=OpenHouseType, default=OpenHouseType.PUBLIC
    )
    modification_timestamp = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        ordering: ClassVar = ["open_house_start_time", "open_house_key"]
        constraints: ClassVar = [
            _key_shape("openhouse", "open_house_key"),
            _constraint(
                "openhouse_ends_after_start",
                Q(open_house_end_time__gt=F("open_house_start_time")),
            ),
            _between("openhouse", "open_house_start_time", *MOMENTS),
            _between("openhouse", "open_house_end_time", *MOMENTS),
            _known("openhouse", "open_house_status", OpenHouseStatus.values),
        ]
        indexes: ClassVar = [models.Index(fields=["property"], name="openhouse_property")]

    def __str__(self) -> str:
        return f"{self.property_id} {self.open_house_start_time:%Y-%m-%d %H:%M}"


class ListingHistory(models.Model):
    """One past change of a property (RESO HistoryTransactional)."""

    history_transactional_key = primary_key()
    property = models.ForeignKey(
        Property, models.CASCADE, db_column="resource_record_key", db_index=False
    )
    change_type = models.CharField(max_length=255, choices=ChangeType)
    field_name = models.CharField(max_length=255, blank=True, default="")
    previous_value = models.CharField(max_length=8000, blank=True, default="")
    new_value = models.CharField(max_length=8000, blank=True, default="")
    modification_timestamp = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        verbose_name_plural = "listing history"
        ordering: ClassVar = ["-modification_timestamp", "history_transactional_key"]
        constraints: ClassVar = [
            _key_shape("listinghistory", "history_transactional_key"),
            _known("listinghistory", "change_type", ChangeType.values),
            _between("listinghistory", "modification_timestamp", *MOMENTS),
        ]
        indexes: ClassVar = [models.Index(fields=["property"], name="listinghistory_property")]

    def __str__(self) -> str:
        return f"{self.property_id} {self.change_type}"


class PagePopularity(models.Model):
    """How much visitors want a page. `listings.popularity` says what the moment means."""

    pk = models.CompositePrimaryKey("name", "arguments")
    name = models.TextField(db_collation="C")  # of the function that renders it
    arguments = models.TextField(db_collation="C")  # in the canonical form of that function
    wanted_until = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name} {self.arguments}"
