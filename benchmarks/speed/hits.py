"""Part 1: what a page costs that is in a cache, asked for again and again."""

from __future__ import annotations

from functools import partial

from benchmarks.speed import contenders
from benchmarks.speed.cached import all_contenders
from benchmarks.speed.load import hammer, has_wrk
from benchmarks.speed.meter import Meter
from benchmarks.speed.plan import Measured, Plan, measured
from benchmarks.speed.processes import House


def measure(
    house: House, meter: Meter, plan: Plan, peers: bool = True
) -> tuple[list[Measured], list[str]]:
    """Throughput and CPU of everybody, in rounds; and who did not take part.

    Raises:
        WrongAnswer: somebody does not answer from its cache, or something else.
    """
    if not has_wrk():
        return [], [f"Part 1, hits: {contenders.missing('wrk')}"]
    taking_part, skipped = all_contenders(house, peers)
    rows: list[Measured] = []
    asking = house.processors.others
    for number in range(plan.rounds):
        turn = number % len(taking_part)
        for connections in plan.connections:
            for contender in taking_part[turn:] + taking_part[:turn]:
                ask = partial(hammer, contender.target, connections, plan.seconds, asking)
                row = measured(rows, contender.name, str(connections))
                row.samples.append(meter.sample(contender.server, ask))
    return rows, skipped
