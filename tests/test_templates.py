"""The public pages as a browser reads them: safe with any text, complete, and fit for everybody."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

import msgspec
import pytest
from django.template import engines
from django.template.loader import render_to_string
from django.urls import reverse
from jinja2 import Environment
from markupsafe import Markup, escape

from listings import quick_templates, templating
from listings.browsing import CityPart, xml_page
from listings.facets import Facetted, Refinement
from listings.rows import (
    AgentCard,
    Card,
    City,
    Detail,
    HistoryItem,
    OfficeCard,
    OpenHouseTime,
    Photo,
)
from listings.search import PropertySearch
from listings.sort import Sort

ENTERED = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
STATIC = Path(templating.__file__).parent / "static" / "listings"
WITHOUT_CONTEXT = ["404", "410", "500", "503"]
BROWSING = ["cities", "city", "similar", "facets"]
WHOLE_PAGES = ["home", "list", "empty", "detail", "400", *BROWSING, *WITHOUT_CONTEXT]
HOSTILE = [
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    '" onmouseover="alert(1)',
    "{{7*7}}{% raise %}",
    "javascript:alert(1)",
    " \tjava\nscript:alert(1)//http://",
    "</script></title></option></select><body><img src=x onerror=alert(1)>",
    "<!--",
]

CARD = Card(
    listing_key="NW-10421",
    standard_status="Active",
    property_type="Residential",
    property_sub_type="Townhouse",
    list_price=Decimal(895_000),
    close_price=None,
    bedrooms_total=3,
    bathrooms_total_integer=1,
    living_area=Decimal("1840.00"),
    lot_size_square_feet=Decimal(6000),
    address="742 Phinney Ave N",
    city="Seattle",
    state_or_province="WA",
    postal_code="98103",
    original_entry_timestamp=ENTERED,
    photo_url="/photos/house/NW-10421.svg",
)
DETAIL = Detail(
    listing_key="NW-10421",
    listing_id="10421",
    standard_status="Active",
    property_type="Residential",
    property_sub_type="Single Family Residence",
    list_price=Decimal(895_000),
    original_list_price=Decimal(949_000),
    close_price=None,
    close_date=None,
    original_entry_timestamp=ENTERED,
    bedrooms_total=4,
    bathrooms_total_integer=3,
    bathrooms_full=2,
    bathrooms_half=1,
    living_area=Decimal(2340),
    lot_size_square_feet=Decimal(43_560),
    year_built=1926,
    stories_total=2,
    garage_spaces=Decimal("1.00"),
    association_fee=Decimal(85),
    association_fee_frequency="Monthly",
    tax_annual_amount=Decimal("8412.50"),
    waterfront_yn=True,
    pool_private_yn=False,
    new_construction_yn=False,
    view="Lake",
    heating="Forced Air",
    cooling="Central Air",
    appliances="Dishwasher",
    unparsed_address="742 Phinney Ave N",
    unit_number="4B",
    city="Seattle",
    city_key="seattle",
    state_or_province="WA",
    postal_code="98103",
    county_or_parish="King",
    subdivision_name="Phinney Ridge",
    latitude=Decimal("47.67512000"),
    longitude=Decimal("-122.35412000"),
    parcel_number="7129300520",
    public_remarks="A Craftsman on the ridge.",
    virtual_tour_url_unbranded="https://tours.example/742",
    agent=AgentCard("Maya Lindqvist", "maya@ridgeline.example", "+1 206 555 0142"),
    office=OfficeCard("Ridgeline Realty", "+1 206 555 0100", "hello@ridgeline.example"),
    photos=(Photo("/photos/house/1.svg", "Front"), Photo("/photos/kitchen/2.svg", "")),
    open_houses=(OpenHouseTime(ENTERED, ENTERED.replace(hour=11), "Public"),),
    history=(
        HistoryItem("Price Change", "949000.00", "895000.00", ENTERED),
        HistoryItem("New Listing", "", "949000.00", ENTERED),
    ),
)
EVERY_FILTER = PropertySearch(
    city="federal-way",
    state_or_province="WA",
    postal_code="98003",
    property_type="Residential",
    property_sub_type="Townhouse",
    standard_status="Pending",
    list_price_min=Decimal(500_000),
    list_price_max=Decimal("900000.5"),
    bedrooms_min=7,
    bathrooms_min=2,
    living_area_min=1_000,
    living_area_max=3_000,
    year_built_min=1990,
    q="lake & garden",
    sort=Sort.PRICE_DOWN,
    page=3,
)


class Page(HTMLParser):
    """What a browser finds in a page: elements, texts, labelled controls, structured data."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = source
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.unlabelled: list[str] = []
        self._labels = 0
        self._script: str | None = None
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        self._labels += tag == "label"
        self._script = attributes.get("type", "") if tag == "script" else self._script
        if tag in {"input", "select"} and not self._labels and "aria-label" not in attributes:
            self.unlabelled.append(attributes["name"])

    def handle_endtag(self, tag):
        self._labels -= tag == "label"
        self._script = None if tag == "script" else self._script

    def handle_data(self, data):
        (self.texts if self._script is None else self.scripts).append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def hrefs(self, **having: str) -> list[str]:
        return [
            attributes["href"]
            for attributes in self.all("a")
            if all(attributes.get(name, "").startswith(value) for name, value in having.items())
        ]

    @property
    def structured_data(self) -> Any:
        return json.loads("".join(self.scripts))


