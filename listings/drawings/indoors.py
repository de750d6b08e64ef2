"""Scenes under a roof: rooms with a window and the furniture that tells what they are for."""

from __future__ import annotations

from listings.drawings.canvas import WIDTH, Canvas

FLOOR = 300  # y at which the wall ends
WOOD = ("#b08968", "#c19a6b", "#8d6b4f", "#d0b08c")
DARK, LINEN = "#4a4a4f", "#f5f1ea"


def living_room(canvas: Canvas) -> None:
    """A sofa, a picture and a lamp."""
    _room(canvas, canvas.random.randint(370, 430))
    colours = canvas.palette
    canvas.rect(120, 96, 130, 84, DARK)
    canvas.rect(126, 102, 118, 72, colours.sky)
    canvas.polygon("126 174h118l-40-48-24 28-18-18", colours.hill)
    canvas.ellipse(270, 345, 250, 34, colours.haze)
    canvas.rect(80, 240, 260, 70, colours.accent, 14)
    canvas.rect(66, 262, 34, 66, colours.accent, 12)
    canvas.rect(320, 262, 34, 66, colours.accent, 12)
    canvas.rect(92, 276, 236, 44, colours.accent, 8)
    canvas.rect(110, 246, 52, 42, LINEN, 8)
    canvas.rect(256, 246, 52, 42, colours.haze, 8)
    canvas.ellipse(250, 352, 92, 14, canvas.random.choice(WOOD))
    _lamp(canvas, 560)


def kitchen(canvas: Canvas) -> None:
    """Cabinets, a stove and an island."""
    _room(canvas, 235)
    colours = canvas.palette
    canvas.path(
        "M40 50h90v92h-90zM134 50h90v92h-90zM380 50h90v92h-90zM474 50h90v92h-90z", colours.roof
    )
    canvas.path("M118 92h4v30h-4zM142 92h4v30h-4zM458 92h4v30h-4zM482 92h4v30h-4z", LINEN)
    canvas.rect(24, 208, 552, 14, LINEN)
    canvas.rect(30, 222, 540, 84, colours.roof)
    canvas.rect(400, 222, 90, 84, "#c8ccd0")
    canvas.rect(412, 244, 66, 46, DARK, 4)
    canvas.path("M408 228h8v8h-8zM430 228h8v8h-8zM452 228h8v8h-8zM474 228h8v8h-8z", DARK)
    canvas.path("M282 208v-26q0-14 14-14t14 14h-6q0-8-8-8t-8 8v26z", "#9aa3ab")
    canvas.rect(120, 312, 360, 16, canvas.random.choice(WOOD), 4)
    canvas.rect(138, 328, 324, 72, LINEN)
    for x in (190, 300, 410):
        canvas.ellipse(x, 352, 30, 8, colours.accent)
        canvas.rect(x - 3, 356, 6, 44, DARK)
    canvas.ellipse(240, 308, 40, 9, colours.haze)
    canvas.path("M226 304a9 9 0 1 1 18 0zM242 304a9 9 0 1 1 18 0z", "#d9803f")


def bedroom(canvas: Canvas) -> None:
    """A bed between two lamps."""
    _room(canvas, canvas.random.choice((36, 430)))
    colours, wood = canvas.palette, canvas.random.choice(WOOD)
    canvas.ellipse(300, 356, 250, 34, colours.haze)
    canvas.rect(180, 170, 240, 110, wood, 10)
    canvas.rect(192, 232, 216, 90, LINEN, 10)
    canvas.rect(204, 222, 88, 40, "#ffffff", 12)
    canvas.rect(308, 222, 88, 40, "#ffffff", 12)
    canvas.path("M184 276q116-22 232 0v76h-232z", colours.accent)
    for x in (118, 432):
        canvas.rect(x, 262, 50, 60, wood, 4)
        canvas.rect(x + 22, 232, 6, 30, DARK)
        canvas.polygon(f"{x + 8} 236h34l-8-30h-18", "#fff0c2")


