"""The filters of a search as links that remove them."""

from __future__ import annotations

from typing import NamedTuple

from listings.search import PropertySearch
from listings.templating import money, number


class Chip(NamedTuple):
    """A filter, and where the list without it is."""

    text: str
    address: str


def chips(search: PropertySearch, city: str) -> list[Chip]:
    """One for each filter that is set. `city` is the city's name."""
    texts = {
        "city": city,
        "state_or_province": f"State {search.state_or_province}",
        "postal_code": f"ZIP {search.postal_code}",
        "property_type": search.property_type,
        "property_sub_type": search.property_sub_type,
        "standard_status": search.standard_status,
        "list_price_min": f"From {money(search.list_price_min or 0)}",
        "list_price_max": f"Up to {money(search.list_price_max or 0)}",
        "bedrooms_min": f"{search.bedrooms_min}+ beds",
        "bathrooms_min": f"{search.bathrooms_min}+ baths",
        "living_area_min": f"{number(search.living_area_min or 0)}+ sq ft",
        "living_area_max": f"Up to {number(search.living_area_max or 0)} sq ft",
        "year_built_min": f"Built since {search.year_built_min}",
        "q": f"“{search.q}”",
    }
    unset = PropertySearch()
    return [
        Chip(text, address(search, page=1, **{name: getattr(unset, name)}))
        for name, text in texts.items()
        if getattr(search, name) != getattr(unset, name)
    ]


def address(search: PropertySearch, **changes: object) -> str:
    """Where the list of a search is, with some of its fields changed."""
    query = search.canonical(**changes)
    return f"/listings/?{query}" if query else "/listings/"
