"""What is sold and shown. Columns carry RESO Data Dictionary 2.0 names in snake_case.

`Agent` and `Office` are RESO's Member and Office resources, `ListingHistory` is its
HistoryTransactional. Keys are RESO's text keys, so related rows name their property by the key
that is in its URL. Foreign keys have `db_index=False` and an index in `Meta` instead: Django's own
comes with a second one for prefix searches, which keys of collation C do not need.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from listings.columns import (
    MOMENTS,
    at_least_zero,
    between,
    constraint,
    key_shape,
    known,
    primary_key,
)
from listings.places import CityKey
from listings.property_indexes import property_indexes
from listings.vocabulary import (
    ChangeType,
    MediaCategory,
    OpenHouseStatus,
    OpenHouseType,
    PropertySubType,
    PropertyType,
    StandardStatus,
)


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
        constraints: ClassVar = [key_shape("office", "office_key")]

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
        constraints: ClassVar = [key_shape("agent", "member_key")]
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
            key_shape("property", "listing_key"),
            models.UniqueConstraint(
                "originating_system_name",
                "originating_system_key",
                name="property_originating_key_once",
                condition=~Q(originating_system_key=""),
            ),
            *at_least_zero(
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
            between("property", "latitude", -90, 90),
            between("property", "longitude", -180, 180),
            between("property", "year_built", 1600, 2200),
            between("property", "close_date", date.min, date.max),
            between("property", "original_entry_timestamp", *MOMENTS),
            known("property", "standard_status", StandardStatus.values),
            known("property", "property_type", PropertyType.values),
            known("property", "property_sub_type", ["", *PropertySubType.values]),
        ]
        indexes: ClassVar = property_indexes()

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
            key_shape("media", "media_key"),
            known("media", "media_category", MediaCategory.values),
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
            key_shape("openhouse", "open_house_key"),
            constraint(
                "openhouse_ends_after_start",
                Q(open_house_end_time__gt=F("open_house_start_time")),
            ),
            between("openhouse", "open_house_start_time", *MOMENTS),
            between("openhouse", "open_house_end_time", *MOMENTS),
            known("openhouse", "open_house_status", OpenHouseStatus.values),
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
            key_shape("listinghistory", "history_transactional_key"),
            known("listinghistory", "change_type", ChangeType.values),
            between("listinghistory", "modification_timestamp", *MOMENTS),
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
