"""How many entries are registered and how large the registries are, as of the last sweep.

Whoever sweeps has all of it in hand every half minute; adding it up when somebody asks would
read thousands of registries.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from listings.cache.entries import Layer
from listings.cache.store import Store

KEY = "s:registries"

_SCRIPT = (Path(__file__).parent / "scripts" / "totals.lua").read_text()


class Total(NamedTuple):
    """The registries of one layer, in all partitions together."""

    entries: int  # live, or being filled
    bytes: int  # of digests and descriptors; the server needs some more to keep them


NOTHING = Total(0, 0)


def publish(cache: Store, totals: Mapping[Layer, Total]) -> None:
    """
    Raises:
        redis.RedisError: the cache server does not answer, or has no room.
    """
    fields = {_field(layer, name): n for layer in Layer for name, n in _named(totals, layer)}
    cache.client.hset(KEY, mapping=fields)  # type: ignore[arg-type]


def read(cache: Store) -> dict[Layer, Total]:
    """Those of the last sweep; of a cache that was flushed since, zeros.

    Raises:
        redis.RedisError: the cache server does not answer.
    """
    fields = [_field(layer, name) for layer in Layer for name in Total._fields]
    numbers = iter(cache.client.register_script(_SCRIPT)(keys=[KEY], args=fields))
    return {layer: Total(next(numbers), next(numbers)) for layer in Layer}


def _field(layer: Layer, name: str) -> str:
    return f"{layer.value}:{name}"


def _named(totals: Mapping[Layer, Total], layer: Layer) -> list[tuple[str, int]]:
    return list(totals.get(layer, NOTHING)._asdict().items())
