"""What can change an entry's bytes: data in its descriptor, and one pure function that reads it.

Searches, sorts and sets of columns are names here; what they mean is known to `listings`, which
brings it as a `Verdict`.
"""

from __future__ import annotations

import enum
from typing import Protocol

import msgspec

Place = tuple[int | str, ...]  # where a row stands in a sort; no two rows stand at the same


class Answer(enum.Enum):
    """Whether a row is in a search. `MAYBE`: only the database knows (full text)."""

    NO = 0
    YES = 1
    MAYBE = 2


class _Dependency(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="on"):
    """Base of all dependencies."""


class Rows(_Dependency, frozen=True, tag="rows"):
    """These listings, each with the set of columns that is called `shown`."""

    keys: tuple[str, ...]
    shown: str


class Search(_Dependency, frozen=True, tag="search"):
    """Anything that is, or was, in a search: all that is known while an entry is being filled."""

    search: str


class Window(_Dependency, frozen=True, tag="window"):
    """The rows from `first` to `last` of a sorted search, and how many come before them.

    Open at its top when no row comes before it, and at its bottom unless it is full. A window
    that starts `after` a place does not care what comes before.
    """

    search: str
    sort: str
    first: Place | None  # none: the window is empty
    last: Place | None
    position: int  # rows before it
    full: bool
    after: Place | None = None


class Count(_Dependency, frozen=True, tag="count"):
    """How many rows a search finds. Capped: "more than 1,000" is shown, whatever the number.

    Then `found` is how many there were at least, and nothing was missing of any transaction of
    the database with an id below `finished`; 0: unknown.
    """

    search: str
    capped: bool
    found: int = 0
    finished: int = 0


class Facets(_Dependency, frozen=True, tag="facets"):
    """How many rows of a search have each value of the columns that are called `shown`."""

    search: str
    shown: str


Dependency = Rows | Search | Window | Count | Facets


class Verdict(Protocol):
    """One change of one listing, judged for one search."""

    @property
    def key(self) -> str: ...

    @property
    def before(self) -> Answer: ...

    @property
    def after(self) -> Answer: ...

    def shows(self, shown: str) -> bool:
        """Whether a column of this set has changed, or the row has come or gone."""

    def places(self, sort: str) -> tuple[Place | None, Place | None]:
        """Where the row stood before and stands after, in this sort; none: not in the search."""

    def still_capped(self, search: str) -> bool:
        """Whether this search finds more than can be counted, now."""


def affects(dependency: Dependency, verdict: Verdict) -> bool:
    """Whether the change may change the bytes of an entry that has this dependency."""
    if isinstance(dependency, Rows):
        return verdict.key in dependency.keys and verdict.shows(dependency.shown)
    before, after = verdict.before, verdict.after
    if before is Answer.NO and after is Answer.NO:
        return False
    if Answer.MAYBE in (before, after):
        return before is not after or verdict.shows("card") or verdict.shows("words")
    if isinstance(dependency, Window):
        return _affects_window(dependency, verdict)
    if isinstance(dependency, Count):
        return before is not after and _affects_count(dependency, verdict)
    if isinstance(dependency, Facets):
        return before is not after or verdict.shows(dependency.shown)
    return True


def _affects_count(count: Count, verdict: Verdict) -> bool:
    """More than 1,000 are still more than 1,000 after a start, and mostly after a stop."""
    return not count.capped or (
        verdict.after is Answer.NO and not verdict.still_capped(count.search)
    )


def _affects_window(window: Window, verdict: Verdict) -> bool:
    before, after = verdict.places(window.sort)
    was, now = _where(window, before), _where(window, after)
    if was == now == 0:
        return before != after or verdict.shows("card")
    if 0 in (was, now):
        return True
    # Outside of it, only what passes from one side to the other shifts the rows.
    return window.after is None and (was == -1) != (now == -1)


def _where(window: Window, place: Place | None) -> int | None:
    """-1: before the window, 0: in it, 1: behind it; none: nowhere."""
    if place is None:
        return None
    if window.after is not None and place <= window.after:
        return -1
    if window.first is None or window.last is None:
        return 0
    if place < window.first:
        return -1 if window.position else 0
    return 1 if window.full and place > window.last else 0
