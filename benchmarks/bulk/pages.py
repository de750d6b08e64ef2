"""The pages that are cached at one moment, and how many of them are at another."""

from __future__ import annotations

from listings.cache.entries import Layer, value_key
from listings.cache.store import Store

STEP = 1_000  # keys that the server looks at in one command: a millisecond


class Pages:
    """Those that are cached now."""

    def __init__(self, cache: Store) -> None:
        self._client = cache.client
        registered = [
            value_key(partition, digest)
            for partition in _partitions(cache)
            for digest in cache.registries([partition], Layer.PAGE).get(partition, {})
        ]
        self._keys = [key for key in registered if self._client.exists(key)]

    def __len__(self) -> int:
        return len(self._keys)

    def live(self) -> float:
        """The share of them that is cached."""
        pipe = self._client.pipeline(transaction=False)
        for start in range(0, len(self._keys), STEP):
            pipe.exists(*self._keys[start : start + STEP])
        return float(sum(pipe.execute())) / len(self._keys)


def _partitions(cache: Store) -> list[str]:
    suffix = f":{Layer.PAGE.value}"
    found = cache.client.scan_iter(match=f"r:{{*}}{suffix}", count=STEP)
    return [key.decode().removeprefix("r:{").removesuffix(f"}}{suffix}") for key in found]