def render(template: str, **context: object) -> Page:
    return Page(render_to_string(f"listings/{template}.html", context, using="jinja2"))


def home(card: Card = CARD, city: City | None = None) -> Page:
    return render("home", newest=(card,), cities=(city or City("seattle", "Seattle", "WA", 1200),))


def results(
    search: PropertySearch | None = None,
    cards: tuple[Card, ...] = (CARD,),
    count: int = 1,
    page_count: int = 1,
    city_name: str = "",
) -> Page:
    return render(
        "list",
        search=search or PropertySearch(),
        cards=cards,
        count=count,
        page_count=page_count,
        city_name=city_name,
    )


def detail(**changes: object) -> Page:
    return render("detail", listing=msgspec.structs.replace(DETAIL, **changes))


def with_texts(row, text: str):
    """The same row, with `text` in each of its text fields and in those of the rows within.

    Not in keys: the database allows letters, digits, dots, dashes and underscores only, and makes
    a city's key itself.
    """
    changes: dict[str, Any] = {}
    for name in row.__struct_fields__:
        value = getattr(row, name)
        if isinstance(value, str) and name not in {"listing_key", "city_key"}:
            changes[name] = text
        elif isinstance(value, tuple):
            changes[name] = tuple(with_texts(each, text) for each in value)
        elif isinstance(value, msgspec.Struct):
            changes[name] = with_texts(value, text)
    return msgspec.structs.replace(row, **changes)


def search_with_texts(text: str) -> PropertySearch:
    names = [field.name for field in fields(PropertySearch) if field.default == ""]
    changes: dict[str, Any] = dict.fromkeys(names, text)
    return replace(EVERY_FILTER, **changes)


def every_page(text: str | None = None) -> dict[str, Page]:
    """Each template once: with plausible rows, or with `text` wherever a text can be."""
    card, listing, search = CARD, DETAIL, EVERY_FILTER
    city = City("seattle", "Seattle", "WA", 1200)
    offers: tuple[Refinement, ...] = (
        Refinement("property_type", "Land", 1001, "city=seattle&property_type=Land"),
        Refinement("bedrooms_min", "3", 7, "city=seattle&bedrooms_min=3"),
        Refinement("list_price_max", "500000", 2, "city=seattle&list_price_max=500000"),
    )
    errors = {"bedrooms_min": "must be a whole number from 0 to 100"}
    if text is not None:
        card, listing = with_texts(card, text), with_texts(listing, text)
        search, city, errors = search_with_texts(text), with_texts(city, text), {text: text}
        offers = (Refinement("property_type", text, 1, text), *offers)
    found = Facetted(1001, offers)
    return {
        "home": home(card, city),
        "list": results(search, (card,) * 6, 60, 3, text or "Federal Way"),
        "empty": results(search, (), 0, 0),
        "detail": render("detail", listing=listing),
        "cities": render("cities", cities=(city,)),
        "city": render("city", search=PropertySearch(city="seattle"), newest=(card,), found=found),
        "similar": render("similar", listing_key="NW-1", city_key="seattle", homes=(card,) * 2),
        "facets": render("facets", search=search, found=found),
        "400": render("400", errors=errors),
        "staff_bar": render("staff_bar", visitor_url="/?a=" + (text or ""), admin_url="/admin/"),
        **{name: render(name) for name in WITHOUT_CONTEXT},
    }


