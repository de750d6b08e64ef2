"""The verdict: what each response was worth, and which promises were kept.

A response shows a *version* of each thing on it: the value that one write gave to it, or an older
one. It is judged by the moment t at which its request began.

- *Staleness* of a check: t less the commit of the version's successor, if that had returned by
  then. The commit's time is taken when COMMIT has returned, so nothing is called stale that a
  database may still have hidden.
- *Lag* of a write (P1): the staleness of the last check that showed anything older than it. Whoever
  does not look finds no lag, and zeros would flatter the percentiles, so they are taken over those
  writes alone whose writer made sure that its pages were cached before, and then asked for them
  without a pause. The lag of such a write reaches to the begin of the first request that showed
  it: at most one request too long, never too short.
- *Step back* (P2): a response shows a version older than one that the same page had shown, out of
  the cache or stored in it, by a response that ended before t. How far back is t less the end of
  the first such response. Up to 50 ms are allowed: pushes reach two processes some ms apart. A step
  between *different* pages is counted and breaks no promise: a page that was not in the cache
  shows a change as soon as it is committed, before it has been applied to the others.
- *Never true*: a value that no commit has made visible, as from a transaction that rolled back.

Where a value comes twice (an empty list, a page that is gone), a check is given the newest version
that it can be, and as evidence against others the oldest: doubt never breaks a promise.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from invalidation_worker.freshness.history import Disturbance, Evidence, Sighting, Version, Write
from invalidation_worker.freshness.truth import Thing, Value

ALLOWANCE_SECONDS = 0.05  # P2


class Old(NamedTuple):
    """The oldest thing that was served."""

    seconds: float = 0.0
    address: str = ""
    path: str = ""  # of the write that it did not show


@dataclass(slots=True)
class Findings:
    """What all checks came to. Seconds throughout."""

    checks: int = 0
    oldest: Old = field(default_factory=Old)
    back_within: int = 0
    back_beyond: int = 0
    farthest_back: float = 0.0
    apart_within: int = 0  # another page had shown it already
    apart_beyond: int = 0
    never_true: list[str] = field(default_factory=list)  # address, what, value
    lags: dict[Write, float] = field(default_factory=dict)  # of watched writes, outside of faults


def judge(evidence: Evidence) -> Findings:
    """Check every thing of every response against the timelines."""
    sightings = evidence.sightings
    judgement = _Judgement(evidence, sightings)
    for sighting in sightings:
        for thing, value in sighting.things.items():
            judgement.check(sighting, thing, value)
    findings = judgement.findings
    findings.lags = {
        write: max(judgement.behind[write], write.cleared - write.committed)
        for write in evidence.writes
        if write.cleared is not None and not _disturbed(write, evidence.disturbances)
    }
    return findings


class _Timeline:
    """The versions of one thing, to be found by their value."""

    def __init__(self, versions: Sequence[Version]) -> None:
        self.versions = versions
        self._committed = [version.write.committed for version in versions]
        self._began = [version.write.began for version in versions]
        self._numbers: dict[Value, list[int]] = defaultdict(list)
        for number, version in enumerate(versions):
            self._numbers[version.value].append(number)

    def newest(self, value: Value, ended: float) -> int | None:
        """The newest version with this value that a response can have shown by then."""
        numbers = self._numbers.get(value, [])
        before = bisect_right(numbers, ended, key=self._began.__getitem__)
        return numbers[before - 1] if before else None

    def oldest(self, value: Value) -> int | None:
        return self._numbers[value][0] if value in self._numbers else None

    def missed(self, shown: int, began: float) -> Sequence[Version]:
        """The later versions whose commit had returned before a request began."""
        return self.versions[shown + 1 : bisect_left(self._committed, began)]


class _Applied:
    """When each version is known to have got into the cache: on each page, and on any."""

    def __init__(self, sightings: Iterable[Sighting], timelines: Mapping[Thing, _Timeline]) -> None:
        self._here: dict[tuple[str, Thing], list[float]] = {}
        self._anywhere: dict[Write, float] = defaultdict(lambda: math.inf)
        for sighting in sightings:
            if sighting.kept:
                for thing, value in sighting.things.items():
                    if thing in timelines:
                        self._note(sighting, thing, timelines[thing], value)
        for (_, thing), ends in self._here.items():
            for number in range(len(ends) - 2, -1, -1):  # who shows a version has all before it
                ends[number] = min(ends[number], ends[number + 1])
            for end, version in zip(ends, timelines[thing].versions, strict=True):
                self._anywhere[version.write] = min(self._anywhere[version.write], end)

    def _note(self, sighting: Sighting, thing: Thing, timeline: _Timeline, value: Value) -> None:
        number = timeline.oldest(value)
        if number is not None:
            ends = self._here.get((sighting.address, thing))
            if ends is None:
                ends = [math.inf] * len(timeline.versions)
                self._here[sighting.address, thing] = ends
            ends[number] = min(ends[number], sighting.ended)

    def here(self, address: str, thing: Thing, number: int) -> float:
        """The end of the first response of this page that showed this version or a later one."""
        ends = self._here.get((address, thing))
        return math.inf if ends is None else ends[number]

    def anywhere(self, write: Write) -> float:
        """The same, of any page that shows the write."""
        return self._anywhere[write]


class _Judgement:
    """Collects what the checks find."""

    def __init__(self, evidence: Evidence, sightings: Iterable[Sighting]) -> None:
        self.findings = Findings()
        self.behind: dict[Write, float] = defaultdict(float)  # the last staleness for its sake
        self._timelines = {thing: _Timeline(all_) for thing, all_ in evidence.timelines.items()}
        self._applied = _Applied(sightings, self._timelines)

    def check(self, sighting: Sighting, thing: Thing, value: Value) -> None:
        self.findings.checks += 1
        timeline = self._timelines.get(thing)
        shown = timeline.newest(value, sighting.ended) if timeline else None
        if timeline is None or shown is None:
            self.findings.never_true.append(f"{sighting.address} {thing[1]}: {value!r}")
            return
        missed = timeline.missed(shown, sighting.began)
        for version in missed:
            late = sighting.began - version.write.committed
            self.behind[version.write] = max(self.behind[version.write], late)
        if missed:
            write = missed[0].write
            old = Old(sighting.began - write.committed, sighting.address, write.path)
            self.findings.oldest = max(self.findings.oldest, old)
        if shown + 1 < len(timeline.versions):
            here = self._applied.here(sighting.address, thing, shown + 1)
            anywhere = self._applied.anywhere(timeline.versions[shown + 1].write)
            self._compare(sighting.began - here, sighting.began - anywhere)

    def _compare(self, back: float, apart: float) -> None:
        """Count a step back of the page, or else that another page was ahead of it."""
        findings = self.findings
        if back > 0:
            findings.farthest_back = max(findings.farthest_back, back)
            findings.back_within += back <= ALLOWANCE_SECONDS
            findings.back_beyond += back > ALLOWANCE_SECONDS
        elif apart > 0:
            findings.apart_within += apart <= ALLOWANCE_SECONDS
            findings.apart_beyond += apart > ALLOWANCE_SECONDS


def _disturbed(write: Write, disturbances: Iterable[Disturbance]) -> bool:
    until = write.cleared or write.committed
    return any(fault.began <= until and write.committed <= fault.ended for fault in disturbances)
