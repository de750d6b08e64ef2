"""The orders in which `tests.schedule` plays actors."""

from __future__ import annotations

from collections.abc import Iterator
from math import comb

import pytest

from tests.schedule import Actor, announce, dying_before, play_all


@pytest.fixture
def actors() -> Iterator[list[Actor]]:
    some = [Actor(name) for name in "ABC"]
    yield some
    for actor in some:
        actor.close()


class Diary:
    """What actors do that take so many steps each."""

    def __init__(self, actors: list[Actor], *steps: int) -> None:
        self.actors, self.steps = actors, steps
        self.orders: list[str] = []

    def begin(self) -> list[Actor]:
        self.orders.append("")
        pairs = zip(self.actors, self.steps, strict=False)
        return [actor.begin(lambda a=actor, n=n: self.play(a, n)) for actor, n in pairs]

    def play(self, actor: Actor, steps: int) -> None:
        for number in range(steps):
            announce(str(number))
            self.orders[-1] += actor.name


def test_every_order_is_played_once(actors):
    diary = Diary(actors, 3, 4)
    played = play_all(diary.begin, lambda _: "")
    assert played.orders == len(set(diary.orders)) == len(diary.orders) == comb(7, 3)
    assert {"".join(sorted(order)) for order in diary.orders} == {"AAABBBB"}


def test_orders_with_few_switches_are_those_in_which_nobody_is_interrupted_often(actors):
    diary = Diary(actors, 2, 2)
    play_all(diary.begin, lambda _: "", most_switches=1)
    assert set(diary.orders) == {"AABB", "BBAA", "ABBA", "BAAB"}


def test_who_is_free_comes_in_between_at_every_point(actors):
    diary = Diary(actors, 2, 2, 1)
    play_all(diary.begin, lambda _: "", most_switches=0, free=["C"])
    expected = {order[:at] + "C" + order[at:] for order in ("AABB", "BBAA") for at in range(5)}
    assert set(diary.orders) == expected
    assert len(diary.orders) == len(expected)


def test_the_first_fault_ends_the_play_and_its_steps_are_told(actors):
    diary = Diary(actors, 2, 1)
    played = play_all(diary.begin, lambda _: "B too early" if diary.orders[-1] == "AB" else "")
    assert (played.fault, played.trace) == ("B too early", ("A: 0", "B: 0"))
    assert [actor.step for actor in actors] == ["", "", ""]


def test_an_error_of_an_actor_is_the_tests(actors):
    def fail() -> None:
        announce("fail")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        play_all(lambda: [actors[0].begin(fail)], lambda _: "")


def test_whoever_dies_takes_no_further_step_of_what_it_was_doing(actors):
    done = []

    def play() -> None:
        with dying_before("second"):
            for step in ("first", "second", "third"):
                announce(step)
                done.append(step)
        announce("second")
        done.append("the second after all")

    play_all(lambda: [actors[0].begin(play)], lambda _: "")
    assert done == ["first", "the second after all"]