# ---- nothing that anybody typed becomes markup ----


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text):
    for name, page in every_page(text).items():
        for tag, attributes in page.elements:
            assert (
                tag != "script"
                or attributes.get("type") == "application/ld+json"
                or (attributes == {"src": "/static/listings/site.js", "defer": ""})
            ), name
            assert not [attribute for attribute in attributes if attribute.startswith("on")], name
            for attribute in {"href", "src", "action", "formaction"} & attributes.keys():
                address = "".join(attributes[attribute].split()).lower()
                assert not address.startswith(("javascript:", "data:", "vbscript:")), (name, tag)
        assert page.source.count("<body") == (name != "staff_bar"), name
        # An image whose address cannot be trusted is left out; a drawing stands in.
        usual = {tag for tag, _ in every_page()[name].elements} - {"img"}
        assert {tag for tag, _ in page.elements} == usual, name


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_arrives_as_it_was_typed(text):
    said = " ".join(text.split())
    pages = every_page(text)
    for name in ("home", "list", "detail", "400", *BROWSING):
        assert said in pages[name].text, name
    words = [field["value"] for field in pages["list"].all("input") if field["name"] == "q"]
    assert words == [text]
    assert pages["detail"].structured_data["description"] == text
    assert pages["detail"].structured_data["name"].startswith(text)


FILES = {
    "feed": lambda search, card: {"search": search, "homes": (card,)},
    "sitemap": lambda search, card: {"parts": [CityPart("a&b", 1)]},
    "city_sitemap": lambda search, card: {"part": CityPart("a&b", 1), "keys": ("NW-1",)},
}


@pytest.mark.parametrize("text", [*HOSTILE, "a\x00b\x0bc\ud800d\ufffee", "]]>&amp;&#0;"])
@pytest.mark.parametrize("name", FILES)
def test_hostile_text_stays_text_in_files(settings, name, text):
    settings.SITE_URL = "https://homes.example"

    def document(search: PropertySearch, card: Card) -> ElementTree.Element:
        page = xml_page(name, "application/xml", **FILES[name](search, card))
        return ElementTree.fromstring(page.body)

    tree = document(search_with_texts(text.replace("\ud800", "")), with_texts(CARD, text))
    usual = document(EVERY_FILTER, CARD)
    assert [one.tag for one in tree.iter()] == [one.tag for one in usual.iter()]
    for one in tree.iter():
        address = one.get("href") or (one.text if one.tag.endswith(("}loc", "}id")) else None)
        assert address is None or address.startswith("https://homes.example/")
    if name == "feed":
        title = [one.text or "" for one in tree.iter("{http://www.w3.org/2005/Atom}title")][1]
        shown = re.sub("[\x00\x0b\ud800\ufffe]", "", text)
        assert shown.split() == title.partition("· ")[2].rpartition(", ")[0].split()


def test_every_template_is_fed_hostile_text():
    env = engines["jinja2"].env
    env.cache.clear()
    every_page(HOSTILE[0])
    for name, context in FILES.items():
        xml_page(name, "application/xml", **context(EVERY_FILTER, CARD))
    used = {name for _, name in env.cache}
    assert used >= set(env.list_templates(filter_func=lambda name: name.startswith("listings/")))


@pytest.mark.parametrize(
    "address",
    ["//other.example/x.svg", "/\\other.example/x.svg", "/\t/other.example", "http://other.example",
     "data:image/svg+xml,x", "javascript:alert(1)", "x.svg", "", "https://a.example/ x", "/a\n"],
)  # fmt: skip
def test_images_come_from_here_or_over_https(address):
    assert templating.image_address(address) == ""
    assert not results(cards=(msgspec.structs.replace(CARD, photo_url=address),)).all("img")
    assert not detail(photos=(Photo(address, "Front"),)).all("img")


