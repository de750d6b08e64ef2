"""Pictures of listings that need no files: each is drawn from its scene and its key.

The same scene and key give the same bytes for as long as a release lives, so a browser may keep
them: what a later release draws otherwise, it sees otherwise only where it has not been yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from listings.columns import KEY_PATTERN, LONGEST_KEY
from listings.drawings import indoors, outdoors
from listings.drawings.canvas import Canvas

SCENES: dict[str, Callable[[Canvas], None]] = {
    "house": outdoors.house,
    "row": outdoors.row,
    "tower": outdoors.tower,
    "cabin": outdoors.cabin,
    "farm": outdoors.farm,
    "land": outdoors.land,
    "shop": outdoors.shop,
    "warehouse": outdoors.warehouse,
    "garden": outdoors.garden,
    "pool": outdoors.pool,
    "living-room": indoors.living_room,
    "kitchen": indoors.kitchen,
    "bedroom": indoors.bedroom,
    "bathroom": indoors.bathroom,
    "dining-room": indoors.dining_room,
    "study": indoors.study,
}
_KEY = re.compile(KEY_PATTERN.removesuffix("$") + r"\Z")  # `$` alone lets a line end follow
_ONE_YEAR = 31_536_000  # seconds; what browsers take as "for ever" (RFC 9111, RFC 8246)


def draw(scene: str, key: str) -> str:
    """An SVG document of less than 4 kB.

    Raises:
        KeyError: there is no such scene.
    """
    paint = SCENES[scene]
    canvas = Canvas(f"{scene}/{key}")
    paint(canvas)
    return canvas.svg(scene.replace("-", " ").capitalize())


@require_safe
def photo(request: HttpRequest, scene: str, key: str) -> HttpResponse:
    """The picture of a media row; 404 for a scene or a key that cannot be one."""
    if scene not in SCENES or len(key) > LONGEST_KEY or not _KEY.match(key):
        raise Http404("no such picture")
    return HttpResponse(
        draw(scene, key),
        content_type="image/svg+xml",
        headers={"Cache-Control": f"public, max-age={_ONE_YEAR}, immutable"},
    )
