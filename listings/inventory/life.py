"""What happens to a made-up listing: when it came, how its price and its status changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from listings.inventory.dice import Dice
from listings.inventory.facts import Facts, asking
from listings.records import HistoryRecord, OpenHouseRecord
from listings.vocabulary import ChangeType
from listings.vocabulary import StandardStatus as Status

# status → percent of all listings
_STATUSES = {
    Status.ACTIVE: 70.0,
    Status.ACTIVE_UNDER_CONTRACT: 8.0,
    Status.COMING_SOON: 4.0,
    Status.PENDING: 8.0,
    Status.CLOSED: 6.0,
    Status.WITHDRAWN: 1.2,
    Status.EXPIRED: 1.0,
    Status.CANCELED: 0.8,
    Status.HOLD: 0.5,
    Status.INCOMPLETE: 0.5,
}
_NAMES = tuple(_STATUSES)
_CUMULATIVE_SHARES = tuple(accumulate(_STATUSES.values()))

_MEAN_AGE_DAYS = 32.0  # exponential: a sixth of all listings are younger than a week
_OLDEST_DAYS = 540
_TICK_MICROSECONDS = 10_000_000  # one microsecond of each tick for each possible listing
_SCATTER = 7_919_317  # coprime to the tick, so that numbers map to microseconds one to one

# A listing enters the market with one of these, and leaves with one of the others.
_STAYS = (Status.ACTIVE, Status.COMING_SOON, Status.INCOMPLETE)


class Cut(NamedTuple):
    """One reduction of the asking price."""

    before: int
    after: int
    at: datetime


class Life(NamedTuple):
    """`changed` is when the status became what it is; `touched`, the last change of any kind."""

    status: Status
    entered: datetime
    first_price: int
    cuts: tuple[Cut, ...]
    changed: datetime
    touched: datetime
    close_price: int | None

    @property
    def price(self) -> int:
        return self.cuts[-1].after if self.cuts else self.first_price


def draw(dice: Dice, facts: Facts, number: int, anchor: datetime) -> Life:
    """One life that lies before the anchor. No two numbers enter at the same microsecond."""
    status = _NAMES[dice.weighted(_CUMULATIVE_SHARES)]
    days = min(dice.expovariate(1 / _MEAN_AGE_DAYS), _OLDEST_DAYS)
    if status is Status.COMING_SOON:
        days = dice.random() * 14
    elif status not in _STAYS:
        days += 10 + dice.random() * 40  # it took some time to sell, or to be given up
    ticks = int(days * 8640)
    scatter = number * _SCATTER % _TICK_MICROSECONDS + 1
    entered = anchor - timedelta(microseconds=ticks * _TICK_MICROSECONDS + scatter)
    cuts = _cuts(dice, facts, entered, anchor) if days > 7 and dice.chance(0.26) else ()
    last = cuts[-1].at if cuts else entered
    changed = entered if status in _STAYS else last + (anchor - last) * dice.random()
    price = cuts[-1].after if cuts else facts.price
    closed = status is Status.CLOSED
    return Life(
        status=status,
        entered=entered,
        first_price=facts.price,
        cuts=cuts,
        changed=changed,
        touched=max(last, changed),
        close_price=asking(price * dice.gauss(0.985, 0.025), facts.kind.lease) if closed else None,
    )


def history(life: Life, key: str) -> list[HistoryRecord]:
    """The listing's past changes, oldest first; none, while it stands as it was entered."""
    changes = [
        (ChangeType.PRICE_CHANGE, "ListPrice", str(cut.before), str(cut.after), cut.at)
        for cut in life.cuts
    ]
    if life.status not in _STAYS:
        kind = ChangeType(life.status.value)
        changes.append(
            (kind, "StandardStatus", Status.ACTIVE.value, life.status.value, life.changed)
        )
    if changes:
        first = (ChangeType.NEW_LISTING, "ListPrice", "", str(life.first_price), life.entered)
        changes.insert(0, first)
    return [
        HistoryRecord(
            history_transactional_key=f"{key}-h{order}",
            property_id=key,
            change_type=change_type,
            field_name=field,
            previous_value=before,
            new_value=after,
            modification_timestamp=at,
        )
        for order, (change_type, field, before, after, at) in enumerate(changes, 1)
    ]


def open_houses(dice: Dice, life: Life, key: str, anchor: datetime) -> list[OpenHouseRecord]:
    """One or two visits in the fourteen days after the anchor, for one active listing in twenty."""
    if life.status is not Status.ACTIVE or not dice.chance(0.05):
        return []
    day = anchor.replace(hour=0, minute=0, second=0, microsecond=0)
    visits = []
    for order in range(1, dice.pick((1, 1, 1, 2)) + 1):
        start = day + timedelta(days=dice.whole(0, 6) + 7 * (order - 1), hours=dice.whole(14, 22))
        visits.append(
            OpenHouseRecord(
                open_house_key=f"{key}-o{order}",
                property_id=key,
                open_house_start_time=start,
                open_house_end_time=start + timedelta(hours=dice.pick((1, 2, 2, 3))),
                modification_timestamp=life.touched,
            )
        )
    return visits


def _cuts(dice: Dice, facts: Facts, entered: datetime, anchor: datetime) -> tuple[Cut, ...]:
    """One cut of 1 to 8 %, sometimes a second one; fewer where rounding leaves nothing to cut."""
    cuts: list[Cut] = []
    price, at = facts.price, entered
    for _ in range(dice.pick((1, 1, 1, 2))):
        after = asking(price * (0.92 + 0.07 * dice.random()), facts.kind.lease)
        at += (anchor - at) * (0.2 + 0.6 * dice.random())
        if after < price:
            cuts.append(Cut(price, after, at))
            price = after
    return tuple(cuts)