@pytest.mark.parametrize(
    "address", ["/photos/house/1.svg", "/", "https://photos.example/1.jpg?w=2"]
)
def test_image_addresses_that_are_shown(address):
    assert templating.image_address(address) == address


@pytest.mark.parametrize(
    ("address", "shown"),
    [("https://tours.example/1", True), ("http://tours.example/1", True), ("ftp://x", False),
     ("javascript:alert(1)//https://x", False), ("//tours.example", False), ("", False)],
)  # fmt: skip
def test_virtual_tour_is_a_link_only_over_http(address, shown):
    links = detail(virtual_tour_url_unbranded=address).hrefs(rel="noopener noreferrer nofollow")
    assert links == ([address] if shown else [])


@pytest.mark.parametrize("city_key", ["federal-way", "são-paulo", "東京"])
def test_addresses_of_keys_are_those_of_the_routes(city_key):
    listing = msgspec.structs.replace(DETAIL, city_key=city_key, listing_key="NW.1_a-2")
    route = {"city": city_key, "listing_key": listing.listing_key}
    assert templating.similar_address(listing) == reverse("similar-homes", kwargs=route)
    detail_route = {"listing_key": listing.listing_key}
    assert templating.detail_address(listing.listing_key) == reverse(
        "property-detail", kwargs=detail_route
    )


# ---- a strict content security policy, and everybody ----


@pytest.mark.parametrize("name", [*WHOLE_PAGES, "staff_bar"])
def test_pages_need_no_inline_code_and_no_other_site(name):
    page = every_page()[name]
    assert not page.all("style")
    assert not [attributes for _, attributes in page.elements if "style" in attributes]
    for tag in ("img", "script", "iframe", "source"):
        for attributes in page.all(tag):
            assert attributes.get("src", "/").startswith("/")
    assert all(attributes["href"].startswith("/") for attributes in page.all("link"))


@pytest.mark.parametrize("name", WHOLE_PAGES)
def test_pages_can_be_read_by_everybody(name):
    page = every_page()[name]
    levels = [int(tag[1]) for tag, _ in page.elements if tag in {"h1", "h2", "h3", "h4"}]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert page.unlabelled == []
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        for reference in ("aria-labelledby", "list", "form"):
            assert attributes.get(reference) in {None, *ids}
    for image in page.all("img"):
        assert image["alt"]
        assert int(image["width"]) * 3 == int(image["height"]) * 4
    assert page.all("html") == [{"lang": "en"}]
    assert page.source.count("<body>") == 1
    assert "#content" in page.hrefs(**{"class": "skip"})
    assert {"header", "nav", "main", "footer"} <= {tag for tag, _ in page.elements}
    assert "demonstration data" in page.text


def test_assets_stay_small_and_at_home():
    css, script = (STATIC / "site.css").read_text(), (STATIC / "site.js").read_text()
    assert len(css.encode()) < 12 * 1024
    assert len(script.splitlines()) < 60
    assert "//" not in css
    assert "http" not in css + script


# ---- lists ----


def test_form_sends_the_search_that_it_shows():
    page = results(EVERY_FILTER, count=60, page_count=3, city_name="Federal Way")
    sent = {field["name"]: field["value"] for field in page.all("input")}
    name = ""
    for tag, attributes in page.elements:
        if tag == "select":
            name = attributes["name"]
        elif tag == "option" and "selected" in attributes:
            sent[name] = attributes["value"]
    assert PropertySearch.parse(sent) == replace(EVERY_FILTER, page=1)


def test_every_filter_can_be_removed():
    page = results(EVERY_FILTER, count=60, page_count=3, city_name="Federal Way")
    filters = [field for field in fields(PropertySearch) if field.name not in {"sort", "page"}]
    expected = {EVERY_FILTER.canonical(**{each.name: each.default}, page=1) for each in filters}
    removals = page.hrefs(**{"aria-label": "Remove filter"})
    assert len(removals) == len(filters)
    assert {urlsplit(href).query for href in removals} == expected


