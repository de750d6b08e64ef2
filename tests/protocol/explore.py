"""Breadth-first search over every interleaving of a model, for the shortest way to a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S")

Steps = Iterator[tuple[str, S]]  # what somebody may do now: its description, the state after it


@dataclass(frozen=True)
class Model(Generic[S]):
    """What can happen, and what must not."""

    initial: S
    steps: Callable[[S], Iterable[tuple[str, S]]]
    fault: Callable[[S], str]  # what is wrong with a state; empty: nothing
    # One representative for all states that differ only in who is called A and who B.
    canonical: Callable[[S], S] = lambda state: state


@dataclass(frozen=True)
class Explored:
    """What an exploration has found."""

    states: int
    fault: str = ""  # empty: in no reachable state is anything wrong
    trace: tuple[str, ...] = ()  # the fewest steps that lead to the fault


def explore(model: Model[S]) -> Explored:
    """Visit every reachable state, nearest first, up to the first that has a fault."""
    start = model.canonical(model.initial)
    came_from: dict[S, S | None] = {start: None}
    frontier = [start]
    while frontier:
        reached = []
        for state in frontier:
            if fault := model.fault(state):
                trace = _replay(model, _path(came_from, state))
                return Explored(len(came_from), fault, tuple(trace))
            for _, following in model.steps(state):
                if following not in came_from:
                    known = model.canonical(following)
                    if known not in came_from:
                        came_from[known] = state
                        reached.append(known)
        frontier = reached
    return Explored(len(came_from))


def _path(came_from: dict[S, S | None], state: S | None) -> list[S]:
    path = []
    while state is not None:
        path.append(state)
        state = came_from[state]
    return path[::-1]


def _replay(model: Model[S], path: list[S]) -> Iterator[str]:
    """The steps of a path of representatives, in which everybody keeps one name throughout."""
    state = model.initial
    for wanted in path[1:]:
        step, state = next(
            (step, following)
            for step, following in model.steps(state)
            if model.canonical(following) == wanted
        )
        yield step
