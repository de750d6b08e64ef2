"""The index of words: what, besides the words themselves, narrows what they find.

Many listings have a word. To find some of them, or those that come first in an order, the index
must not go through all: so it also knows a sixteenth of the listings, and where each stands.
"""

from __future__ import annotations

from decimal import Decimal

from django.contrib.postgres.indexes import GinIndex
from django.db.models import DateTimeField, F, Func, IntegerField, Value
from django.db.models.functions import Coalesce

# Whether a listing is in the sixteenth: spread evenly, whatever keys and orders look like.
SIXTEENTH = Func(F("listing_key"), function="hashtext", output_field=IntegerField()).bitand(15)

# Where the sorts put a listing. No filter may read these, so none is a column as it is: PostgreSQL
# takes a range in this index to cost next to nothing, but all listings in it are gathered before
# those with the words are looked for among them, and that took 50 ms for half of all prices.
ENTERED = Func(
    Value("UTC"),
    F("original_entry_timestamp"),
    function="timezone",
    output_field=DateTimeField(),
)
PRICE = F("list_price") + Value(Decimal(0))
LIVING_AREA = Coalesce("living_area", Value(Decimal(-1)))  # those unknown: behind all others


def word_index(name: str) -> GinIndex:
    """The index of words, and of the type and the city with them: of words that many listings have,
    few may stand in those of one type or city.
    """
    columns = map(F, ("search_document", "property_type", "city_key"))
    return GinIndex(*columns, SIXTEENTH, ENTERED, PRICE, LIVING_AREA, name=name)
