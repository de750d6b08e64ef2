"""Draws that follow from a seed alone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

LARGEST_SEED = 2**31 - 1
_STEP = 10**8  # more than there are listings of one seed, so that no two streams are the same


class Dice(Random):
    """Python's generator with the draws that an inventory needs, cheap ones first."""

    @classmethod
    def for_number(cls, seed: int, number: int) -> Dice:
        """The dice of one listing, agent or office; each has its own stream."""
        return cls(seed * _STEP + number)

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.random() * len(choices))]

    def weighted(self, cumulative: Sequence[float]) -> int:
        """An index, each with a chance in proportion to its step in the cumulative weights."""
        return bisect_right(cumulative, self.random() * cumulative[-1])

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def whole(self, least: int, most: int) -> int:
        """A whole number from `least` to `most`, both included."""
        return least + int(self.random() * (most - least + 1))
