"""What is dropped without judging changes: whole partitions, or one page and what it is made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from invalidation_worker.plan import Cause
from listings.cache import partitions
from listings.cache.dependencies import Dependency, Rows
from listings.cache.entries import Descriptor, Entry
from listings.pages import PAGES
from listings.search import PropertySearch

ORDER = 0  # stands for the event when a person drops entries; events count from 1

Dependencies = tuple[Dependency, ...] | None


@dataclass(frozen=True, slots=True)
class WholePartitions:
    """Drops all that is in these partitions."""

    partitions: Collection[str]
    event: int = ORDER

    def affected(self, partition: str, registry: Mapping[str, Descriptor]) -> dict[str, Cause]:
        return dict.fromkeys(registry, Cause(self.event, None))


class PageWithParts:
    """Drops a page and every queryset entry of which it may be made.

    An entry does not say what it was made of, but depends on what its parts depend on. A part may
    have been filled again since, with other rows, so it is known by what it is about: the same
    search, whatever page and order, or the same listing.
    """

    def __init__(self, page: Entry, dependencies: Dependencies) -> None:
        """`dependencies`: of the page, as far as they are known; none: anything in its partition
        may be a part of it.
        """
        self._page = (page.name, page.arguments)
        self._topics = None if dependencies is None else set(_topics(dependencies))
        self.partitions = {page.partition, *(where for where, _ in self._topics or ())}

    def affected(self, partition: str, registry: Mapping[str, Descriptor]) -> dict[str, Cause]:
        wanted = (digest for digest, one in registry.items() if self._is_page_or_part(one))
        return dict.fromkeys(wanted, Cause(ORDER, None))

    def _is_page_or_part(self, descriptor: Descriptor) -> bool:
        if descriptor.name in PAGES:
            return (descriptor.name, descriptor.arguments) == self._page
        dependencies = descriptor.dependencies
        if self._topics is None or dependencies is None:
            return True
        return not self._topics.isdisjoint(_topics(dependencies))


def _topics(dependencies: Iterable[Dependency]) -> Iterable[tuple[str, str]]:
    """The listings and searches that these are about, each after the partition where it is."""
    for dependency in dependencies:
        if isinstance(dependency, Rows):
            yield from ((partitions.of_property(key), "") for key in dependency.keys)
        else:
            search = PropertySearch.from_canonical(dependency.search)
            yield partitions.of_city(search.city_key), f"?{dependency.search}"