def bathroom(canvas: Canvas) -> None:
    """A tub under the window, a basin and a mirror."""
    colours = canvas.palette
    canvas.backdrop(colours.haze)
    canvas.path("".join(f"M0 {y}h600v2H0z" for y in range(40, FLOOR, 40)), colours.trim)
    canvas.path("".join(f"M{x} 0h2v{FLOOR}h-2z" for x in range(40, WIDTH, 60)), colours.trim)
    canvas.rect(0, FLOOR, WIDTH, 100, colours.hill)
    _window(canvas, 110)
    canvas.path("M70 250h260v14q0 70-60 70h-140q-60 0-60-70z", "#ffffff")
    canvas.rect(60, 240, 280, 14, LINEN, 7)
    canvas.rect(120, 330, 20, 18, DARK)
    canvas.rect(260, 330, 20, 18, DARK)
    canvas.circle(470, 120, 56, canvas.random.choice(WOOD))
    canvas.circle(470, 120, 48, "#dfeef5")
    canvas.rect(400, 232, 140, 90, canvas.random.choice(WOOD), 4)
    canvas.rect(392, 220, 156, 14, "#ffffff", 4)
    canvas.ellipse(470, 222, 40, 8, "#d5dde2")
    canvas.rect(467, 196, 6, 26, "#9aa3ab")
    canvas.rect(352, 244, 30, 60, colours.accent, 3)


def dining_room(canvas: Canvas) -> None:
    """A table with chairs under a lamp."""
    _room(canvas, 60)
    colours, wood = canvas.palette, canvas.random.choice(WOOD)
    canvas.ellipse(310, 365, 270, 30, colours.haze)
    canvas.rect(308, 0, 4, 90, DARK)
    canvas.polygon("262 124h96l-26-36h-44", colours.accent)
    for x in (150, 240, 340, 430):
        canvas.rect(x, 204, 52, 74, colours.roof, 8)
        canvas.rect(x + 4, 270, 6, 80, DARK)
        canvas.rect(x + 42, 270, 6, 80, DARK)
    canvas.rect(120, 258, 380, 16, wood, 6)
    canvas.path("M140 274h12v100h-12zM468 274h12v100h-12z", wood)
    canvas.path("M296 258q-8-34 14-34t14 34z", LINEN)
    for x, y in ((304, 204), (318, 196), (330, 208)):
        canvas.circle(x, y, 13, colours.accent if x == 318 else colours.hill)


def study(canvas: Canvas) -> None:
    """A desk, a screen and shelves of books."""
    _room(canvas, 60)
    colours, draw, wood = canvas.palette, canvas.random, canvas.random.choice(WOOD)
    canvas.rect(400, 40, 170, 268, wood)
    spines = (colours.accent, colours.roof, colours.hill, colours.sky, LINEN)
    for shelf in range(3):
        canvas.rect(410, 50 + shelf * 84, 150, 74, "#5d4636")
        for book in range(6):
            tall = draw.randint(44, 68)
            canvas.rect(414 + book * 24, 124 + shelf * 84 - tall, 18, tall, draw.choice(spines))
    canvas.rect(70, 250, 290, 14, wood, 3)
    canvas.path("M82 264h12v96h-12zM336 264h12v96h-12z", wood)
    canvas.rect(150, 172, 130, 68, DARK, 5)
    canvas.rect(156, 178, 118, 56, colours.sky)
    canvas.rect(206, 240, 18, 10, DARK)
    canvas.rect(180, 290, 72, 16, colours.accent, 6)
    canvas.rect(212, 304, 8, 56, DARK)
    canvas.ellipse(216, 364, 38, 6, DARK)


def _room(canvas: Canvas, window: int) -> None:
    """Walls, a floor of boards and a window at this x."""
    colours, draw = canvas.palette, canvas.random
    canvas.backdrop(draw.choice(("#f3ece1", "#e8ecea", "#efe6e3", "#e6ebf0", "#f1efe4")))
    wood = draw.choice(WOOD)
    canvas.rect(0, FLOOR, WIDTH, 100, wood)
    canvas.path("M0 322h600v2H0zM0 350h600v2H0zM0 380h600v3H0z", "#00000022")
    canvas.rect(0, FLOOR - 10, WIDTH, 12, colours.trim)
    _window(canvas, window)


def _window(canvas: Canvas, x: int) -> None:
    colours = canvas.palette
    canvas.rect(x - 8, 52, 146, 136, "#ffffff")
    canvas.rect(x, 60, 130, 120, colours.sky)
    canvas.path(f"M{x} 180v-36q34-30 64-8t66-12v56z", colours.grass)
    canvas.circle(x + 98, 88, 14, "#fff3c4")
    canvas.path(f"M{x + 62} 60h6v120h-6zM{x} 117h130v6h-130z", "#ffffff")


def _lamp(canvas: Canvas, x: int) -> None:
    canvas.rect(x - 3, 170, 6, 168, DARK)
    canvas.ellipse(x, 340, 26, 7, DARK)
    canvas.polygon(f"{x - 34} 190h68l-16-52h-36", "#fff0c2")
