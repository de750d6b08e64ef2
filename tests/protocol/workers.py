"""A worker, as `invalidation_worker/apply.py` is one: it may die after each step."""

from __future__ import annotations

from tests.protocol import server
from tests.protocol.explore import Steps
from tests.protocol.rules import Rules
from tests.protocol.state import State, Worker


def steps(state: State, number: int, rules: Rules) -> Steps[State]:
    """What this worker may do next."""
    worker = state.workers[number]
    if not worker.events:
        yield from _claims(state, number)
        return
    who, step = _name(state, number), rules.apply[worker.at]
    yield f"{who} dies", state.with_worker(number, Worker())
    yield f"{who}: {step}", _done(state, number, step, rules)
    if worker.at == 0 and step != "commit":
        # For a whole table, a long backlog, or an event that nobody understands.
        after = worker._replace(at=rules.apply.index("commit"))
        yield f"{who}: flush", state.flushed(rules).with_worker(number, after)


def _claims(state: State, number: int) -> Steps[State]:
    """Any one free event, or all of them: ids are not given in the order of commits."""
    held = {event for worker in state.workers for event in worker.events}
    free = tuple(event for event in state.log if event not in held)
    for batch in sorted({free, *((event,) for event in free)} - {()}):
        events = " and ".join(map(str, batch))
        claimed = state.with_worker(number, Worker(batch))
        yield f"{_name(state, number)} claims {events}", claimed


def _done(state: State, number: int, step: str, rules: Rules) -> State:
    worker = state.workers[number]
    after = worker._replace(at=worker.at + 1)
    if step == "commit":
        log = tuple(event for event in state.log if event not in worker.events)
        state = state._replace(log=log)
    else:
        does, name = step.split()
        entry = dict(state.entries())[name]
        if does == "find" and entry.registered:
            after = after._replace(found=(*after.found, name))
        if does == "drop" and name in after.found:
            state = state.with_entry(name, server.invalidate(entry, rules))
            after = after._replace(found=tuple(one for one in after.found if one != name))
    return state.with_worker(number, after if after.at < len(rules.apply) else Worker())


def _name(state: State, number: int) -> str:
    return "worker" if len(state.workers) == 1 else f"worker {number + 1}"
