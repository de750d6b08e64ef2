"""Whether two pages say the same: who is compared must do the same work."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from itertools import zip_longest


class DifferentPages(AssertionError):
    """Two contenders answer the same request with different content."""


def assert_same(ours: str, other: str, name: str) -> None:
    """
    Raises:
        DifferentPages: the two documents differ in what a reader gets; with the first difference.
    """
    for one, two in zip_longest(reading(ours), reading(other)):
        if one != two:
            raise DifferentPages(f"{name}: ours says {one!r}, the other {two!r}")


def reading(html: str) -> list[object]:
    """What a reader gets of a page, in its order: words, links, pictures, choices, and its data.

    White space, classes and other attributes do not count: templates differ in these.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[object] = []
        self._is_data = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._is_data = values.get("type") == "application/ld+json"
        for name in ("href", "src", "alt", "value", "datetime"):
            if name in values:
                self.found.append((tag, name, values[name]))
        for name in ("selected", "open"):
            if name in values:
                self.found.append((tag, name))

    def handle_endtag(self, tag: str) -> None:
        self._is_data = False

    def handle_data(self, data: str) -> None:
        if self._is_data:
            self.found.append(json.loads(data))
        else:
            self.found.extend(data.split())
