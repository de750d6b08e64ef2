"""Part 2: what a page costs that is not in the cache, and one whose querysets are."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import NamedTuple

import msgspec
import redis

from benchmarks.speed import contenders
from benchmarks.speed.load import Check, WrongAnswer, ask_all, expect
from benchmarks.speed.meter import Meter
from benchmarks.speed.names import COLD, PLAIN, WARM
from benchmarks.speed.paths import NewPages, some
from benchmarks.speed.plan import Measured, Plan, Profile, measured
from benchmarks.speed.processes import House, WebServer
from benchmarks.speed.sameness import assert_same
from listings.cache.entries import Layer, registry_key, value_key

CONNECTIONS = 4
COMPARED = 10  # pages of each kind that everybody must answer alike

MISS = "listings; fwd=miss; stored"


class Contender(NamedTuple):
    """Asked for pages that are new to it, and once more if it keeps querysets."""

    server: WebServer
    names: tuple[str, ...]  # in the tables, each time
    check: Check


def measure(
    house: House, meter: Meter, pages: NewPages, plan: Plan, peers: bool = True
) -> tuple[list[Measured], list[str]]:
    """CPU per miss of everybody, in rounds; and who did not take part.

    Raises:
        WrongAnswer: somebody answers wrongly, or not as a miss.
        DifferentPages: somebody shows something else.
    """
    taking_part, skipped = _contenders(house, peers)
    _compare(taking_part, pages)
    rows: list[Measured] = []
    for number in range(plan.rounds):
        turn = number % len(taking_part)
        for kind, paths in pages.items():
            new = some(paths, plan.misses)
            for contender in taking_part[turn:] + taking_part[:turn]:
                ask = partial(ask_all, contender.server.port, new, CONNECTIONS, contender.check)
                for name in contender.names:
                    if name == WARM:
                        drop_pages(house.environment["CACHE_URL"])
                    row = measured(rows, name, kind)
                    row.samples.append(meter.sample(contender.server, ask))
    return rows, skipped


def _contenders(house: House, peers: bool) -> tuple[list[Contender], list[str]]:
    everybody = [
        Contender(contenders.ordinary(house), (PLAIN,), _nothing),
        Contender(contenders.ours(house), (COLD, WARM), expect("Cache-Status", MISS)),
    ]
    skipped = []
    for peer in ("cacheops", "cachalot") if peers else ():
        if contenders.has_module(peer):
            server = contenders.ordinary(house, peer)
            everybody.append(Contender(server, (f"{peer}-cold", f"{peer}-warm"), _nothing))
        else:
            skipped.append(contenders.missing(peer))
    return everybody, skipped


def _nothing(response: http.client.HTTPResponse) -> None:
    """Peers say nothing of how they came by a page."""


def _compare(taking_part: Sequence[Contender], pages: NewPages) -> None:
    """Before anything is measured: the same words, links, pictures and data from everybody."""
    for paths in pages.values():
        for path in some(paths, COMPARED):
            texts = {}
            for contender in taking_part:
                response, body = contender.server.get(path)
                if response.status != 200:
                    raise WrongAnswer(f"{contender.names[0]}: {path}: {response.status}")
                texts[contender.names[0]] = body.decode()
            for name, text in texts.items():
                assert_same(texts[COLD], text, f"{name}: {path}")


def taken_apart(house: House, pages: NewPages, plan: Plan) -> Iterator[Profile]:
    """Where the time of our cold misses goes, for each kind of page."""
    for kind, paths in pages.items():
        given = msgspec.json.encode(some(paths, plan.profiled))
        output = house.run("benchmarks.speed.profile", [kind], contenders.OURS, given)
        yield msgspec.json.decode(output, type=Profile)


def drop_pages(cache_url: str) -> int:
    """Take the values of all pages away, as if for want of memory; querysets stay."""
    with closing(redis.Redis.from_url(cache_url, decode_responses=True)) as client:
        dropped = 0
        for registry in client.scan_iter(registry_key("*", Layer.PAGE)):
            before, after = registry_key("*", Layer.PAGE).split("*")
            partition = registry.removeprefix(before).removesuffix(after)
            keys = [value_key(partition, str(field)) for field in client.hkeys(registry)]
            if keys:
                dropped += client.unlink(*keys)
        return dropped
