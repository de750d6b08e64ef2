"""The pages that the audit asks for, and what a response of each shows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from invalidation_worker.freshness.truth import (
    ANYWHERE,
    OK,
    THRESHOLD,
    Home,
    HomeList,
    Thing,
    Value,
    cheapest,
    dearest,
)

PREFIX = "AUDIT-"  # of every key that the audit writes
_API = "/api/v1/properties"
WORD = "gazebo"  # the full-text search looks for it in remarks

_STATUS = re.compile(r'data-status="([^"]*)"')
_PRICE = re.compile(r'<p class="price">\$([\d,]+)')
_IMAGE = re.compile(r'<img src="([^"]*)"')
_KEY = re.compile(r'<a href="/listings/([^"/]+)/">')
_COUNT = re.compile(r"<h1>(No|[\d,]+) ")
_PLACE = re.compile(r'<p class="place">([^<,]*),')
_REMARKS = re.compile(r'<p class="remarks">([^<]*)</p>')
_NAME = re.compile(r"<address>\s*<b>([^<]*)</b>")
_VISIT = re.compile(r'data-span><time datetime="([^"]*)"')


class Unreadable(Exception):
    """A response does not look like the page that it should be."""


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page is, and how to read what it shows from a status and a body.

    `read` raises `Unreadable`.
    """

    address: str
    read: Callable[[int, str], dict[Thing, Value]]


def lists_of(north: str, south: str) -> list[HomeList]:
    """Searches of a writer's two cities: each filter, order and page that its writes cross."""

    def in_north(home: Home) -> bool:
        return home.city == north

    city: dict[str, object] = {"city": _city_key(north)}
    return [
        HomeList(_address(city), in_north),
        HomeList(_address(city, page=2), in_north, page=2),
        HomeList(_address(city, sort="price"), in_north, cheapest),
        HomeList(_address(city, sort="price", page=2), in_north, cheapest, page=2),
        HomeList(_address(city, sort="-price"), in_north, dearest),
        HomeList(
            _address(city, list_price_min=THRESHOLD),
            lambda home: in_north(home) and home.price >= THRESHOLD,
        ),
        HomeList(
            _address(city, list_price_max=THRESHOLD, sort="price"),
            lambda home: in_north(home) and home.price <= THRESHOLD,
            cheapest,
        ),
        HomeList(
            _address(city, standard_status="Pending"),
            lambda home: in_north(home) and home.status == "Pending",
        ),
        HomeList(_address(city, q=WORD), lambda home: in_north(home) and WORD in home.remarks),
        HomeList(_address({"city": _city_key(south)}), lambda home: home.city == south),
    ]


def list_page(home_list: HomeList) -> Page:
    """A list within one writer's city: everything on it is known, and so is what is missing."""
    return Page(home_list.address, partial(_read_list, home_list.address))


def detail_page(home: Home) -> Page:
    return Page(home.address, partial(_read_detail, home.address))


def answer_page(home: Home) -> Page:
    """What the API tells of a listing: the same as its page."""
    address = f"{_API}/{home.key}"
    return Page(address, partial(_read_answer, home.address))


def shared_pages() -> list[Page]:
    """Pages over all cities. Only cards that are there are judged: others may fill the page."""
    dear: dict[str, object] = {"sort": "-price"}
    addresses = (
        "/",
        "/listings/",
        _address(dear),
        _address(dear, page=2),
        _address({"list_price_min": THRESHOLD}, sort="price"),
    )
    pages = [Page(address, _read_shared) for address in addresses]
    return [*pages, *(Page(_API + query, _read_answers) for query in ("", "?sort=-price"))]


def _address(search: dict[str, object], **more: object) -> str:
    return f"/listings/?{urlencode({**search, **more})}"


def _city_key(city: str) -> str:
    return city.lower().replace(" ", "-")


def _read_list(address: str, status: int, body: str) -> dict[Thing, Value]:
    _expect(status == OK, f"{address} has status {status}")
    number = _find(_COUNT, body, "a number of homes")
    count = 0 if number == "No" else _number(number)
    return {(address, "cards"): tuple(_cards(body)), (address, "count"): count}


def _read_shared(status: int, body: str) -> dict[Thing, Value]:
    _expect(status == OK, f"a list has status {status}")
    return {(ANYWHERE, card[0]): card for card in _cards(body) if card[0].startswith(PREFIX)}


def _read_detail(address: str, status: int, body: str) -> dict[Thing, Value]:
    if status != OK:
        return {(address, "listing"): (status,)}
    names = _NAME.findall(body)
    _expect(len(names) == 2, f"{address} names {len(names)} instead of an agent and an office")
    listing = (
        OK,
        _number(_find(_PRICE, body, "a price")),
        _find(_STATUS, body, "a status"),
        _find(_PLACE, body, "a city"),
        _find(_REMARKS, body, "remarks"),
        *names,
    )
    gallery = body.partition('<div class="gallery')[2].partition("<header")[0]
    return {
        (address, "listing"): listing,
        (address, "photos"): tuple(_IMAGE.findall(gallery)),
        (address, "visits"): tuple(_VISIT.findall(body)),
    }


def _read_answers(status: int, body: str) -> dict[Thing, Value]:
    _expect(status == OK, f"a list of the API has status {status}")
    return {
        (ANYWHERE, one["ListingKey"]): (
            one["ListingKey"],
            int(one["ListPrice"]),
            one["Media"][0]["MediaURL"] if one["Media"] else "",
            one["StandardStatus"],
        )
        for one in _answer(body)["value"]
        if one["ListingKey"].startswith(PREFIX)
    }


def _read_answer(address: str, status: int, body: str) -> dict[Thing, Value]:
    if status != OK:
        return {(address, "listing"): (status,)}
    one = _answer(body)
    columns = ("StandardStatus", "City", "PublicRemarks", "ListAgentFullName", "ListOfficeName")
    visits = (datetime.fromisoformat(time["OpenHouseStartTime"]) for time in one["OpenHouse"])
    return {
        (address, "listing"): (OK, int(one["ListPrice"]), *(one[name] for name in columns)),
        (address, "photos"): tuple(media["MediaURL"] for media in one["Media"]),
        (address, "visits"): tuple(visit.isoformat() for visit in visits),
    }


def _answer(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise Unreadable(f"an answer of the API is no JSON: {error}") from error


def _cards(body: str) -> Iterable[tuple[str, int, str, str]]:
    for text in body.split('<li class="card">')[1:]:
        image = _IMAGE.search(text.partition('<div class="facts">')[0])
        yield (
            _find(_KEY, text, "a link"),
            _number(_find(_PRICE, text, "a price")),
            image[1] if image else "",
            _find(_STATUS, text, "a status"),
        )


def _find(pattern: re.Pattern[str], text: str, what: str) -> str:
    found = pattern.search(text)
    if found is None:
        raise Unreadable(f"{what} is missing: has a template changed?")
    return found[1]


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Unreadable(otherwise)


def _number(text: str) -> int:
    return int(text.replace(",", ""))
