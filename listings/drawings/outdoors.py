"""Scenes under the sky: fronts of buildings, land, gardens."""

from __future__ import annotations

from listings.drawings.canvas import HEIGHT, HORIZON, WIDTH, Canvas

GLASS = "#5f7f95"
BARK = "#6b4f3a"
LEAVES = ("#4f7942", "#5f8d4e", "#3f6b4f", "#7a9e4b")


def house(canvas: Canvas) -> None:
    """A gabled house with a garage."""
    land(canvas, trees=False)
    colours, draw = canvas.palette, canvas.random
    left = draw.randint(120, 170)
    width, height = draw.randint(220, 260), draw.randint(95, 130)
    top, right = HORIZON - height, left + width
    canvas.rect(right - 10, top + 35, 130, height - 35, colours.wall)
    canvas.polygon(f"{right - 24} {top + 38}h158l-26-38h-106", colours.roof)
    canvas.rect(right + 14, top + 58, 88, height - 58, colours.trim)
    canvas.grid(right + 20, top + 64, 4, 1, (20, 0), "h16v12h-16z")
    canvas.rect(left, top, width, height, colours.wall)
    peak = draw.randint(70, 95)
    canvas.polygon(f"{left - 18} {top}h{width + 36}l-{width // 2 + 18}-{peak}", colours.roof)
    canvas.circle(left + width // 2, top - peak // 3, 13, GLASS)
    door = left + width // 2 - 18
    canvas.rect(door - 6, HORIZON - 76, 48, 76, colours.trim)
    canvas.rect(door, HORIZON - 70, 36, 70, colours.accent, 3)
    canvas.circle(door + 29, HORIZON - 34, 3, colours.trim)
    for x in (left + 22, right - 74):
        canvas.rect(x - 4, top + 26, 60, 50, colours.trim)
        canvas.grid(x, top + 30, 2, 2, (27, 22), "h25v20h-25z")
    canvas.polygon(f"{door} {HORIZON}h36l50 {HEIGHT - HORIZON}h-140", "#d9d2c5")
    _tree(canvas, left - 62, 1.1)
    _bushes(canvas, left + 14, right - 30)


def row(canvas: Canvas) -> None:
    """Three or four townhouses side by side."""
    land(canvas, trees=False)
    colours, draw = canvas.palette, canvas.random
    count = draw.choice((3, 4))
    width = 400 // count
    for number in range(count):
        x, height = 100 + number * width, draw.randint(150, 185)
        top = HORIZON - height
        canvas.rect(x, top, width, height, (colours.wall, colours.haze, colours.hill)[number % 3])
        canvas.polygon(f"{x - 4} {top}h{width + 8}l-{width // 2 + 4}-45", colours.roof)
        canvas.grid(x + width // 4, top + 22, 2, 2, (width // 3, 50), "h20v32h-20z")
        canvas.rect(x + width // 2 - 13, HORIZON - 54, 26, 54, colours.accent, 2)
    canvas.rect(0, HORIZON + 62, WIDTH, 53, "#8d929b")
    canvas.rect(0, HORIZON + 40, WIDTH, 22, "#cfcac0")
    _tree(canvas, 50, 1.2)
    _tree(canvas, 552, 1.0)


def tower(canvas: Canvas) -> None:
    """A high building among lower ones."""
    colours, draw = canvas.palette, canvas.random
    _sky(canvas)
    for x in range(0, WIDTH, 75):
        low = draw.randint(60, 150)
        canvas.rect(x, HORIZON - low, 72, low, colours.hill)
    width, height = draw.randint(150, 190), draw.randint(215, 255)
    left, top = (WIDTH - width) // 2 + draw.randint(-60, 60), HORIZON - height
    canvas.rect(left, top, width, height, colours.wall)
    canvas.rect(left + width // 2 - 26, top - 14, 52, 14, colours.roof)
    canvas.rect(left + width - 22, top, 22, height, colours.roof)
    canvas.grid(
        left + 12, top + 14, (width - 40) // 29, (height - 60) // 26, (29, 26), "h21v16h-21z"
    )
    canvas.rect(left - 6, HORIZON - 38, width + 12, 38, colours.trim)
    canvas.rect(left + width // 2 - 22, HORIZON - 32, 44, 32, colours.accent)
    canvas.rect(0, HORIZON, WIDTH, HEIGHT - HORIZON, "#8d929b")
    canvas.rect(0, HORIZON, WIDTH, 30, "#cfcac0")
    canvas.path("".join(f"M{x} 352h46v6h-46z" for x in range(10, WIDTH, 88)), colours.trim)
    _tree(canvas, 62, 0.9)
    _tree(canvas, 546, 0.9)


def cabin(canvas: Canvas) -> None:
    """An A-frame in the woods."""
    land(canvas, trees=False)
    for x in (40, 95, 150, 450, 505, 560):
        _pine(canvas, x + canvas.random.randint(-12, 12), canvas.random.randint(110, 190))
    colours = canvas.palette
    canvas.polygon(f"170 {HORIZON}h260l-130-215", colours.roof)
    canvas.polygon(f"200 {HORIZON}h200l-100-165", "#a47148")
    canvas.polygon(f"255 {HORIZON - 95}h90l-45-70", GLASS)
    canvas.rect(282, HORIZON - 68, 36, 68, colours.accent, 2)
    canvas.rect(222, HORIZON - 54, 40, 34, colours.trim)
    canvas.rect(338, HORIZON - 54, 40, 34, colours.trim)
    canvas.rect(180, HORIZON - 6, 240, 12, "#8a5a3b")


def farm(canvas: Canvas) -> None:
    """A barn, a silo and rows of a field."""
    land(canvas, trees=False)
    colours = canvas.palette
    left = canvas.random.randint(150, 230)
    canvas.rect(left + 205, HORIZON - 165, 48, 165, "#c9ced3")
    canvas.ellipse(left + 229, HORIZON - 165, 24, 20, "#aab2b9")
    canvas.rect(left, HORIZON - 100, 190, 100, "#a4423f")
    canvas.polygon(f"{left - 12} {HORIZON - 98}l30-52 77-36 77 36 30 52", colours.roof)
    canvas.rect(left + 62, HORIZON - 66, 66, 66, colours.trim)
    canvas.path(
        f"M{left + 62} {HORIZON - 62}l4-4 62 62-4 4zM{left + 124} {HORIZON - 66}l4 4-62 62-4-4z",
        "#a4423f",
    )
    for line in range(5):
        y = HORIZON + 14 + line * line * 4 + line * 4
        canvas.rect(0, y, WIDTH, 5 + line * 2, LEAVES[line % 4])
    _tree(canvas, 70, 1.2)


def land(canvas: Canvas, trees: bool = True) -> None:
    """Hills, grass and the sky over them."""
    colours, draw = canvas.palette, canvas.random
    _sky(canvas)
    a, b = draw.randint(180, 240), draw.randint(185, 250)
    canvas.path(f"M0 {a}Q150 {a - 80} 300 {b}T600 {a}V400H0z", colours.hill)
    canvas.path(f"M0 {HORIZON}Q300 {HORIZON - 26} 600 {HORIZON}V400H0z", colours.grass)
    if trees:
        canvas.path(f"M250 400Q330 340 290 {HORIZON - 8}h14Q380 340 350 400z", "#d8c7a3")
        for _ in range(draw.randint(3, 6)):
            _tree(canvas, draw.randint(20, 580), 0.5 + draw.random() * 0.9)


def garden(canvas: Canvas) -> None:
    """A fence, flowers and a path."""
    colours, draw = canvas.palette, canvas.random
    land(canvas, trees=False)
    _tree(canvas, draw.randint(60, 150), 1.6)
    _tree(canvas, draw.randint(430, 540), 1.3)
    canvas.path("".join(f"M{x} 215l11-12 11 12v85h-22z" for x in range(2, WIDTH, 30)), colours.trim)
    canvas.rect(0, 235, WIDTH, 9, colours.trim)
    canvas.rect(0, 272, WIDTH, 9, colours.trim)
    canvas.path("M240 400Q280 340 270 300h50Q330 340 380 400z", "#d9d2c5")
    for number in range(18):
        x = draw.randint(10, 225) if number % 2 else draw.randint(385, 590)
        canvas.circle(x, draw.randint(318, 390), draw.randint(5, 9), draw.choice(_FLOWERS))


def pool(canvas: Canvas) -> None:
    """A swimming pool behind the house."""
    garden(canvas)
    canvas.ellipse(300, 352, 250, 44, "#efe9dd")
    canvas.ellipse(300, 352, 232, 36, "#4fb3cf")
    canvas.path(
        "M170 344q20-8 40 0t40 0v5q-20 8-40 0t-40 0zM320 362q20-8 40 0t40 0v5q-20 8-40 0t-40 0z",
        "#bfe6ef",
    )


def shop(canvas: Canvas) -> None:
    """A storefront with an awning."""
    colours = canvas.palette
    _sky(canvas)
    canvas.rect(70, 90, 460, 230, colours.wall)
    canvas.rect(60, 76, 480, 20, colours.roof)
    canvas.grid(110, 112, 5, 1, (80, 0), "h52v38h-52z")
    canvas.rect(96, 206, 180, 96, GLASS)
    canvas.rect(324, 206, 180, 96, GLASS)
    canvas.rect(282, 206, 36, 114, colours.accent)
    for stripe in range(12):
        fill = colours.accent if stripe % 2 else colours.trim
        canvas.polygon(f"{84 + stripe * 36} 170h36v32l-18 10-18-10", fill)
    canvas.rect(0, 320, WIDTH, 26, "#cfcac0")
    canvas.rect(0, 346, WIDTH, 54, "#8d929b")


def warehouse(canvas: Canvas) -> None:
    """A long hall with loading doors."""
    colours = canvas.palette
    _sky(canvas)
    canvas.rect(0, HORIZON, WIDTH, HEIGHT - HORIZON, "#a7abb1")
    canvas.rect(40, 140, 520, 150, colours.wall)
    canvas.polygon("30 142h540l-40-36h-460", colours.roof)
    canvas.rect(40, 160, 520, 14, colours.accent)
    for x in (80, 200, 320):
        canvas.rect(x, 205, 90, 85, colours.trim)
        canvas.path("".join(f"M{x} {y}h90v3h-90z" for y in range(217, 285, 14)), colours.hill)
    canvas.rect(460, 220, 60, 70, GLASS)


_FLOWERS = ("#e76f51", "#f4a261", "#e9c46a", "#d88fb8", "#9a7fd1", "#ffffff")


def _sky(canvas: Canvas) -> None:
    colours, draw = canvas.palette, canvas.random
    canvas.backdrop(colours.sky, colours.haze)
    canvas.circle(draw.randint(70, 530), draw.randint(45, 90), 28, "#fff3c4", ".85")
    for _ in range(2):
        x, y = draw.randint(60, 520), draw.randint(40, 110)
        canvas.path(
            f"M{x} {y}a18 18 0 0 1 30-14 24 24 0 0 1 44 4 16 16 0 0 1 6 30h-74a12 12 0 0 1-6-20z",
            "#ffffffb0",
        )


def _tree(canvas: Canvas, x: int, size: float) -> None:
    height, crown = int(70 * size), int(34 * size)
    fill = canvas.random.choice(LEAVES)
    canvas.rect(x - 4, HORIZON - height + 10, 9, height, BARK)
    canvas.circle(x, HORIZON - height, crown, fill)
    canvas.circle(x + crown // 2, HORIZON - height + crown // 2, crown * 3 // 4, fill)


def _pine(canvas: Canvas, x: int, height: int) -> None:
    canvas.rect(x - 4, HORIZON - 16, 8, 20, BARK)
    half = height // 5
    canvas.polygon(f"{x} {HORIZON - height}l{half} {height - 12}h-{half * 2}", LEAVES[2])


def _bushes(canvas: Canvas, left: int, right: int) -> None:
    for x in (left, left + 26, right - 26, right):
        canvas.ellipse(x, HORIZON, 20, 14, canvas.random.choice(LEAVES))
