"""Which of thousands of dependencies one change might affect, without asking each.

`affects` decides; this leaves out those for which it would say no, for all dependencies at once:
that is nearly all of them. A property test holds that nothing else is left out.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby

from invalidation_worker.change_log import Image
from listings.cache.dependencies import Count, Dependency, Place, Rows, Window
from listings.search_index import SearchIndex, bits

PlaceIn = Callable[[str], Place]  # sort → where a row stands in it

_FIRST: Place = ()  # stands before every other place
_STEP = 8  # windows from one checkpoint to the next: a microsecond to add up
_FEW = 256  # dependencies that are put in order again each time: less than a millisecond
_MOST_PARTITIONS = 64  # that are kept: those with the most entries come often


class Candidates:
    """The dependencies of one partition's entries, in an order of its own.

    A set of them is a whole number with a bit for each position in `dependencies`.
    """

    def __init__(self, dependencies: Iterable[Dependency]) -> None:
        rows, windows, others = [], [], []
        for dependency in dependencies:
            if isinstance(dependency, Rows):
                rows.append(dependency)
            elif isinstance(dependency, Window):
                windows.append(dependency)
            else:
                others.append(dependency)
        windows.sort(key=lambda window: (window.sort, _top(window)))
        self.dependencies: tuple[Dependency, ...] = (*windows, *others, *rows)
        self.identities = frozenset(map(id, self.dependencies))
        size = len(windows) + len(others)
        self._index = SearchIndex([one.search for one in (*windows, *others)])
        self.full_text = self._index.full_text
        self.by_words = self._index.by_words
        counts = [at for at, one in enumerate(others, len(windows)) if isinstance(one, Count)]
        capped = [at for at, one in enumerate(others, len(windows)) if _is_capped(one)]
        self._counts = bits(counts, size) & ~self.full_text
        self.capped = bits(capped, size) & ~self.full_text
        self._rest = ((1 << size) - (1 << len(windows))) & ~self._counts | self.full_text
        self._sorts = []
        start = 0
        for sort, group in groupby(windows, key=lambda window: window.sort):
            self._sorts.append((sort, _Sorted(list(group), start)))
            start += len(self._sorts[-1][1].windows)
        self.without_search = -1 << size
        self._rows: dict[str, int] = {}
        for at, dependency in enumerate(rows, size):
            for key in dependency.keys:
                self._rows[key] = self._rows.get(key, 0) | 1 << at

    def holding(self, image: Image | None) -> int:
        """Those whose search holds a row, or may: those in `full_text`."""
        return 0 if image is None else self._index.holding(image)

    def holding_both(self, before: Image | None, after: Image | None) -> tuple[int, int]:
        """The same, of both rows of a change at once."""
        if before is None or after is None:
            return self.holding(before), self.holding(after)
        return self._index.holding_both(before, after)

    def of(self, key: str, was: int, now: int, before: PlaceIn, after: PlaceIn) -> int:
        """Those that the change of one listing might affect.

        `was` and `now` are those that held it before and hold it after; `before` and `after` tell
        where it stood and stands, and are asked only if there are any.
        """
        found = self._rows.get(key, 0)
        either = was | now
        if not either:
            return found
        found |= (was ^ now) & self._counts | either & self._rest
        for sort, windows in self._sorts:
            left, right = was & windows.all, now & windows.all
            if not (left or right):
                continue
            place = after(sort) if right else before(sort)
            above, inside = windows.around(place)
            # Where it stood, or stands, but not on both sides, before the window: `behind`.
            if left and right and (old := before(sort)) != place:
                above_old, inside_old = windows.around(old)
                behind = left & above_old ^ right & above
                found |= left & inside_old | right & inside | behind
            else:
                found |= (left | right) & inside | (left ^ right) & above
        return found


class _Sorted:
    """The windows of one sort, by their upper ends, at consecutive positions from `start` on."""

    def __init__(self, windows: list[Window], start: int) -> None:
        self.windows = windows
        self._start = start
        self.all = (1 << start + len(windows)) - (1 << start)
        self._tops = [_top(window) for window in windows]
        self._bottoms = sorted(
            (window.last, at)
            for at, window in enumerate(windows, start)
            if window.full and window.last is not None
        )
        self._passed = [0]  # the windows with the first 8, 16, … of these lower ends
        for step in range(0, len(self._bottoms), _STEP):
            some = (at for _, at in self._bottoms[step : step + _STEP])
            self._passed.append(self._passed[-1] | bits(some, start + len(windows)))

    def around(self, place: Place) -> tuple[int, int]:
        """The windows before which a place lies, and those in which it lies."""
        reached = (1 << self._start + bisect_right(self._tops, place)) - (1 << self._start)
        number = bisect_left(self._bottoms, (place,))
        passed = self._passed[number // _STEP]
        for _, at in self._bottoms[number - number % _STEP : number]:
            passed |= 1 << at
        return self.all ^ reached, reached ^ reached & passed


def _is_capped(dependency: Dependency) -> bool:
    return isinstance(dependency, Count) and dependency.capped


def _top(window: Window) -> Place:
    """The first place that lies in a window, or may."""
    if window.after is not None:
        *most, key = window.after
        return (*most, f"{key}\0")
    return window.first if window.first is not None and window.position else _FIRST


class Kept:
    """Candidates that are kept from batch to batch, as most entries outlive many changes.

    What is new is put in order by itself. When that has become half as many as what it was added
    to, the two are made one and lose what has died, so each dependency is put in order only some
    ten times in its life.

    By identity: equal dependencies are one object (`judge.decoded`), and hashes would cost more
    than all the rest.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, list[Candidates]] = OrderedDict()

    def covering(
        self, partition: str, dependencies: Mapping[int, Dependency]
    ) -> Sequence[Candidates]:
        """Candidates that hold all of these dependencies, each once, and perhaps others."""
        if len(dependencies) <= _FEW:
            return (Candidates(dependencies.values()),)
        kept = self._kept.pop(partition, [])
        new = set(dependencies) if not kept else dependencies.keys() - kept[0].identities
        for some in kept[1:]:
            new -= some.identities
        if new:
            kept.append(Candidates(dependencies[one] for one in new))
        while len(kept) > 1 and 2 * len(kept[-1].dependencies) > len(kept[-2].dependencies):
            both = kept.pop().identities | kept.pop().identities
            kept.append(Candidates(dependencies[one] for one in both if one in dependencies))
        self._kept[partition] = kept
        if len(self._kept) > _MOST_PARTITIONS:
            self._kept.popitem(last=False)
        return kept