def test_search_without_filters_shows_no_chips():
    assert results().hrefs(**{"aria-label": "Remove filter"}) == []
    assert "Clear all" not in results().text


@pytest.mark.parametrize("page", [1, 2, 3, 21, 41, 42])
def test_page_links_are_canonical(page):
    search = PropertySearch(city="seattle", bedrooms_min=2, page=page)
    shown = results(search, count=1001, page_count=42, city_name="Seattle")
    numbers = {}
    for href in (*shown.hrefs(**{"aria-label": "Page "}), *shown.hrefs(rel="next")):
        query = urlsplit(href).query
        assert PropertySearch.parse(dict(parse_qsl(query))).canonical() == query
        numbers[int(dict(parse_qsl(query)).get("page", 1))] = query
    assert 5 <= len(numbers) <= 6
    assert page in numbers
    assert 1 <= min(numbers) <= max(numbers) <= 42
    assert "page=1&" not in shown.source + "&"
    assert len(shown.hrefs(**{"aria-current": "page"})) == 1
    assert bool(shown.hrefs(rel="prev")) == (page > 1)
    assert bool(shown.hrefs(rel="next")) == (page < 42)
    (canonical,) = [link for link in shown.all("link") if link["rel"] == "canonical"]
    assert canonical["href"] == f"/listings/?{search.canonical()}"


@pytest.mark.parametrize("page_count", [0, 1])
def test_single_page_has_no_page_links(page_count):
    page = results(page_count=page_count)
    assert not [nav for nav in page.all("nav") if nav["aria-label"] == "Pages"]


def test_page_past_the_last_one_leads_back():
    page = results(PropertySearch(page=9), cards=(), count=30, page_count=2)
    assert "past the last one" in page.text
    assert not page.hrefs(rel="next")


@pytest.mark.parametrize(
    ("search", "count", "city_name", "heading"),
    [
        (PropertySearch(city="seattle"), 1001, "Seattle", "1,000+ homes for sale in Seattle"),
        (PropertySearch(), 1000, "", "1,000 homes for sale"),
        (PropertySearch(), 1, "", "1 home for sale"),
        (PropertySearch(city="seattle"), 0, "", "No homes for sale in seattle"),
        (PropertySearch(standard_status="Closed"), 3, "", "3 homes sold"),
        (PropertySearch(property_type="Residential Lease"), 3, "", "3 homes for rent"),
        (PropertySearch(property_type="Land", city="kent"), 2, "Kent", "2 lots for sale in Kent"),
        (PropertySearch(state_or_province="WA"), 2, "", "2 homes for sale in WA"),
    ],
)  # fmt: skip
def test_heading_says_what_was_found(search, count, city_name, heading):
    page = results(search, count=count, city_name=city_name)
    assert f"{heading} " in page.text
    assert f"<title>{heading} · Listings</title>" in page.source


def test_no_results_is_said_with_a_way_out():
    page = results(PropertySearch(bedrooms_min=99), cards=(), count=0, page_count=0)
    assert "No home matches this search" in page.text
    assert "/listings/" in page.hrefs()


# ---- one listing ----


def test_card_says_what_matters():
    text = results(cards=(CARD,)).text
    for said in ("$895,000", "3 beds", "1 bath", "1,840 sq ft", "742 Phinney Ave N", "Townhouse",
                 "Seattle, WA 98103", "For sale", "Listed Mar 1, 2026"):  # fmt: skip
        assert said in text


def test_only_first_images_load_at_once():
    loading = [image.get("loading") for image in results(cards=(CARD,) * 24).all("img")]
    assert loading == [None] * 4 + ["lazy"] * 20


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"property_type": "Residential Lease", "list_price": Decimal(2450)}, "$2,450 /month"),
        ({"property_type": "Residential Lease"}, "For rent"),
        ({"standard_status": "Active Under Contract"}, "Under contract"),
        ({"standard_status": "Closed", "close_price": Decimal(812_500)}, "$812,500"),
        ({"standard_status": "Closed"}, "$895,000 list price"),
        ({"bedrooms_total": 0}, "Studio"),
        ({"living_area": None}, "6,000 sq ft lot"),
        ({"living_area": None, "lot_size_square_feet": Decimal(54_450)}, "1.25 acres lot"),
        ({"address": ""}, "Address withheld"),
    ],
)
def test_card_of_other_kinds(changes, said):
    assert said in results(cards=(msgspec.structs.replace(CARD, **changes),)).text


