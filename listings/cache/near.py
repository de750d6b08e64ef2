"""The near cache: pages in this process's memory, for as long as the cache server has them.

The server pushes the name of each value that changes or goes (`tracking`), and it leaves this map
too. What makes that true although a push may come at any moment: a value that was read from the
server is kept only if nothing in its bucket has been pushed since before it was asked for, and hits
are given only while the connection that brings the pushes is known to live.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Iterable
from time import monotonic
from typing import Any, Final, NamedTuple

from django.conf import settings

from listings.cache.entries import Entry, value_key
from listings.cache.trust import NEVER, Trust, trust

BUCKETS = 256  # values that a push makes doubtful while they are under way: one in so many
OVERHEAD_BYTES = 2_048  # of a page, besides body and address: headers and the objects themselves
MOST_ADDRESSES = 8  # of one page: a query string may say the same in many ways

Address = Hashable  # what a request asks for, as it came in
PageKey = tuple[str, str]  # the name of a page, and its arguments


class Ticket(NamedTuple):
    """How things stood before a value was asked for."""

    key: str
    generation: int


class Kept:
    """A page under one of its addresses. `response` is in whatever form its reader likes best."""

    __slots__ = ("address", "key", "page", "reads", "response", "size", "until", "was_used")

    def __init__(
        self, address: Address, page: PageKey | None, response: Any, own_bytes: int
    ) -> None:
        self.address: Final = address
        self.page: Final = page  # none: nobody wants it warm
        self.response: Final = response
        self.size: Final = own_bytes + OVERHEAD_BYTES
        self.key = ""
        self.until = NEVER  # monotonic: when the value expires
        self.reads = 0  # since last harvested
        self.was_used = False


class Near:
    """At most `most_bytes` of pages. Whoever looks one up waits for nobody."""

    def __init__(self, most_bytes: int, trust: Trust) -> None:
        self.most_bytes: Final = most_bytes
        self.hits = 0
        self.misses = 0
        self._trust = trust
        self._lock = threading.Lock()
        self._pages: OrderedDict[Address, Kept] = OrderedDict()  # what came first, first
        self._by_key: defaultdict[str, list[Kept]] = defaultdict(list)
        self._generations = [0] * BUCKETS
        self._until = NEVER  # monotonic: hits are given until then
        self._bytes = 0
        self._gone: list[tuple[PageKey, int]] = []  # reads of pages that are here no more

    @property
    def is_on(self) -> bool:
        """Whether a page that is here would be a hit."""
        now = monotonic()
        return now < self._until and now < self._trust.near_until

    @property
    def size(self) -> tuple[int, int]:
        """Pages, each under every address that it has here; and their bytes."""
        return len(self._pages), self._bytes

    def find(self, address: Address, now: float) -> Kept | None:
        """The page at this address, if it is here and may be served at this monotonic moment.
        Counted as read.

        Takes no lock: every step is one on which CPython does not switch threads. Who finds a page
        in the moment before a push takes it away is given what was true a few milliseconds ago.
        """
        kept = self._pages.get(address)
        if kept is None:
            return None
        if now >= kept.until or now >= self._until or now >= self._trust.near_until:
            return None
        kept.was_used = True
        kept.reads += 1
        self.hits += 1
        return kept

    def ticket(self, entry: Entry) -> Ticket | None:
        """To be taken before the server is asked for a page; none: nothing would be kept."""
        if not self.is_on:
            return None
        self.misses += 1
        key = value_key(entry.partition, entry.digest)
        return Ticket(key, self._generations[hash(key) % BUCKETS])

    def keep(self, ticket: Ticket, kept: Kept, expires_at: int) -> bool:
        """Keep what the server answered, unless it may have changed since the ticket was taken.

        `expires_at` is in µs of the server's clock. Returns whether it was kept.
        """
        kept.key, kept.until = ticket.key, self._trust.monotonic(expires_at)
        with self._lock:
            if self._generations[hash(ticket.key) % BUCKETS] != ticket.generation:
                return False
            if former := self._pages.get(kept.address):
                self._drop(former)
            others = self._by_key[ticket.key]
            if len(others) >= MOST_ADDRESSES:
                self._drop(others[0])
            others.append(kept)
            self._pages[kept.address] = kept
            self._bytes += kept.size
            self._make_room()
        return True

    def drop(self, keys: Iterable[str]) -> None:
        """These values have changed, or are gone."""
        with self._lock:
            for key in keys:
                self._generations[hash(key) % BUCKETS] += 1
                for kept in tuple(self._by_key.get(key, ())):
                    self._drop(kept)

    def drop_all(self) -> None:
        """Every value has changed, or may have."""
        with self._lock:
            self._generations = [generation + 1 for generation in self._generations]
            for kept in tuple(self._pages.values()):
                self._drop(kept)

    def begin(self, until: float) -> None:
        """Pushes come from now on. What was there before may have missed some."""
        self.drop_all()
        self._until = until

    def extend(self, until: float) -> None:
        """Every push of before has come: hits may be given until this monotonic moment."""
        self._until = until

    def end(self) -> None:
        """Pushes come no more."""
        self._until = NEVER

    def harvest(self) -> list[tuple[PageKey, int]]:
        """Pages and how often they were read since this was asked last."""
        with self._lock:
            found, self._gone = self._gone, []
            for kept in self._pages.values():
                if reads := kept.reads:
                    kept.reads -= reads
                    if kept.page:
                        found.append((kept.page, reads))
        return found

    def _make_room(self) -> None:
        """The least recently used go first, as far as a second chance for the used can tell."""
        while self._bytes > self.most_bytes:
            kept = next(iter(self._pages.values()))
            if kept.was_used:
                kept.was_used = False
                self._pages.move_to_end(kept.address)
            else:
                self._drop(kept)

    def _drop(self, kept: Kept) -> None:
        del self._pages[kept.address]
        same = self._by_key[kept.key]
        same.remove(kept)
        if not same:
            del self._by_key[kept.key]
        self._bytes -= kept.size
        if kept.reads and kept.page:
            self._gone.append((kept.page, kept.reads))


near = Near(settings.NEAR_CACHE_BYTES, trust)
