"""The promises P1, P2 and P3: kept, broken, or not to be judged by this run."""

from __future__ import annotations

import enum
import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

from invalidation_worker.freshness.verdict import Findings

ORM_SECONDS = 0.05  # P1, p99, for writes that ring
OTHER_SECONDS = 0.15  # P1, p99, for those that the relay has to find
OLDEST_SECONDS = 15.0  # P3
BUSY = 0.75  # share of the machine's processors; above it P1 is reported, not judged


class State(enum.StrEnum):
    KEPT = "kept"
    BROKEN = "broken"
    AT_SATURATION = "at saturation"
    NOT_JUDGED = "not judged"


class Promise(NamedTuple):
    name: str
    state: State
    figure: str


def percentile(values: Collection[float], share: float) -> float:
    """The smallest value that at least this share of all reach (nearest rank); none of none: 0."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def promises(findings: Findings, cpu_use: float) -> list[Promise]:
    """What this run says of each promise. `cpu_use` is the machine's, from 0 to 1."""
    return [_fresh(findings, cpu_use), _never_back(findings), _bounded(findings), _true(findings)]


def _fresh(findings: Findings, cpu_use: float) -> Promise:
    rung = [lag for write, lag in findings.lags.items() if write.rings]
    found = [lag for write, lag in findings.lags.items() if not write.rings]
    figure = (
        f"p99 of the lag {_milliseconds(rung)} through the ORM (≤ 50 ms), "
        f"{_milliseconds(found)} around it (≤ 150 ms)"
    )
    late = percentile(rung, 0.99) > ORM_SECONDS or percentile(found, 0.99) > OTHER_SECONDS
    if not findings.lags:
        state = State.NOT_JUDGED
    elif cpu_use > BUSY:
        state = State.AT_SATURATION
    else:
        state = State.BROKEN if late else State.KEPT
    return Promise("P1 fresh", state, figure)


def _never_back(findings: Findings) -> Promise:
    figure = (
        f"{findings.back_beyond} steps back beyond 50 ms, {findings.back_within} within; "
        f"the farthest {findings.farthest_back * 1000:.1f} ms"
    )
    return Promise("P2 never back", _state(findings.back_beyond == 0, findings), figure)


def _bounded(findings: Findings) -> Promise:
    old = findings.oldest
    where = f" on {old.address} (after {old.path})" if old.seconds else ""
    figure = f"the oldest thing served was {old.seconds:.3f} s old{where} (≤ 15 s)"
    return Promise("P3 bounded", _state(old.seconds <= OLDEST_SECONDS, findings), figure)


def _true(findings: Findings) -> Promise:
    """No promise of its own, but what P2 and P3 take for granted."""
    wrong = findings.never_true
    figure = f"{len(wrong)} values were shown that were never true"
    if wrong:
        figure += f", such as {wrong[0]}"
    return Promise("only the truth", _state(not wrong, findings), figure)


def _state(kept: bool, findings: Findings) -> State:
    if not findings.checks:
        return State.NOT_JUDGED
    return State.KEPT if kept else State.BROKEN


def _milliseconds(lags: Sequence[float]) -> str:
    return f"{percentile(lags, 0.99) * 1000:.0f} ms ({len(lags)} writes)" if lags else "unknown"
