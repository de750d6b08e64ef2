"""What the ordinary templates may call: the platform's own ways of writing numbers and dates."""

from __future__ import annotations

from decimal import Decimal

from django import template

from benchmarks.ordinary import chips, structured_data
from listings import templating
from listings.models import ListingHistory, Media, Property
from listings.search import PropertySearch

register = template.Library()

for _filter in (
    templating.day,
    templating.image_address,
    templating.instant,
    templating.is_lease,
    templating.iso,
    templating.key_facts,
    templating.listed,
    templating.lot,
    templating.money,
    templating.number,
    templating.refinement,
    templating.status_label,
    templating.web_address,
    structured_data.address_of,
    structured_data.place_of,
    structured_data.price_of,
):
    register.filter(_filter.__name__, _filter)

VISITS = {
    "Public": "Open to the public",
    "Broker": "For brokers",
    "Office": "For the office",
    "Livestream Public": "Livestream",
    "Livestream Broker": "Livestream for brokers",
}


@register.filter
def is_withheld(listing: Property) -> bool:
    """Whether the seller keeps back where the home is."""
    return not listing.internet_address_display_yn or not listing.unparsed_address


@register.filter
def shown_photos(listing: Property) -> list[Media]:
    """Those that an `<img>` may show."""
    return [photo for photo in listing.photos if templating.image_address(photo.media_url)]  # type: ignore[attr-defined]


@register.filter
def whole_key_facts(listing: Property) -> str:
    """Key facts, the size of the land among them."""
    return templating.key_facts(listing, with_lot=True)  # type: ignore[arg-type]


@register.filter
def visit(open_house_type: str) -> str:
    """Who may come."""
    return VISITS.get(open_house_type, open_house_type)


@register.filter
def per_square_foot(price: Decimal, living_area: Decimal) -> int:
    return round(price / living_area)


@register.filter
def telephone(number: str) -> str:
    """For a `tel:` address."""
    return number.replace(" ", "")


@register.filter
def amount_or_text(value: str) -> str:
    """`$450,000` for a text that is an amount; any other as it stands."""
    amount = templating.amount(value)
    return value if amount is None else templating.money(amount)


@register.filter
def price_change(item: ListingHistory) -> dict[str, str] | None:
    """How a price changed, if this is a change of a price that can be read."""
    before, after = templating.amount(item.previous_value), templating.amount(item.new_value)
    if item.change_type != "Price Change" or before is None or after is None:
        return None
    percent = f"{(after - before) / before * 100:+.1f}".replace("-", "−") if before else ""
    return {
        "name": "Price cut" if after < before else "Price increase",
        "after": templating.money(after),
        "before": templating.money(before),
        "percent": percent,
    }


@register.simple_tag
def search_address(search: PropertySearch, **changes: object) -> str:
    """Where the list of a search is, with some of its fields changed."""
    return chips.address(search, **changes)
