"""What caching saves: the same 1,000 requests without and with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import msgspec
import redis

from benchmarks.speed import contenders
from benchmarks.speed.plan import Thousand
from benchmarks.speed.processes import House

WITHOUT = "ordinary Django, no cache"
WITH = ("this platform, its cache empty", "the same once more", "and once more")


def measure(house: House, paths: list[str]) -> Iterator[Thousand]:
    """Queries and time of these requests: the ordinary site, and ours from an empty cache on."""
    given = msgspec.json.encode(paths)
    plain = house.run("benchmarks.speed.thousand", ["1"], contenders.PLAIN, given)
    for one in msgspec.json.decode(plain, type=list[Thousand]):
        one.contender = WITHOUT
        yield one
    with closing(redis.Redis.from_url(house.environment["CACHE_URL"])) as client:
        client.flushdb()
    ours = house.run("benchmarks.speed.thousand", [str(len(WITH))], contenders.OURS, given)
    for name, one in zip(WITH, msgspec.json.decode(ours, type=list[Thousand]), strict=True):
        one.contender = name
        yield one
