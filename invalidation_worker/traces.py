"""Traces: what each applied event took out of the cache, why, and when it was warm again.

Two capped streams in the cache server, for people. Nothing depends on them: a flush takes them
away, a full server takes none, and one that is lost is lost.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast

import msgspec
import redis

from invalidation_worker.change_log import Row
from invalidation_worker.invalidate import Affected, Invalidated
from listings.cache.dependencies import Dependency, Rows
from listings.cache.entries import Entry, Layer
from listings.cache.store import Store
from listings.popularity import PageKey

logger = logging.getLogger(__name__)

TRACES = "s:traces"
WARMED = "s:warmed"
MOST_TRACES = 3_000  # of 0.3 to 7 kB; the server trims when it is cheap, a little later
MOST_WARMED = 8_000  # some 100 bytes each
MOST_ENTRIES = 50  # named in one trace; they are counted to the last
MOST_IN_BATCH = 1_000  # named in the traces of one batch, so that a storm is not slowed by them
MOST_LISTINGS = 100  # named in one trace
STEP = 200  # traces read at once: the server is busy with them for under a millisecond


class Dropped(msgspec.Struct, frozen=True, array_like=True):
    """An entry that was dropped, and which dependency of it was affected."""

    layer: Layer
    partition: str
    name: str  # empty: an entry of another release
    arguments: str
    dependency: Dependency | None  # none: anything could change it


class Trace(msgspec.Struct, frozen=True, array_like=True):
    """What one event did; or several that were one flush, or a person, and then without event."""

    applied_at: datetime  # by the worker's clock
    operation: str  # of the event, or what else dropped the entries
    milliseconds: float  # that applying the whole batch took
    total: int | None  # entries dropped; none: all there were
    entries: tuple[Dropped, ...] = ()  # at most 50, and pages rather than querysets
    event: int | None = None
    table: str = ""
    listings: tuple[str, ...] = ()  # the first 100 that the event changed
    transaction_id: int | None = None
    logged_at: datetime | None = None  # when it was written, by the database's clock

    @property
    def cause(self) -> str:
        """What dropped the entries, in words."""
        if self.event is None:
            return self.operation
        return (
            f"{self.operation} of {self.table} "
            f"(event {self.event}, transaction {self.transaction_id})"
        )

    @property
    def lag_milliseconds(self) -> float | None:
        """From the write to the invalidation; none: no event."""
        return None if self.logged_at is None else _milliseconds(self.logged_at, self.applied_at)


class _Warmed(msgspec.Struct, frozen=True, array_like=True):
    name: str
    arguments: str
    at: datetime


T = TypeVar("T")
_Answer = list[tuple[bytes, dict[bytes, bytes]]]  # of XREVRANGE: identifier, fields

_encoder = msgspec.msgpack.Encoder()
# Made once, at import: see `listings.cache.entries`.
_trace_decoder = msgspec.msgpack.Decoder(Trace)
_warmed_decoder = msgspec.msgpack.Decoder(_Warmed)


def of_events(rows: Sequence[Row], done: Invalidated | None, milliseconds: float) -> list[Trace]:
    """A trace for each event of a batch. `done`: what was dropped for them; none: everything."""
    now = datetime.now(UTC)
    most = min(MOST_ENTRIES, max(1, MOST_IN_BATCH // (len(rows) or 1)))
    named = _by_event(done, most) if done else {}
    return [
        Trace(
            applied_at=now,
            operation=row.operation,
            milliseconds=milliseconds,
            total=done.entries[row.id] if done else None,
            entries=tuple(named.get(row.id, ())),
            event=row.id,
            table=row.table,
            listings=tuple(done.listings.get(row.id, ())[:MOST_LISTINGS]) if done else (),
            transaction_id=row.transaction_id,
            logged_at=row.logged_at,
        )
        for row in rows
    ]


def of_order(operation: str, done: Invalidated | None, milliseconds: float) -> Trace:
    """The trace of what no event has dropped. `done`: what that was; none: everything."""
    entries = () if done is None else tuple(next(iter(_by_event(done, MOST_ENTRIES).values()), ()))
    total = None if done is None else len(done.affected)
    return Trace(datetime.now(UTC), operation, milliseconds, total, entries)


def write(cache: Store, traces: Iterable[Trace]) -> None:
    """Add these to the stream in one round trip. Never raises for a cache server that is away."""
    _add(cache, TRACES, MOST_TRACES, traces)


def write_warm(cache: Store, page: PageKey) -> None:
    """Note that a page is filled, now. Never raises for a cache server that is away."""
    _add(cache, WARMED, MOST_WARMED, [_Warmed(*page, datetime.now(UTC))])


def newest_first(cache: Store) -> Iterator[Trace]:
    """Every trace there is, read step by step as it is asked for.

    Raises:
        redis.RedisError: the cache server does not answer.
    """
    return _newest_first(cache, TRACES, _trace_decoder)


def of_listing(cache: Store, listing_key: str) -> Iterator[Trace]:
    """The traces of events that have changed this listing, the newest first.

    Raises:
        redis.RedisError: the cache server does not answer.
    """
    # Most are of other listings, and finding a key in the bytes is much faster than decoding them.
    found = _newest_first(cache, TRACES, _trace_decoder, listing_key.encode())
    return (trace for trace in found if listing_key in trace.listings)


def of_entry(cache: Store, entry: Entry) -> tuple[Trace, Dependency | None] | None:
    """What last dropped this entry, and the dependency that was affected; none: no trace says.

    Raises:
        redis.RedisError: the cache server does not answer.
    """
    wanted = (entry.layer, entry.partition, entry.name, entry.arguments)
    for trace in newest_first(cache):
        if trace.total is None:
            return trace, None
        for one in trace.entries:
            if (one.layer, one.partition, one.name, one.arguments) == wanted:
                return trace, one.dependency
    return None


class Warmth:
    """When pages were filled again, as far back as some moment.

    Raises:
        redis.RedisError: the cache server does not answer.
    """

    def __init__(self, cache: Store, since: datetime) -> None:
        self._times: dict[tuple[str, str], list[datetime]] = defaultdict(list)  # newest first
        for warmed in _newest_first(cache, WARMED, _warmed_decoder):
            if warmed.at < since:
                break
            self._times[warmed.name, warmed.arguments].append(warmed.at)

    def after(self, trace: Trace, name: str, arguments: str) -> float | None:
        """Milliseconds from a trace until this page was warm again; none: as far as is known,
        it has not been since.
        """
        times = [at for at in self._times.get((name, arguments), ()) if at >= trace.applied_at]
        return _milliseconds(trace.applied_at, times[-1]) if times else None


def _by_event(done: Invalidated, most: int) -> dict[int, list[Dropped]]:
    named: dict[int, list[Dropped]] = defaultdict(list)
    for layer, partition, descriptor, cause in sorted(done.affected, key=_dullness):
        if len(entries := named[cause.event]) < most:
            name, arguments = descriptor.name, descriptor.arguments
            entries.append(Dropped(layer, partition, name, arguments, cause.dependency))
    return named


def _dullness(affected: Affected) -> tuple[bool, bool]:
    """Pages first, they are what people ask for; and of these the listing's own."""
    return affected.layer is not Layer.PAGE, not isinstance(affected.cause.dependency, Rows)


def _add(cache: Store, stream: str, most: int, records: Iterable[msgspec.Struct]) -> None:
    pipe = cache.client.pipeline(transaction=False)
    for record in records:
        pipe.xadd(stream, {b"": _encoder.encode(record)}, maxlen=most, approximate=True)
    try:
        pipe.execute()
    except redis.RedisError as error:
        logger.debug("not added to %s: %r", stream, error)


def _newest_first(
    cache: Store, stream: str, decoder: msgspec.msgpack.Decoder[T], holding: bytes = b""
) -> Iterator[T]:
    newest = "+"
    while found := cast("_Answer", cache.client.xrevrange(stream, max=newest, count=STEP)):
        for _, fields in found:
            try:
                if holding in fields[b""]:
                    yield decoder.decode(fields[b""])
            except msgspec.MsgspecError:
                continue  # of another release
        newest = f"({found[-1][0].decode()}"


def _milliseconds(start: datetime, end: datetime) -> float:
    return (end - start) / timedelta(milliseconds=1)