def test_card_without_anything_optional():
    numbers = ("bedrooms_total", "bathrooms_total_integer", "living_area", "lot_size_square_feet")
    names = (
        "property_sub_type",
        "address",
        "city",
        "state_or_province",
        "postal_code",
        "photo_url",
    )
    bare, texts = dict.fromkeys(numbers), dict.fromkeys(names, "")
    page = results(cards=(msgspec.structs.replace(CARD, **bare, **texts),))
    assert "None" not in page.text
    assert not page.all("img")


def test_only_listings_on_the_market_age():
    def ages(status: str) -> bool:
        page = results(cards=(msgspec.structs.replace(CARD, standard_status=status),))
        return "data-age" in page.all("time")[0]

    assert ages("Active")
    assert not ages("Closed")
    assert not ages("Coming Soon")


def test_withheld_address_is_nowhere():
    page = detail(unparsed_address="")
    for secret in ("Phinney Ave", "4B", "7129300520", "47.67", "122.35", "openstreetmap"):
        assert secret not in page.source.lower() + page.source
    assert "Address withheld" in page.text
    assert "streetAddress" not in page.structured_data["about"]["address"]


def test_detail_says_what_is_known():
    page = detail()
    for said in ("742 Phinney Ave N #4B", "$895,000", "Reduced from $949,000",
                 "$382 per square foot", "2 full, 1 half", "1 acre", "$85, monthly",
                 "Waterfront", "Open to the public",
                 "Price cut $895,000 from $949,000, −5.7%", "Maya Lindqvist", "Ridgeline Realty",
                 "47.67512, -122.35412"):  # fmt: skip
        assert said in page.text
    assert "Private pool" not in page.text
    assert page.hrefs(href="tel:") == ["tel:+12065550142", "tel:+12065550100"]
    assert "mailto:maya@ridgeline.example" in page.hrefs()
    assert "/listings/?city=seattle" in page.hrefs()


def test_closed_listing_shows_what_it_sold_for():
    page = detail(
        standard_status="Closed", close_price=Decimal(905_000), close_date=date(2026, 5, 4)
    )
    assert "Sold for $905,000" in page.text
    assert "Closed May 4, 2026" in page.text
    assert "Last listed at $895,000" in page.text
    assert page.structured_data["offers"]["price"] == "905000"
    assert page.structured_data["offers"]["availability"] == "https://schema.org/SoldOut"


def test_detail_without_anything_optional():
    empty: dict[str, Any] = {}
    for field in msgspec.structs.fields(Detail):
        value = getattr(DETAIL, field.name)
        if isinstance(value, tuple):
            empty[field.name] = ()
        elif "None" in str(field.type):
            empty[field.name] = None
        elif isinstance(value, str) and field.name not in {"listing_key", "standard_status"}:
            empty[field.name] = ""
    page = detail(**empty)
    assert "None" not in page.text
    assert not page.all("aside")
    assert page.structured_data["offers"]["price"] == "895000"


def test_structured_data_is_complete():
    about = detail().structured_data["about"]
    assert about["@type"] == "SingleFamilyResidence"
    assert about["geo"] == {
        "@type": "GeoCoordinates", "latitude": 47.67512, "longitude": -122.35412,
    }  # fmt: skip
    assert about["floorSize"]["value"] == 2340.0
    assert about["address"]["streetAddress"] == "742 Phinney Ave N #4B"


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 9])
def test_gallery_shows_every_photo_once(count):
    photos = tuple(Photo(f"/photos/house/{n}.svg", "") for n in range(count))
    page = detail(photos=photos)
    assert [image["src"] for image in page.all("img")] == [photo.media_url for photo in photos]
    assert (f"All {count} photos" in page.text) == (count > 5)


