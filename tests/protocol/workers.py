"""A worker: claim, then step by step through its rule's plan, dying anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.protocol import server
from tests.protocol.explore import Steps
from tests.protocol.rules import Rules

if TYPE_CHECKING:
    from tests.protocol.layers import State
    from tests.protocol.server import Entry


class Worker(NamedTuple):
    events: tuple[int, ...] = ()  # claimed: no other worker sees them meanwhile
    at: int = 0  # how many steps of the plan are done
    found: tuple[str, ...] = ()  # entries seen in their registries and not yet dropped


IDLE = Worker()


def steps(state: State, number: int, rules: Rules) -> Steps[State]:
    """What this worker may do next."""
    worker = state.workers[number]
    if not worker.events:
        yield from _claims(state, number)
        return
    who = _name(state, number)
    yield f"{who} dies", _moved(state, number, IDLE)
    step = rules.apply[worker.at]
    yield f"{who}: {step}", _done(state, number, step, rules)
    if worker.at == 0 and step != "commit":
        # Whole tables, too long a backlog, or an event that nobody understands.
        from tests.protocol.layers import flushed

        after = worker._replace(at=rules.apply.index("commit"))
        yield f"{who}: flush", _moved(flushed(state, rules), number, after)


def _claims(state: State, number: int) -> Steps[State]:
    """Any one free event, or all of them: ids are not given in the order of commits."""
    held = {event for worker in state.workers for event in worker.events}
    free = tuple(event for event in state.log if event not in held)
    for batch in {free, *((event,) for event in free)} - {()}:
        events = " and ".join(map(str, batch))
        yield f"{_name(state, number)} claims {events}", _moved(state, number, Worker(batch))


def _done(state: State, number: int, step: str, rules: Rules) -> State:
    worker = state.workers[number]
    after = worker._replace(at=worker.at + 1)
    if step == "commit":
        log = tuple(event for event in state.log if event not in worker.events)
        state = state._replace(log=log)
    else:
        does, name = step.split()
        entry: Entry = getattr(state, name)
        if does == "find" and entry.registered:
            after = after._replace(found=(*after.found, name))
        if does == "drop" and name in after.found:
            state = state._replace(**{name: server.invalidate(entry, rules)})
            after = after._replace(found=tuple(one for one in after.found if one != name))
    return _moved(state, number, after if after.at < len(rules.apply) else IDLE)


def _name(state: State, number: int) -> str:
    return "worker" if len(state.workers) == 1 else f"worker {number + 1}"


def _moved(state: State, number: int, worker: Worker) -> State:
    workers = state.workers
    return state._replace(workers=(*workers[:number], worker, *workers[number + 1 :]))
