"""What search engines read of a listing (schema.org, RealEstateListing)."""

from __future__ import annotations

import json
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from listings.models import Property
from listings.templating import detail_address, image_address, is_lease, without_empty

PLACES = {
    "Single Family Residence": "SingleFamilyResidence",
    "Condominium": "Apartment",
    "Apartment": "Apartment",
    "Co-Ownership": "Apartment",
    "Townhouse": "House",
}
AVAILABILITY = {"Active": "InStock", "Coming Soon": "PreOrder", "Closed": "SoldOut"}
# As Django's own json_script does, so that no text can end the script element.
ESCAPES = {ord(">"): "\\u003E", ord("<"): "\\u003C", ord("&"): "\\u0026"}


def structured_data(listing: Property) -> SafeString:
    """JSON to stand in a script element."""
    data = without_empty(
        {
            "@context": "https://schema.org",
            "@type": "RealEstateListing",
            "name": f"{address_of(listing)}, {place_of(listing)}",
            "url": detail_address(listing.listing_key),
            "datePosted": listing.original_entry_timestamp.date().isoformat(),
            "description": listing.public_remarks,
            "image": [image_address(photo.media_url) for photo in listing.photos],  # type: ignore[attr-defined]
            "about": _about(listing),
            "offers": {
                "@type": "Offer",
                "price": str(price_of(listing)),
                "priceCurrency": "USD",
                "availability": "https://schema.org/"
                + AVAILABILITY.get(listing.standard_status, "LimitedAvailability"),
                "businessFunction": "http://purl.org/goodrelations/v1#"
                + ("LeaseOut" if is_lease(listing.property_type) else "Sell"),
            },
        }
    )
    return mark_safe(json.dumps(data).translate(ESCAPES))  # noqa: S308 - escaped just now


def address_of(listing: Property) -> str:
    """Street and unit, unless the seller withholds them."""
    street, unit = listing.unparsed_address, listing.unit_number
    if not listing.internet_address_display_yn or not street:
        return "Address withheld"
    return f"{street} #{unit}" if unit and unit not in street else street


def place_of(listing: Property) -> str:
    """City, state and ZIP code."""
    city = ", ".join(filter(None, (listing.city, listing.state_or_province)))
    return f"{city} {listing.postal_code}"


def price_of(listing: Property) -> Any:
    """What it was sold for, if that is known, or what is asked."""
    sold = listing.standard_status == "Closed" and listing.close_price is not None
    return listing.close_price if sold else listing.list_price


def _about(listing: Property) -> dict[str, Any]:
    residential = listing.property_type.startswith("Residential")
    kind = PLACES.get(listing.property_sub_type, "House" if residential else "Place")
    withheld = not listing.internet_address_display_yn or not listing.unparsed_address
    about: dict[str, Any] = {
        "@type": kind,
        "address": {
            "@type": "PostalAddress",
            "streetAddress": "" if withheld else address_of(listing),
            "addressLocality": listing.city,
            "addressRegion": listing.state_or_province,
            "postalCode": listing.postal_code,
        },
    }
    if listing.latitude is not None and listing.longitude is not None and not withheld:
        about["geo"] = {
            "@type": "GeoCoordinates",
            "latitude": float(listing.latitude),
            "longitude": float(listing.longitude),
        }
    if kind != "Place":
        about["numberOfBedrooms"] = listing.bedrooms_total
        about["numberOfBathroomsTotal"] = listing.bathrooms_total_integer
        about["yearBuilt"] = listing.year_built
    if listing.living_area:
        size = float(listing.living_area)
        about["floorSize"] = {"@type": "QuantitativeValue", "value": size, "unitCode": "FTK"}
    return about
