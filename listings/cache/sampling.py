"""Some live entry, as whoever wants to know whether entries are true picks one.

Looking makes nothing popular, and counts in the server's hit ratio as two hits.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import redis

from listings.cache.entries import Descriptor, Layer, Stored, registry_key, release, value_key
from listings.cache.store import Store

TRIES = 16  # keys that are drawn; about half of all are values


@dataclass(frozen=True, slots=True)
class Sample:
    """An entry, how it can be filled again, and what was stored when it was drawn."""

    layer: Layer
    partition: str
    digest: str
    name: str  # of the function that loads it
    arguments: str
    stored: Stored


# Made once, at import: see `listings.cache.entries`.
_decoder = msgspec.msgpack.Decoder(Descriptor)


def sample(cache: Store) -> Sample | None:
    """An entry of this release, each of them as likely as any other; none: none was found.

    Raises:
        redis.RedisError: the cache server does not answer.
    """
    pipe = cache.client.pipeline(transaction=False)
    for _ in range(TRIES):
        pipe.randomkey()
    for key in pipe.execute():
        if key is not None and key.startswith(b"v:{") and (found := _entry(cache, key.decode())):
            return found
    return None


def stored_now(cache: Store, drawn: Sample) -> Stored | None:
    """What is stored of an entry by now; none: nothing, or nothing that can be read.

    Raises:
        redis.RedisError: the cache server does not answer.
    """
    return _stored(cache, value_key(drawn.partition, drawn.digest))


def _entry(cache: Store, key: str) -> Sample | None:
    tag, _, digest = key.rpartition(":")
    partition = tag.removeprefix("v:{").removesuffix("}")
    stored = _stored(cache, key)
    if stored is None:
        return None
    # Rows have no content type. The other layer's registry may not be there: that were a miss.
    layer = Layer.PAGE if stored.header.content_type else Layer.QUERYSET
    raw = cache.client.hget(registry_key(partition, layer), digest)
    if not isinstance(raw, bytes):
        return None
    try:
        descriptor = _decoder.decode(raw)
    except msgspec.MsgspecError:
        return None
    if descriptor.release != release():
        return None
    return Sample(layer, partition, digest, descriptor.name, descriptor.arguments, stored)


def _stored(cache: Store, key: str) -> Stored | None:
    """Asked for first with a write that changes nothing: an entry that has gone is no miss."""
    pipe = cache.client.pipeline(transaction=False)
    pipe.client_no_touch("ON")
    pipe.renamenx(key, key)
    _, there = pipe.execute(raise_on_error=False)
    if isinstance(there, redis.ResponseError) and "no such key" in str(there):
        return None
    if isinstance(there, Exception):
        raise there
    pipe.client_no_touch("ON")
    pipe.get(key)
    _, raw = pipe.execute()
    try:
        return None if raw is None else Stored.decode(raw)
    except ValueError:  # of another release
        return None
