"""How many homes each city has on the market: summed from a tally, not counted.

Triggers on `listings_property` add a row to `listings_citytally` for each spelling of a city of
which a statement puts more homes on the market, or fewer, in the transaction that does so. Rows are
only ever added, so no writer waits for another's. One in about a thousand folds them: it takes out
those that nobody else holds and puts in their sums. All of it is in migration 0008.

The table has no model: `dumpdata` would write it, and `loaddata` count everything twice.
"""

from __future__ import annotations

from listings.prepared import Row, Statement

# A spelling that no home has any more sums up to nothing until its rows are folded.
_LARGEST_FIRST = """
    SELECT city_key, max(city), max(state_or_province), sum(number)::integer AS homes
    FROM (
        SELECT city_key, city, state_or_province, sum(number) AS number
        FROM listings_citytally
        WHERE city_key <> ''
        GROUP BY city_key, city, state_or_province
        HAVING sum(number) > 0
    ) AS spelling
    GROUP BY city_key
    ORDER BY homes DESC, city_key
"""


def largest_first() -> list[Row]:
    """Of every city with homes on the market: its key, name, state, and how many they are.

    Of several spellings it is the last in the order of letters.
    """
    return Statement(_LARGEST_FIRST, ()).rows()
