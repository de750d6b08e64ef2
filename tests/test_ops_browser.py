"""The operators' page as a person sees, hears and works it, with the real processes behind it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from invalidation_worker import traces
from listings.cache.dependencies import Rows
from listings.cache.entries import Layer
from listings.cache.store import store
from listings.models import Property
from tests.browser import Faults, violations
from tests.scraping import free_ports
from tests.services import Services
from tests.waiting import eventually
from web.local_servers import ports

PROCESSES = ("exporter", "invalidation-worker", "warming-worker", "relay", "truth-probe")
WIDE, NARROW = {"width": 1600, "height": 1000}, {"width": 400, "height": 800}
CITIES = ("Seattle", "Kent", "Federal Way", "Bellevue", "Seattle")
# What every chart must draw of a working platform; it may draw more.
DRAWN = {
    "hit-ratio": {"near", "page", "queryset", "server"},
    "request-time": {"p99"},
    "lag": {"claimed", "invalidated", "warmed"},
    "waiting": {"change log", "invalidation queue", "warming queue", "with workers"},
    "memory": {"cache server", "registries in it"},
    "work": {"changes", "dropped", "warmed"},
}
MS = 60_000  # to wait for something to be shown, on a busy machine


@pytest.fixture
def site(platform, shared_services) -> Services:
    """The platform's processes, telling their metrics, with five listings to show."""
    if not shared_services.variables:
        shared_services.variables = {
            "METRICS_PORT": str(free_ports(11)),
            "EXPORTER_PORT": str(ports.free_port()),
            "TRUTH_PROBE_PER_SECOND": "5",
        }
    for number, city in enumerate(CITIES):
        Property.objects.create(listing_key=f"A-{number}", city=city, list_price=Decimal(500_000))
    shared_services.start_missing("web", *PROCESSES)
    return shared_services


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def page(site, faults, browser, django_user_model) -> Iterator[Page]:
    """The operators' page, open before somebody on the staff."""
    client = Client()
    client.force_login(django_user_model.objects.create_user("operator", is_staff=True))
    name = settings.SESSION_COOKIE_NAME
    with opened(browser) as page:
        value = client.cookies[name].value
        page.context.add_cookies([{"name": name, "value": value, "url": site.url("/")}])
        faults.watch(page, site.url("/"))
        page.goto(site.url("/ops/"))
        yield page


@contextmanager
def opened(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=WIDE)
    try:
        yield context.new_page()
    finally:
        context.close()