@pytest.mark.parametrize(
    "value", ["NaN", "1e999999", "1E-999999", "-1", "Infinity", "soon", "1" * 400]
)
def test_history_value_that_is_no_amount_is_shown_as_it_is(value):
    for before, after in (("5", value), (value, "5")):
        page = detail(history=(HistoryItem("Price Change", before, after, ENTERED),))
        assert after in page.text


# ---- errors ----


@pytest.mark.parametrize("name", WITHOUT_CONTEXT)
def test_error_pages_need_neither_context_nor_database(name):
    assert any(
        href in {"/", "/listings/", ""} for href in render(name).hrefs(**{"class": "button"})
    )


def test_bad_search_names_the_field_and_what_is_allowed():
    text = render("400", errors={"bedrooms_min": "must be a whole number", "odd": "no"}).text
    assert "Beds bedrooms_min must be a whole number" in text
    assert "odd no" in text
    assert "could not read" in render("400", errors={}).text


def test_staff_bar_leads_to_what_visitors_see():
    page = render("staff_bar", visitor_url="/listings/?city=a&staff=no", admin_url="/admin/1/")
    assert page.hrefs() == ["/listings/?city=a&staff=no", "/admin/1/"]


# ---- escaping ----


class Marked:
    """Brings its own HTML, as a form's field does."""

    def __html__(self) -> str:
        return "<b>safe</b>"


class Named(str):
    """A text of another type, as a model's choices are."""


@pytest.mark.parametrize(
    "value",
    [*HOSTILE, "", "é&'", Markup("<i>&amp;</i>"), Marked(), Named("<a>"), None, 5, Decimal("1.50")],
)
def test_what_is_put_out_is_escaped_as_markupsafe_escapes(value):
    source = "{% macro m(x) %}{{ x }}{% endmacro %}{{ v }}|{{ m(v) }}|{{ 'a' ~ v }}|{{ v|string }}"
    plain, ours = Environment(autoescape=True), templating.environment()
    expected = plain.from_string(source).render(v=value)
    assert ours.from_string(source).render(v=value) == expected
    assert quick_templates.escaped(value) == escape(value)


# ---- kept pieces ----

OTHERWISE: dict[str, object] = {
    "listing_key": "NW-2",
    "standard_status": "Pending",
    "property_type": "Residential Lease",
    "property_sub_type": "Condominium",
    "list_price": Decimal("895000.50"),
    "bedrooms_total": None,
    "bathrooms_total_integer": 0,
    "living_area": Decimal("1840.25"),
    "address": "",
    "city": "Kent",
    "state_or_province": "",
    "postal_code": "98104",
    "original_entry_timestamp": ENTERED.replace(day=2),
    "photo_url": "",
}


@pytest.mark.parametrize("column", OTHERWISE)
def test_a_kept_card_gives_way_when_its_row_has_changed(column):
    changed = msgspec.structs.replace(CARD, **{column: OTHERWISE[column]})
    quick_templates.kept.cache_clear()
    anew = results(cards=(changed, CARD)).source
    quick_templates.kept.cache_clear()
    before = results(cards=(CARD, CARD)).source
    assert results(cards=(changed, CARD)).source == anew != before
    assert results(cards=(CARD, CARD)).source == before


def test_kept_fields_of_a_form_are_those_of_its_search():
    def with_each(search: PropertySearch) -> list[str]:
        return [results(search=replace(search, page=page)).source for page in (1, 2)]

    quick_templates.kept.cache_clear()
    anew = with_each(EVERY_FILTER)
    quick_templates.kept.cache_clear()
    assert with_each(PropertySearch()) != anew
    assert with_each(EVERY_FILTER) == anew


def test_cards_that_have_not_changed_are_not_rendered_again():
    cards = [msgspec.structs.replace(CARD, listing_key=f"NW-{n}") for n in range(24)]
    results(cards=tuple(cards))
    made = quick_templates.kept.cache_info().misses
    changed = msgspec.structs.replace(CARD, listing_key="NW-7", list_price=Decimal(1))
    results(cards=(*cards[:7], changed, *cards[8:]))
    assert quick_templates.kept.cache_info().misses == made + 1
