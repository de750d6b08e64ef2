"""Which entries depend on what: worked out once for each part of a registry that stays the same."""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping

from listings.cache.dependencies import Dependency
from listings.cache.entries import Descriptor
from listings.cache.registries import Part


class Holders:
    """The entries of one part, by the identity of their dependencies: equal ones are one object
    (`judge.decoded`), and hashes would cost more.
    """

    def __init__(self, part: Mapping[str, Descriptor]) -> None:
        self.dependencies: dict[int, Dependency] = {}
        self.unknown: list[str] = []  # those that anything can change
        self._part = part
        # Tuples of text, unlike lists, are nothing that the collector of garbage has to look at.
        self._entries: dict[int, tuple[str, ...]] = {}
        for digest, descriptor in part.items():
            if descriptor.dependencies is None:
                self.unknown.append(digest)
                continue
            for dependency in descriptor.dependencies:
                self.dependencies[id(dependency)] = dependency
                others = self._entries.get(id(dependency), ())
                self._entries[id(dependency)] = (*others, digest)

    def of(self, some: KeysView[int]) -> Iterator[tuple[str, int]]:
        """The entries that have one of these dependencies, each with the first that it has."""
        having = {digest for one in some & self._entries.keys() for digest in self._entries[one]}
        for digest in having:
            own = map(id, self._part[digest].dependencies or ())
            yield digest, next(one for one in own if one in some)


def holders(part: Mapping[str, Descriptor]) -> Holders:
    """Those of a part of a registry."""
    if not isinstance(part, Part):
        return Holders(part)
    if part.derived is None:
        part.derived = Holders(part)
    found: Holders = part.derived
    return found
