"""Where editors change what visitors see."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils import timezone

from listings.keyed_admin import KeyedAdmin, KeyedInline
from listings.models import Agent, ListingHistory, Media, Office, OpenHouse, Property

admin.site.site_header = "Listings"
admin.site.site_title = "Listings"
admin.site.index_title = "What is sold and shown"


class MediaInline(KeyedInline):
    model = Media
    fields = ("media_key", "order", "media_category", "media_url", "short_description")


class OpenHouseInline(KeyedInline):
    model = OpenHouse
    fields = (
        "open_house_key",
        "open_house_start_time",
        "open_house_end_time",
        "open_house_status",
        "open_house_type",
    )


class ListingHistoryInline(KeyedInline):
    model = ListingHistory
    fields = (
        "history_transactional_key",
        "change_type",
        "field_name",
        "previous_value",
        "new_value",
        "modification_timestamp",
    )


@admin.register(Property)
class PropertyAdmin(KeyedAdmin):
    list_display = (
        "listing_key",
        "unparsed_address",
        "city",
        "property_sub_type",
        "standard_status",
        "list_price",
        "list_agent",
        "modification_timestamp",
    )
    list_editable = ("standard_status", "list_price")
    list_filter = (
        "standard_status",
        "property_type",
        "property_sub_type",
        "waterfront_yn",
        "new_construction_yn",
        "internet_entire_listing_display_yn",
        "internet_address_display_yn",
    )
    list_select_related = ("list_agent",)
    date_hierarchy = "original_entry_timestamp"
    search_fields = (
        "listing_key__startswith",
        "listing_id__exact",
        "unparsed_address__icontains",
        "city__istartswith",
        "parcel_number__exact",
    )
    search_help_text = "Start of a key or city, part of an address, a listing ID or parcel number"
    autocomplete_fields = ("list_agent", "list_office")
    formfield_overrides: ClassVar[Any] = {models.URLField: {"assume_scheme": "https"}}
    inlines = (MediaInline, OpenHouseInline, ListingHistoryInline)
    readonly_fields: ClassVar[Any] = (
        "city_key",
        "original_entry_timestamp",  # a form would cut its microseconds, which sort the newest
        "previous_list_price",
        "price_change_timestamp",
        "status_change_timestamp",
        "modification_timestamp",
    )
    fieldsets: ClassVar = [
        (None, {"fields": ["listing_key", "standard_status", "list_price", "public_remarks"]}),
        (
            "Address",
            {
                "fields": [
                    ("unparsed_address", "unit_number"),
                    ("city", "state_or_province", "postal_code", "city_key"),
                    ("county_or_parish", "country"),
                    "subdivision_name",
                    ("latitude", "longitude"),
                    "parcel_number",
                ]
            },
        ),
        (
            "Property",
            {
                "fields": [
                    ("property_type", "property_sub_type"),
                    ("bedrooms_total", "living_area", "lot_size_square_feet"),
                    ("bathrooms_total_integer", "bathrooms_full", "bathrooms_half"),
                    ("year_built", "stories_total", "garage_spaces"),
                    ("waterfront_yn", "pool_private_yn", "new_construction_yn"),
                    *("view", "heating", "cooling", "appliances"),
                ]
            },
        ),
        (
            "Money",
            {
                "fields": [
                    ("original_list_price", "previous_list_price", "price_change_timestamp"),
                    ("close_price", "close_date"),
                    ("association_fee", "association_fee_frequency", "tax_annual_amount"),
                ]
            },
        ),
        (
            "Listing",
            {
                "fields": [
                    ("list_agent", "list_office"),
                    ("internet_entire_listing_display_yn", "internet_address_display_yn"),
                    ("listing_contract_date", "expiration_date", "mls_status"),
                    "virtual_tour_url_unbranded",
                    "private_remarks",
                ]
            },
        ),
        (
            "Origin",
            {
                "fields": [
                    ("listing_id", "originating_system_name", "originating_system_key"),
                    ("original_entry_timestamp", "status_change_timestamp"),
                    "modification_timestamp",
                ]
            },
        ),
    ]

    def save_model(
        self, request: HttpRequest, obj: models.Model, form: forms.ModelForm[Any], change: bool
    ) -> None:
        assert isinstance(obj, Property)
        now = timezone.now()
        if change and "list_price" in form.changed_data:
            obj.previous_list_price = form.initial["list_price"]
            obj.price_change_timestamp = now
        if "standard_status" in form.changed_data:
            obj.status_change_timestamp = now
        if not change and obj.original_list_price is None:
            obj.original_list_price = obj.list_price
        super().save_model(request, obj, form, change)


@admin.register(Agent)
class AgentAdmin(KeyedAdmin):
    list_display = ("member_full_name", "member_key", "office", "member_preferred_phone")
    list_select_related = ("office",)
    search_fields = ("member_full_name__icontains", "member_key__startswith")
    autocomplete_fields = ("office",)


@admin.register(Office)
class OfficeAdmin(KeyedAdmin):
    list_display = ("office_name", "office_key", "office_phone")
    search_fields = ("office_name__icontains", "office_key__startswith")


@admin.register(Media)
class MediaAdmin(KeyedAdmin):
    list_display = ("media_key", "property_id", "order", "media_category", "short_description")
    list_filter = ("media_category",)
    search_fields = ("media_key__startswith", "property__listing_key__exact")
    raw_id_fields = ("property",)


@admin.register(OpenHouse)
class OpenHouseAdmin(KeyedAdmin):
    list_display = (
        "open_house_key",
        "property_id",
        "open_house_start_time",
        "open_house_end_time",
        "open_house_status",
    )
    list_filter = ("open_house_status", "open_house_type")
    search_fields = ("open_house_key__startswith", "property__listing_key__exact")
    date_hierarchy = "open_house_start_time"
    raw_id_fields = ("property",)


@admin.register(ListingHistory)
class ListingHistoryAdmin(KeyedAdmin):
    list_display = (
        "history_transactional_key",
        "property_id",
        "change_type",
        "previous_value",
        "new_value",
        "modification_timestamp",
    )
    list_filter = ("change_type",)
    search_fields = ("history_transactional_key__startswith", "property__listing_key__exact")
    raw_id_fields = ("property",)
    readonly_fields: ClassVar[Any] = ()
