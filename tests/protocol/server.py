"""One entry on the cache server, and what the Lua scripts do to it, each in one atomic step.

Compare `listings/cache/scripts`. A token is modelled by its holder: nobody has two reads under
way, so a name says as much as a random number.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.protocol.rules import Rules

NOBODY = -1


class Entry(NamedTuple):
    """The keys `v:` and `l:` of an entry and its field in `r:`."""

    value: Any = None
    lease: int = NOBODY  # who holds it
    registered: bool = False

    @property
    def is_free(self) -> bool:
        return self.lease == NOBODY


GONE = Entry()


def lease(entry: Entry, reader: int, rules: Rules) -> Entry:
    """`lease`, when there is no value that will do and nobody holds the lease."""
    return entry._replace(lease=reader, registered=entry.registered or rules.registers_at_lease)


def fill(entry: Entry, reader: int, value: object, rules: Rules) -> Entry:
    """`fill`: stores the value if this reader's token is still there."""
    allowed = {
        "own token": entry.lease == reader,
        "any token": not entry.is_free,
        "nothing": True,
    }
    return Entry(value, registered=True) if allowed[rules.fill_asks_for] else entry


def release(entry: Entry, reader: int) -> Entry:
    """A filler that failed gives its token back, if it is still there."""
    return entry._replace(lease=NOBODY) if entry.lease == reader else entry


def invalidate(entry: Entry, rules: Rules) -> Entry:
    """`invalidate`, for an entry that was found in its registry."""
    return GONE if rules.invalidate_drops_lease else Entry(lease=entry.lease)


def sweep(entry: Entry, rules: Rules) -> Entry:
    """`sweep`: unregisters what has neither value nor lease."""
    unused = entry.value is None and (entry.is_free or not rules.sweep_looks_at_lease)
    return entry._replace(registered=False) if unused else entry


def flush(entry: Entry, rules: Rules) -> Entry:
    """FLUSHDB: everything, at once."""
    return Entry(
        lease=NOBODY if "lease" in rules.flush_takes else entry.lease,
        registered=entry.registered and "registration" not in rules.flush_takes,
    )
