"""Shapes as SVG text, and the colours of one drawing."""
# ruff: noqa: PLR0913, PLR0917 - a shape is its numbers

from __future__ import annotations

from random import Random
from typing import NamedTuple

WIDTH, HEIGHT = 600, 400
HORIZON = 285  # y of the ground line, outdoors


class Palette(NamedTuple):
    """Colours that go together, as #rrggbb."""

    sky: str
    haze: str  # the sky near the horizon
    hill: str
    grass: str
    wall: str
    trim: str
    roof: str
    accent: str


PALETTES = (
    Palette("#8fc7e8", "#e9f5fb", "#9cc3a0", "#7fb069", "#f4efe6", "#ffffff", "#5b6770", "#c8553d"),
    Palette("#f6c89f", "#fdeedd", "#c9a88a", "#a3b18a", "#e9d8c4", "#fffaf2", "#7f4f3a", "#386641"),
    Palette("#b8d8d8", "#eef5f1", "#8fb3a8", "#86a873", "#dfe7ea", "#ffffff", "#37474f", "#e09f3e"),
    Palette("#a9c6ea", "#f3e9f2", "#a7a9c9", "#8aa880", "#d8cfc4", "#fbf7f0", "#4a4e69", "#9a348e"),
    Palette("#7fb7d6", "#dff1f5", "#7ea88f", "#6a994e", "#b6c7cf", "#f7fafb", "#2f3e46", "#f2b134"),
    Palette("#ffd6a5", "#fff3e0", "#d3b88c", "#b5b35c", "#f7ede2", "#ffffff", "#9c6644", "#287271"),
    Palette("#c3d5f0", "#f5f8fc", "#9fb4c7", "#91b07a", "#a63d40", "#f6f1eb", "#3d3d3d", "#e9c46a"),
    Palette("#9ad1d4", "#eaf7f5", "#80b192", "#74a57f", "#e4dfda", "#ffffff", "#52489c", "#ee6c4d"),
)


class Canvas:
    """Collects shapes, in the order in which they are painted."""

    def __init__(self, key: str) -> None:
        # Random() takes a text by its SHA-512, so every process draws the same picture.
        self.random = Random(key)
        self.palette = self.random.choice(PALETTES)
        self._shapes: list[str] = []

    def rect(self, x: int, y: int, width: int, height: int, fill: str, radius: int = 0) -> None:
        rounded = f' rx="{radius}"' if radius else ""
        self._shapes.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{fill}"{rounded}/>'
        )

    def polygon(self, points: str, fill: str) -> None:
        self._shapes.append(f'<path d="M{points}z" fill="{fill}"/>')

    def circle(self, x: int, y: int, radius: int, fill: str, opacity: str = "") -> None:
        faint = f' opacity="{opacity}"' if opacity else ""
        self._shapes.append(f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{fill}"{faint}/>')

    def ellipse(self, x: int, y: int, across: int, down: int, fill: str) -> None:
        self._shapes.append(f'<ellipse cx="{x}" cy="{y}" rx="{across}" ry="{down}" fill="{fill}"/>')

    def path(self, commands: str, fill: str) -> None:
        self._shapes.append(f'<path d="{commands}" fill="{fill}"/>')

    def grid(
        self, x: int, y: int, columns: int, rows: int, step: tuple[int, int], pane: str
    ) -> None:
        """Equal panes as one path; `pane` is its outline from the corner, such as `h9v9h-9z`."""
        right, down = step
        corners = "".join(
            f"M{x + column * right} {y + row * down}{pane}"
            for row in range(rows)
            for column in range(columns)
        )
        self.path(corners, "#fff6d8" if self.random.random() < 0.35 else "#5f7f95")

    def backdrop(self, fill: str, lower: str = "") -> None:
        """The whole picture in one colour, or fading to another."""
        if lower:
            self._shapes.append(
                '<linearGradient id="b" x2="0" y2="1">'
                f'<stop stop-color="{fill}"/><stop offset=".75" stop-color="{lower}"/>'
                "</linearGradient>"
            )
        self.rect(0, 0, WIDTH, HEIGHT, "url(#b)" if lower else fill)

    def svg(self, title: str) -> str:
        """The document. `title` is read by screen readers."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'width="1200" height="800" role="img" preserveAspectRatio="xMidYMid slice">'
            f"<title>{title}</title>{''.join(self._shapes)}</svg>"
        )
