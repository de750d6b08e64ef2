"""Public and private remarks, put together from phrases that fit the facts of a property.

Some 45 words a text: enough for searches to be interesting, and parsing them into a search
document is what writing a listing costs most (about 2 µs a word).
"""

from __future__ import annotations

from listings.inventory.dice import Dice
from listings.inventory.facts import Facts
from listings.inventory.kinds import Use

_OPENING = {
    Use.HOME: (
        "Welcome to this {mood} {noun} in the heart of {where}.",
        "{Mood} {noun} on a {street} street in {where}.",
        "Rarely available: a {mood} {noun} with {bedrooms} in {where}.",
        "Light fills every room of this {mood} {noun} in {where}.",
        "Come home to {where}, where this {mood} {noun} has been cared for by its owners.",
        "Built in {year} and lovingly kept, this {mood} {noun} has {bedrooms}.",
        "A {mood} {noun} with {bedrooms} and {area} square feet to spread out in.",
        "Your search ends here: {mood}, move-in ready and minutes from {near}.",
    ),
    Use.UNITS: (
        "Well-kept {noun} in {where} with a strong rental history.",
        "Turnkey investment: {noun} built in {year}, fully leased, near {near}.",
        "Live in one unit and rent the rest of this {mood} {noun} in {where}.",
        "Value-add {noun} with {area} square feet and separate meters.",
    ),
    Use.LAND: (
        "Build your dream home on this {mood} {noun} in {where}.",
        "Gently sloping {noun} with utilities at the street, close to {near}.",
        "Surveyed and ready: a {mood} {noun} on a {street} road in {where}.",
        "Bring your plans to this wooded {noun} near {near}.",
    ),
    Use.WORK: (
        "High-visibility {noun} on a busy corner of {where}.",
        "Flexible {noun} of {area} square feet, minutes from {near}.",
        "Well-located {noun} in {where} with ample parking and signage.",
        "Owner-user opportunity: {noun} built in {year}, recently refreshed.",
    ),
}
_INSIDE = {
    Use.HOME: (
        "The chef's kitchen has quartz counters, a gas range and a walk-in pantry.",
        "Original hardwood floors, crown molding and a wood-burning fireplace set the tone.",
        "An open floor plan joins the kitchen, dining and living rooms.",
        "Vaulted ceilings and skylights brighten the great room.",
        "The primary suite offers a soaking tub, double vanity and walk-in closet.",
        "Freshly painted, with new carpet, newer roof and updated plumbing.",
        "Granite counters, stainless appliances and a breakfast bar in the kitchen.",
        "A finished basement adds a media room and a guest suite.",
        "Two home offices and fiber internet make working from home easy.",
        "Smart thermostat, tankless water heater and solar panels keep bills low.",
        "Exposed brick and tall windows give the living room its character.",
        "Marble bathrooms and custom built-ins throughout.",
    ),
    Use.UNITS: (
        "Each unit has its own laundry, entrance and off-street parking.",
        "New boilers, updated kitchens and a recent roof.",
        "Rents are below market, with leases ending this year.",
    ),
    Use.LAND: (
        "Mature oaks, a seasonal creek and room for a barn.",
        "Percolation test done; well and septic permitted.",
        "Level building site with southern exposure and no restrictions on design.",
    ),
    Use.WORK: (
        "Loading dock, three-phase power and clear height of 22 feet.",
        "Reception, conference room and eight private offices.",
        "Display windows, storage in the rear and a grease trap in place.",
        "Zoned for a wide range of uses, with a sprinkler system throughout.",
    ),
}
_OUTSIDE = {
    Use.HOME: (
        "The fenced yard has fruit trees, raised beds and a covered patio.",
        "Enjoy evenings on the deck under string lights.",
        "A detached workshop and RV parking complete the lot.",
        "Landscaped front yard with drip irrigation and a rose garden.",
        "Tend a kitchen garden or simply relax on the wraparound porch.",
        "Low-maintenance grounds leave weekends free.",
    ),
    Use.UNITS: ("Shared courtyard, bike storage and a one-car garage for each unit.",),
    Use.LAND: ("Paved access all year.", "Deer, quail and wild turkey are frequent guests."),
    Use.WORK: ("Easy access to the interstate and to public transit.",),
}
_INDOORS_ONLY = (
    "The building has a concierge, gym, roof terrace and bike room.",
    "A private balcony looks over the courtyard.",
    "Assigned parking, storage locker and a pet-friendly association.",
    "Secure entry, elevator and a shared garden.",
)
_NEAR = (
    *("parks", "top-rated schools", "the farmers market", "light rail", "downtown", "the lake"),
    *("the university", "coffee shops", "hiking trails", "the hospital", "the waterfront"),
    *("the library", "the golf course", "the art museum", "the ballpark", "the airport"),
)
_MOODS = tuple(
    "charming sunny spacious stylish refined cozy bright welcoming meticulous timeless sleek "
    "rustic remodeled gracious handsome storybook contemporary craftsman".split()
)
_STREETS = ("quiet", "tree-lined", "sought-after", "dead-end", "walkable", "peaceful", "friendly")
_CLOSING = (
    "Close to {near} and {also}.",
    "Walk to {near}; {also} is a short drive away.",
    "Between {near} and {also}.",
    "Do not miss it!",
    "Schedule a tour today.",
    "Priced to sell.",
    "Offers reviewed as they come.",
)
_PRIVATE = (
    "Lockbox on the gas meter. Text before showing.",
    "Seller prefers a rent-back of 30 days.",
    "Tenant occupied: 24 hours notice, please.",
    "Pre-inspected; report on request. Alarm code with the listing office.",
    "Show anytime. Remove shoes. Cat must stay inside.",
)


def public(dice: Dice, facts: Facts) -> str:
    """What visitors read: three to six sentences."""
    use, size, place = facts.kind.use, facts.size, facts.place
    outdoors = size.lot is not None or use is not Use.HOME
    mood = dice.pick(_MOODS)
    sentences = [
        dice.pick(_OPENING[use]),
        dice.pick(_INSIDE[use]),
        dice.pick(_OUTSIDE[use] if outdoors else _INDOORS_ONLY),
        *_extras(facts),
        dice.pick(_CLOSING),
    ]
    return " ".join(sentences).format(
        mood=mood,
        Mood=mood.capitalize(),
        noun=facts.kind.noun,
        where=place.subdivision or place.city.name,
        street=dice.pick(_STREETS),
        bedrooms=_bedrooms(size.bedrooms),
        area=f"{size.area:,}" if size.area else "",
        year=facts.year_built,
        near=dice.pick(_NEAR),
        also=dice.pick(_NEAR),
    )


def private(dice: Dice) -> str:
    """What only agents read; often nothing."""
    return dice.pick(_PRIVATE) if dice.chance(0.4) else ""


def _bedrooms(count: int | None) -> str:
    if not count:
        return "a studio layout"
    return "one bedroom" if count == 1 else f"{count} bedrooms"


def _extras(facts: Facts) -> list[str]:
    extras = []
    if facts.waterfront:
        extras.append("Private dock and 80 feet of waterfront.")
    if facts.pool:
        extras.append("Heated swimming pool and spa.")
    if facts.view:
        kind = facts.view.split(",")[0].replace("(s)", "").replace("/", " and ").lower()
        extras.append(f"Sweeping {kind} views.")
    if facts.new:
        extras.append("New construction with a builder's warranty.")
    return extras
