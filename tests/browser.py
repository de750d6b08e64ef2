"""A real browser, Debian's Chromium, for tests of what people see and hear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.programs import program

if TYPE_CHECKING:  # most tests need none of it, and it takes a while
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu"),
    # It is to ask the site and nobody else.
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@dataclass
class Faults:
    """What went wrong in a page while nobody looked."""

    errors: list[str] = field(default_factory=list)  # of the console, or not caught
    requests: list[str] = field(default_factory=list)  # that failed, or went elsewhere

    def watch(self, page: Page, origin: str) -> None:
        """Note every fault of this page, and every request that does not go to the site."""

        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("requestfailed", lambda request: self.requests.append(f"failed {request.url}"))
        page.on("requestfinished", self._ended)
        page.on("request", lambda request: self._asked(request, origin))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def _asked(self, request: Request, origin: str) -> None:
        if not request.url.startswith(origin):
            self.requests.append(f"elsewhere {request.url}")

    def _ended(self, request: Request) -> None:
        response = request.response()
        if response and response.status >= 400:
            self.requests.append(f"{response.status} {request.url}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; without it the test is skipped, or fails in CI."""
    from playwright.sync_api import sync_playwright

    path = program("chromium")
    with pytest.MonkeyPatch.context() as patch:
        # Playwright keeps an event loop in this thread, where Django then refuses to ask the
        # database, although nobody else runs here meanwhile.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
            yield chromium
            chromium.close()


def violations(page: Page) -> list[dict[str, Any]]:
    """What axe has against the page: rule → the elements that break it."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [{one["id"]: [node["html"] for node in one["nodes"]]} for one in found]
