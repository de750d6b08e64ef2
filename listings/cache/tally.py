"""All that a process counts while it fills, in one piece: a filler tells it with each page.

So the numbers of a web process are those of its fillers, too, and nobody has to ask these.
"""

from __future__ import annotations

import msgspec

from listings.cache import counters, endings, spared
from listings.cache.endings import Refusal, WaitEnding
from listings.cache.entries import Layer
from listings.cache.plain_numbers import Drained


class Tally(msgspec.Struct, frozen=True):
    """What has been counted since the last one."""

    reads: dict[str, int]
    refusals: list[tuple[Layer, Refusal, int]]
    waits: list[tuple[Layer, WaitEnding, int]]
    fills: list[tuple[Layer, Drained]]  # how long they took
    asked: int  # queries
    spared: int


def drain() -> Tally:
    """What this process, which does nothing meanwhile, has counted; it is forgotten here."""
    return Tally(
        counters.drain(),
        [(*key, number) for key, number in endings.drain_refusals().items()],
        [(*key, number) for key, number in endings.drain_waits().items()],
        [(layer, seconds.drain()) for layer, seconds in endings.fill_seconds.items()],
        spared.asked.drain(),
        spared.by_hits.drain(),
    )


def add(tally: Tally) -> None:
    """Count what another process has counted."""
    counters.add(tally.reads)
    for layer, refusal, number in tally.refusals:
        endings.refused(layer, refusal, number)
    for layer, ending, number in tally.waits:
        endings.waited(layer, ending, number)
    for layer, seconds in tally.fills:
        endings.fill_seconds[layer].add(seconds)
    spared.asked.number += tally.asked
    spared.by_hits.number += tally.spared
