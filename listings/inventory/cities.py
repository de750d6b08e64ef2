"""Sixty cities of the United States, largest market first.

Places and ZIP prefixes are real (US Census Bureau gazetteer, rounded to 0.01 degrees; USPS
three-digit ZIP areas); price levels are round numbers for the mid 2020s, made up to resemble them.
Names are unique, because a city's key is its name.
"""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple


class City(NamedTuple):
    """Where homes are. `dollars` is the usual price of a square foot of house."""

    name: str
    state: str
    county: str
    zip_prefix: str  # the first three digits
    latitude: float
    longitude: float
    dollars: int


CITIES = (
    City("New York", "NY", "New York", "100", 40.71, -74.01, 880),
    City("Los Angeles", "CA", "Los Angeles", "900", 34.05, -118.24, 640),
    City("Chicago", "IL", "Cook", "606", 41.88, -87.63, 270),
    City("Houston", "TX", "Harris", "770", 29.76, -95.37, 175),
    City("Phoenix", "AZ", "Maricopa", "850", 33.45, -112.07, 270),
    City("Philadelphia", "PA", "Philadelphia", "191", 39.95, -75.17, 210),
    City("San Antonio", "TX", "Bexar", "782", 29.42, -98.49, 165),
    City("San Diego", "CA", "San Diego", "921", 32.72, -117.16, 680),
    City("Dallas", "TX", "Dallas", "752", 32.78, -96.80, 240),
    City("Seattle", "WA", "King", "981", 47.61, -122.33, 560),
    City("Austin", "TX", "Travis", "787", 30.27, -97.74, 320),
    City("Jacksonville", "FL", "Duval", "322", 30.33, -81.66, 185),
    City("Atlanta", "GA", "Fulton", "303", 33.75, -84.39, 260),
    City("Miami", "FL", "Miami-Dade", "331", 25.76, -80.19, 460),
    City("Denver", "CO", "Denver", "802", 39.74, -104.99, 350),
    City("Charlotte", "NC", "Mecklenburg", "282", 35.23, -80.84, 230),
    City("Columbus", "OH", "Franklin", "432", 39.96, -83.00, 175),
    City("San Francisco", "CA", "San Francisco", "941", 37.77, -122.42, 980),
    City("Indianapolis", "IN", "Marion", "462", 39.77, -86.16, 145),
    City("Boston", "MA", "Suffolk", "021", 42.36, -71.06, 690),
    City("Las Vegas", "NV", "Clark", "891", 36.17, -115.14, 255),
    City("Portland", "OR", "Multnomah", "972", 45.52, -122.68, 320),
    City("Nashville", "TN", "Davidson", "372", 36.16, -86.78, 265),
    City("Tampa", "FL", "Hillsborough", "336", 27.95, -82.46, 270),
    City("Washington", "DC", "District of Columbia", "200", 38.91, -77.04, 520),
    City("San Jose", "CA", "Santa Clara", "951", 37.34, -121.89, 850),
    City("Fort Worth", "TX", "Tarrant", "761", 32.76, -97.33, 180),
    City("Detroit", "MI", "Wayne", "482", 42.33, -83.05, 85),
    City("Minneapolis", "MN", "Hennepin", "554", 44.98, -93.27, 225),
    City("Orlando", "FL", "Orange", "328", 28.54, -81.38, 235),
    City("Memphis", "TN", "Shelby", "381", 35.15, -90.05, 110),
    City("Baltimore", "MD", "Baltimore City", "212", 39.29, -76.61, 165),
    City("Sacramento", "CA", "Sacramento", "958", 38.58, -121.49, 330),
    City("Oklahoma City", "OK", "Oklahoma", "731", 35.47, -97.52, 140),
    City("Raleigh", "NC", "Wake", "276", 35.78, -78.64, 225),
    City("Kansas City", "MO", "Jackson", "641", 39.10, -94.58, 160),
    City("Milwaukee", "WI", "Milwaukee", "532", 43.04, -87.91, 150),
    City("Tucson", "AZ", "Pima", "857", 32.22, -110.97, 215),
    City("Albuquerque", "NM", "Bernalillo", "871", 35.08, -106.65, 195),
    City("Louisville", "KY", "Jefferson", "402", 38.25, -85.76, 155),
    City("Salt Lake City", "UT", "Salt Lake", "841", 40.76, -111.89, 300),
    City("Pittsburgh", "PA", "Allegheny", "152", 40.44, -80.00, 160),
    City("Cincinnati", "OH", "Hamilton", "452", 39.10, -84.51, 165),
    City("Saint Louis", "MO", "Saint Louis City", "631", 38.63, -90.20, 130),
    City("Cleveland", "OH", "Cuyahoga", "441", 41.50, -81.69, 95),
    City("New Orleans", "LA", "Orleans", "701", 29.95, -90.07, 190),
    City("Colorado Springs", "CO", "El Paso", "809", 38.83, -104.82, 225),
    City("Omaha", "NE", "Douglas", "681", 41.26, -95.93, 165),
    City("Boise", "ID", "Ada", "837", 43.62, -116.20, 290),
    City("Honolulu", "HI", "Honolulu", "968", 21.31, -157.86, 720),
    City("Richmond", "VA", "Richmond City", "232", 37.54, -77.44, 235),
    City("Tacoma", "WA", "Pierce", "984", 47.25, -122.44, 320),
    City("Charleston", "SC", "Charleston", "294", 32.78, -79.93, 345),
    City("Spokane", "WA", "Spokane", "992", 47.66, -117.43, 235),
    City("Savannah", "GA", "Chatham", "314", 32.08, -81.09, 210),
    City("Asheville", "NC", "Buncombe", "288", 35.60, -82.55, 300),
    City("Burlington", "VT", "Chittenden", "054", 44.48, -73.21, 310),
    City("Santa Fe", "NM", "Santa Fe", "875", 35.69, -105.94, 345),
    City("Bozeman", "MT", "Gallatin", "597", 45.68, -111.04, 410),
    City("Bend", "OR", "Deschutes", "977", 44.06, -121.32, 390),
)

# Zipf with s = 1.0: the city of rank r has a share in proportion to 1/r, as sizes of cities have.
CUMULATIVE_SHARES = tuple(accumulate(1 / rank for rank in range(1, len(CITIES) + 1)))


def nearest(city: City, candidates: list[City]) -> City:
    """The candidate that is closest, by degrees: good enough to tell a region."""
    return min(
        candidates,
        key=lambda other: (
            (city.latitude - other.latitude) ** 2 + (city.longitude - other.longitude) ** 2
        ),
    )