@contextmanager
def traffic(site: Services) -> Iterator[None]:
    """Visitors read and an editor changes prices, until the end of the block."""
    stopping = threading.Event()

    def visit(number: int) -> None:
        for path in ("/", "/listings/?city=seattle", f"/listings/A-{number % len(CITIES)}/"):
            site.get(path)

    threads = [
        threading.Thread(target=_again_and_again, args=(stopping, *work))
        for work in ((0.02, visit), (0.4, reprice))
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def reprice(number: int) -> None:
    """An editor gives one of the listings another price."""
    home = Property.objects.get(pk=f"A-{number % len(CITIES)}")
    home.list_price = Decimal(600_000 + number)
    home.save()


def _again_and_again(stopping: threading.Event, pause: float, do: Callable[[int], None]) -> None:
    number = 0
    while not stopping.wait(pause):
        number += 1
        do(number)
    connection.close()


def paths(page: Page, chart: str) -> list[str]:
    """The lines that a chart has drawn, as the `d` of each."""
    return page.locator(f"#{chart} path.series").evaluate_all(
        "all => all.map(e => e.getAttribute('d'))"
    )


def series(page: Page, chart: str) -> dict[str, list[str]]:
    """The table of a chart: series → now, low, high."""
    rows = page.locator(f"#{chart} tbody tr")
    told = rows.evaluate_all("all => all.map(row => [...row.cells].map(cell => cell.innerText))")
    return {name: numbers for name, *numbers in told}


def wait_until_drawn(page: Page) -> None:
    """Until every chart has a line of several points."""
    for chart, names in DRAWN.items():
        for name in names:
            row = page.locator(f"#{chart} tbody tr", has_text=name)
            expect(row.locator("td").first).not_to_have_text("–", timeout=MS)
    for chart, names in DRAWN.items():
        if names:
            eventually(lambda chart=chart: max(map(points, paths(page, chart)), default=0) >= 4)


def points(line: str) -> int:
    return len(re.findall("[ML]", line))


def wait_for_samples(page: Page, number: int = 4) -> None:
    """Until so many can be chosen."""
    eventually(lambda: page.evaluate("kept.length") >= number, MS / 1000)


def assert_inside(page: Page, chart: str) -> None:
    """Every point of every line lies in the picture, and lines go on in time."""
    box = page.locator(f"#{chart} svg").bounding_box()
    assert box
    for d in paths(page, chart):
        points = [(float(x), float(y)) for x, y in re.findall(r"([\d.-]+) ([\d.-]+)", d)]
        assert all(0 <= x <= box["width"] and 0 <= y <= box["height"] for x, y in points)
        assert [x for x, _ in points] == sorted({x for x, _ in points})


def test_every_chart_is_drawn_in_both_colour_schemes_without_a_fault(
    site, page, faults, tmp_path: Path
):
    with traffic(site):
        wait_until_drawn(page)
        pictures = []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for size in (WIDE, NARROW):
                page.set_viewport_size(size)
                assert violations(page) == []
                pictures.append(
                    page.screenshot(
                        path=tmp_path / f"{scheme}-{size['width']}.png", full_page=size is NARROW
                    )
                )
        page.set_viewport_size(WIDE)
        for chart, names in DRAWN.items():
            assert names <= series(page, chart).keys()
            assert len(paths(page, chart)) == len(series(page, chart))
            assert_inside(page, chart)
            label = page.locator(f"#{chart} svg").get_attribute("aria-label")
            assert all(name in label for name in names)
    assert len(set(pictures)) == len(pictures)
    assert faults == Faults()


def test_chart_that_no_process_feeds_says_so(page):
    page.route("**/samples.json", lambda route: route.fulfill(json={"at": 1.0, "targets": []}))
    page.add_init_script("sessionStorage.clear()")
    page.reload()
    for chart in DRAWN:
        expect(page.locator(f"#{chart} .silence")).to_have_text("No process tells this.")


@pytest.mark.parametrize("width", [400, 800, 1600])
def test_nothing_is_wider_than_the_window(site, page, width):
    page.set_viewport_size({"width": width, "height": 800})
    reprice(1)
    expect(page.locator("#changes tbody tr", has_text="A-1").first).to_be_visible(timeout=MS)
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths == [width, width]


def test_process_that_ends_is_shown_as_away_and_shown_again_when_it_is_back(site, page, faults):
    expect(page.locator("#targets .good", has_text="relay")).to_be_visible(timeout=MS)
    site.end("relay")
    expect(page.locator("#targets .bad", has_text="relay away")).to_be_visible(timeout=MS)
    expect(page.get_by_role("status")).to_contain_text("relay is away: nobody listens there")
    site.start("relay")
    expect(page.locator("#targets .good", has_text="relay")).to_be_visible(timeout=MS)
    assert faults == Faults()


def test_site_that_does_not_answer_is_said_and_what_was_drawn_stays(site, page):
    expect(page.locator("#waiting path.series").first).to_be_attached(timeout=MS)
    page.route("**/samples.json", lambda route: route.fulfill(status=503))
    expect(page.get_by_role("status")).to_contain_text("The site does not answer (503", timeout=MS)
    assert paths(page, "waiting")
    page.unroute("**/samples.json")
    expect(page.get_by_role("status")).not_to_contain_text("The site", timeout=MS)


def test_change_appears_above_the_others_with_its_reasons_and_open_ones_stay_open(site, page):
    for path in ("/listings/A-1/", "/listings/A-2/"):
        site.get(path)
    reprice(1)
    rows = page.locator("#changes tbody tr")
    first = rows.filter(has_text="property changed A-1")
    expect(first).to_be_visible(timeout=MS)
    first.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(first.get_by_role("link", name="/listings/A-1/")).to_be_visible()
    expect(first).to_contain_text("the 'detail' columns of A-1")
    reprice(2)
    expect(rows.first).to_contain_text("property changed A-2", timeout=MS)
    expect(first.get_by_role("link", name="/listings/A-1/")).to_be_visible()
    expect(first.locator("summary")).to_be_focused()


def test_what_a_trace_holds_is_text_and_never_markup(site, page, faults):
    bad = "<img src=x onerror=alert(1)>"
    dropped = traces.Dropped(Layer.PAGE, "*", bad, bad, Rows((bad,), bad))
    now = Property.objects.get(pk="A-1").modification_timestamp
    traces.write(
        store("pipeline"),
        [traces.Trace(now, bad, 1.0, 1, (dropped,), event=1, table=bad, listings=(bad,))],
    )
    expect(page.locator("#changes tbody tr", has_text=bad)).to_be_visible(timeout=MS)
    assert page.locator("main img").count() == 0
    assert faults == Faults()


def test_moment_is_chosen_by_keyboard_and_read_in_every_table(page):
    expect(page.locator("#waiting path.series").first).to_be_attached(timeout=MS)
    wait_for_samples(page)
    slider = page.get_by_label("Moment")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#moment-text")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    chosen = page.locator("#moment-text").inner_text()
    assert slider.get_attribute("aria-valuetext") == chosen
    for chart in DRAWN:
        expect(page.locator(f"#{chart} thead .number").first).to_have_text(chosen)
        expect(page.locator(f"#{chart} .cursor")).to_be_attached()
    page.keyboard.press("End")
    expect(page.locator("#moment-text")).to_have_text("now")
    expect(page.locator(".cursor")).to_have_count(0)


def test_pointer_over_one_chart_reads_that_moment_in_all(page):
    wait_for_samples(page)
    page.locator("#waiting svg").hover(position={"x": 200, "y": 50})
    expect(page.locator(".cursor")).to_have_count(len(DRAWN))
    page.mouse.move(0, 0)
    expect(page.locator(".cursor")).to_have_count(0)


def test_everything_that_can_be_worked_is_reached_by_tab(page):
    reached = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert {"skip", "moment", "pause", "scroll"} <= reached


def test_paused_page_asks_nothing_until_it_goes_on(page):
    page.clock.install()
    page.reload()
    expect(page.locator("#status")).not_to_have_text("Asking …", timeout=MS)
    page.get_by_role("button", name="Pause").press("Enter")
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(30_000)
    assert asked == []
    expect(page.get_by_role("status")).to_have_text("Paused: nothing is asked.")
    page.get_by_role("button", name="Pause").press("Enter")
    with page.expect_request("**/samples.json"):
        page.clock.run_for(3_000)


def test_reload_keeps_what_was_drawn(page):
    wait_for_samples(page)
    first = page.evaluate("kept[0].at")
    page.reload()
    expect(page.locator("#status")).not_to_have_text("Asking …", timeout=MS)
    assert page.evaluate("kept[0].at") == first


def test_who_is_logged_out_meanwhile_is_sent_to_the_login(page):
    expect(page.locator("#waiting path.series").first).to_be_attached(timeout=MS)
    Session.objects.all().delete()
    page.wait_for_url("**/admin/login/?next=/ops/", timeout=MS)


def test_nothing_moves_by_itself(page):
    expect(page.locator("#tiles li").first).to_be_visible(timeout=MS)
    page.emulate_media(reduced_motion="no-preference")
    moving = page.evaluate(
        "[...document.querySelectorAll('*')].map((one) => getComputedStyle(one)).filter("
        "(one) => one.transitionDuration !== '0s' || one.animationName !== 'none').length"
    )
    assert moving == 0
