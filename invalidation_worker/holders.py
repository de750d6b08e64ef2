"""Which entries of a registry depend on what. Kept up to date: most outlive many batches."""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping

from listings.cache.dependencies import Dependency
from listings.cache.entries import Descriptor


class Holders(dict[str, Descriptor]):
    """A registry, and its entries by the identity of their dependencies: equal ones are one object
    (`judge.decoded`), and hashes would cost more.

    Entries are set and deleted one at a time; nothing else may change it.
    """

    def __init__(self, entries: Mapping[str, Descriptor] | None = None) -> None:
        super().__init__()
        self.dependencies: dict[int, Dependency] = {}
        self.unknown: set[str] = set()  # those that anything can change
        # Tuples of text, unlike lists, are nothing that the collector of garbage has to look at.
        # Those who share a dependency are the pages of a search, some hundreds at the most.
        self._entries: dict[int, tuple[str, ...]] = {}
        for digest, descriptor in (entries or {}).items():
            self[digest] = descriptor

    def __setitem__(self, digest: str, descriptor: Descriptor) -> None:
        if digest in self:
            del self[digest]
        super().__setitem__(digest, descriptor)
        if descriptor.dependencies is None:
            self.unknown.add(digest)
            return
        for dependency in descriptor.dependencies:
            one = id(dependency)
            self.dependencies[one] = dependency
            self._entries[one] = (*self._entries.get(one, ()), digest)

    def __delitem__(self, digest: str) -> None:
        dependencies = self[digest].dependencies
        super().__delitem__(digest)
        if dependencies is None:
            self.unknown.remove(digest)
            return
        for one in {id(dependency) for dependency in dependencies}:
            left = tuple(other for other in self._entries[one] if other != digest)
            if left:
                self._entries[one] = left
            else:
                del self._entries[one], self.dependencies[one]

    def of(self, some: KeysView[int]) -> Iterator[tuple[str, int]]:
        """The entries that have one of these dependencies, each with the first that it has."""
        having = {digest for one in some & self._entries.keys() for digest in self._entries[one]}
        for digest in having:
            own = map(id, self[digest].dependencies or ())
            yield digest, next(one for one in own if one in some)
