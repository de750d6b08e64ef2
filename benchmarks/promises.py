"""What the platform promises of its invalidations, checked."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.tally import Tally

PRECISION = 0.95  # of what is dropped, at least this share has changed
WRITES_PER_SECOND = 10.0  # at which the hit ratio is at most
POINTS = 0.02  # below that of the round without writes


def broken(tallies: Iterable[Tally]) -> list[str]:
    """A sentence for each promise that does not hold; those that were not measured hold."""
    ours = {tally.writes_per_second: tally for tally in tallies if tally.contestant == "ours"}
    sentences = []
    for rate, tally in ours.items():
        if tally.live_stale or tally.reads_stale:
            sentences.append(
                f"recall: {tally.live_stale} stale entries and {tally.reads_stale} stale reads "
                f"at {rate:g} writes a second"
            )
    dropped = sum(tally.dropped_looked_at for tally in ours.values())
    changed = sum(tally.dropped_changed for tally in ours.values())
    if dropped and changed / dropped < PRECISION:
        sentences.append(f"precision: {changed / dropped:.1%} of what was dropped had changed")
    if 0.0 in ours and WRITES_PER_SECOND in ours:
        lost = ours[0.0].hit_ratio - ours[WRITES_PER_SECOND].hit_ratio
        if lost > POINTS:
            sentences.append(
                f"hit ratio: {lost:.1%} lower at {WRITES_PER_SECOND:g} writes a second"
            )
    return sentences
