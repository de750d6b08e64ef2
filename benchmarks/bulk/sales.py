"""Files of King County sales: made-up ones, and others in which some rows have changed.

The real file is no part of the project (`listings.importing.king_county` says what is in it); a
made-up one has as many parcels in the same towns, so that it weighs the same.
"""

from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from listings.importing.king_county_places import CITY_BY_ZIP_CODE
from listings.importing.king_county_sales import FIELDS

SINCE = datetime(2014, 5, 2, tzinfo=UTC)  # the first day of the real file; it ends a year later
SOLD_TWICE = 0.008  # of the parcels
CUT = 0.97

Row = dict[str, str]


def made_up(rows: int, seed: int) -> Iterator[Row]:
    """So many sales."""
    dice = random.Random(f"sales {seed}")
    parcel = 1_000_000_000
    for _ in range(rows):
        if dice.random() >= SOLD_TWICE:
            parcel += dice.randint(1, 400_000)
        yield _sale(str(parcel), dice)


def read(path: Path, most: int) -> Iterator[Row]:
    """The first rows of a file, plain or gzipped."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            if number == most:
                return
            yield row


def changed(rows: Iterator[Row], share: float, seed: int) -> Iterator[Row]:
    """The same, in which this share of the prices is lower."""
    dice = random.Random(f"changed sales {seed}")
    for row in rows:
        is_changed = dice.random() < share
        yield {**row, "price": str(round(float(row["price"]) * CUT))} if is_changed else row


def write(rows: Iterator[Row], path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _sale(parcel: str, dice: random.Random) -> Row:
    above, basement = dice.randint(400, 4_500), dice.choice((0, 0, 0, dice.randint(100, 1_500)))
    sold = SINCE + timedelta(days=dice.randrange(390))
    values: dict[str, object] = {
        "id": parcel,
        "date": f"{sold:%Y%m%d}T000000",
        "price": round(dice.lognormvariate(13.05, 0.53)),  # median 465,000, as in the real file
        "bedrooms": dice.choices((1, 2, 3, 4, 5, 6), (1, 13, 45, 32, 7, 2))[0],
        "bathrooms": dice.randint(4, 14) / 4,
        "sqft_living": above + basement,
        "sqft_lot": round(dice.lognormvariate(9, 0.9)),
        "floors": dice.choice((1, 1, 1.5, 2, 2, 3)),
        "waterfront": int(dice.random() < 0.0075),
        "view": dice.choices((0, 1, 2, 3, 4), (90, 2, 4, 2, 2))[0],
        "condition": dice.choices((1, 2, 3, 4, 5), (1, 1, 65, 25, 8))[0],
        "grade": dice.choices((5, 6, 7, 8, 9, 10, 11), (1, 10, 42, 28, 12, 5, 2))[0],
        "sqft_above": above,
        "sqft_basement": basement,
        "yr_built": dice.randint(1900, 2015),
        "yr_renovated": 0,
        "zipcode": dice.choice(list(CITY_BY_ZIP_CODE)),
        "lat": round(dice.uniform(47.16, 47.78), 4),
        "long": round(dice.uniform(-122.52, -121.32), 3),
    }
    return {name: str(value) for name, value in values.items()}
