"""Whatever comes between what: the real read and the real apply on the real servers.

Who applies remembers what was registered before the play began, and reads what is new in journals.
Each play has a few actors whose steps (lease, read of the database, fill, and each step of apply)
are taken in every order, or in every order with few interruptions. After each step nothing that is
stored is older than what was applied, and all of it is registered. Then the same plays find each
mistake that is put into the real code.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from math import comb
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Value
from django.db.models.functions import Concat

from invalidation_worker import apply as apply_module
from invalidation_worker import dead_letters
from invalidation_worker import invalidate as invalidate_module
from invalidation_worker.apply import apply_batch
from invalidation_worker.invalidate import Invalidated
from invalidation_worker.models import ChangeEvent
from listings import views
from listings.cache import reading
from listings.cache.entries import (
    Descriptor,
    Entry,
    Layer,
    journal_key,
    lease_key,
    registry_key,
    release,
    value_key,
)
from listings.cache.store import _SCRIPTS as SCRIPTS
from listings.cache.store import Store, store
from listings.models import ListingHistory
from tests.conftest import warm as warm_pages
from tests.scene import KEY, Scene, Stage, change, price, price_tag, raise_price, visit
from tests.schedule import Played, Pointless, announce, dying_before, once

pytestmark = [pytest.mark.usefixtures("platform"), pytest.mark.timeout(300)]

READ = 5  # steps of a cold read: lease page, lease rows, read, fill rows, fill page
APPLY = ["claim", "find queryset", "drop queryset", "find page", "drop page", "commit"]


@pytest.fixture
def stage(monkeypatch) -> Iterator[Stage]:
    stage = Stage(monkeypatch)
    yield stage
    stage.close()


# ---- what actors do ----


def change_and_apply() -> None:
    change()
    apply_batch()


def warm() -> None:
    warm_pages([Descriptor(release(), price_tag.name, KEY)])


# ---- plays ----


def fill_against_write(stage: Stage) -> Played:
    played = stage.play(Scene(), {"visitor": visit, "worker": change_and_apply})
    assert played.fault or played.orders == comb(READ + 1 + len(APPLY), READ)
    return played


def page_from_old_rows_against_write(stage: Stage) -> Played:
    """The queryset entry is there, so that its page is filled from it, also during apply."""
    scene = Scene(before=lambda: price(KEY))
    return stage.play(scene, {"visitor": visit, "worker": change_and_apply})


def fill_of_two_moments(stage: Stage) -> Played:
    """A page whose rows take several statements, between which they change."""

    def write() -> None:
        with transaction.atomic():
            raise_price()
            ListingHistory.objects.update(new_value=Concat("new_value", Value("x")))

    def work() -> None:
        write()
        apply_batch()

    scene = Scene(fill=lambda: views.property_detail.warm(KEY), write=write, of_one_moment=False)
    plays = {"visitor": lambda: views.property_detail.warm(KEY), "worker": work}
    return stage.play(scene, plays, most_switches=1)


def lists_against_move(stage: Stage) -> Played:
    """Both cities' lists, each made of two queryset entries, while a listing moves."""

    def read_lists() -> None:
        for city in ("seattle", "kent"):
            views.property_list.warm(f"city={city}")

    def move() -> None:
        raise_price(city="Kent")

    def work() -> None:
        change(move)
        apply_batch()

    scene = Scene(fill=read_lists, write=move)
    return stage.play(scene, {"visitor": read_lists, "worker": work}, most_switches=1)


def warm_against_write_and_visit(stage: Stage) -> Played:
    plays = {"visitor": visit, "warmer": warm, "worker": change_and_apply}
    return stage.play(Scene(), plays, most_switches=1)


def two_warms_around_a_write(stage: Stage) -> Played:
    """Among them: the first to begin is the last to end, with a write in between."""
    plays = {"warmer": warm, "other warmer": warm, "worker": change_and_apply}
    scene = Scene(before=lambda: price(KEY))
    return stage.play(scene, plays, most_switches=2)


def redelivery(stage: Stage) -> Played:
    """The same event once more, after it was applied, with a read beside it and one after it."""

    def work() -> None:
        change()
        (event,) = ChangeEvent.objects.all()
        apply_batch()
        announce("redeliver")
        ChangeEvent.objects.bulk_create([event])
        apply_batch()

    return stage.play(Scene(), {"visitor": visit, "worker": work}, most_switches=1)


def crash_at(step: str) -> Callable[[Stage], Played]:
    def play(stage: Stage) -> Played:
        def work() -> None:
            change()
            with dying_before(step):
                apply_batch()
            apply_batch()

        plays = {"visitor": visit, "worker": work}
        played = stage.play(Scene(), plays, most_switches=1)
        assert played.fault or not ChangeEvent.objects.exists()
        return played

    return play


def lost(step: str, lose: Callable[[], object]) -> Callable[[Stage], Played]:
    """At every point of a read and of an apply the cache server loses something."""

    def play(stage: Stage) -> Played:
        plays = {"visitor": visit, "worker": change_and_apply, "server": once(step, lose)}
        return stage.play(Scene(), plays, most_switches=1, free="server")

    return play


def lease_taken_over(stage: Stage) -> Played:
    """A lease ends before its filler does, and another reader gets the next one."""
    plays = {
        "visitor": visit,
        "other visitor": visit,
        "worker": change_and_apply,
        "server": once("lose lease", lose(lease_key, Layer.PAGE)),
    }
    scene = Scene(before=lambda: price(KEY))
    return stage.play(scene, plays, most_switches=1)


def flush_instead_of_apply(stage: Stage) -> Played:
    def work() -> None:
        change()
        raise_price()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(apply_module, "BATCH", 1)
            patch.setattr(apply_module, "FLUSH_ABOVE", 0)
            apply_batch()

    played = stage.play(Scene(), {"visitor": visit, "worker": work})
    assert played.fault or played.orders == comb(READ + 5, READ)
    return played


def event_that_nobody_understands(stage: Stage) -> Played:
    def write() -> None:
        with transaction.atomic():
            raise_price()
            # As a release that shows fewer columns would have logged it.
            with connection.cursor() as cursor:
                cursor.execute("UPDATE invalidation_worker_changeevent SET after = after - 'view'")

    def work() -> None:
        write()
        apply_batch()

    return stage.play(Scene(), {"visitor": visit, "worker": work}, most_switches=1)


def rollback_around_a_read(stage: Stage) -> Played:
    def edit() -> None:
        with transaction.atomic():
            change()
            visit()
            announce("roll back")
            transaction.set_rollback(True)

    played = stage.play(Scene(), {"visitor": visit, "editor": edit})
    assert played.fault or played.orders == comb(READ + 3, READ)
    return played


def commit_around_a_read(stage: Stage) -> Played:
    def edit() -> None:
        with transaction.atomic():
            change()
            visit()
        apply_batch()

    return stage.play(Scene(), {"visitor": visit, "editor": edit}, most_switches=1)


def two_workers(stage: Stage) -> Played:
    """Each claims one of two events of one listing, the newer one perhaps first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(apply_module, "BATCH", 1)
        plays = {"visitor": visit, "worker": change_and_apply, "other worker": change_and_apply}
        return stage.play(Scene(), plays, most_switches=1)


def lose(key: Callable[[str, str], str], layer: Layer) -> Callable[[], object]:
    def do() -> None:
        if not store("pipeline").client.delete(key(f"p{KEY}", digest_of(layer))):
            raise Pointless

    return do


def digest_of(layer: Layer) -> str:
    name = {Layer.QUERYSET: "price", Layer.PAGE: price_tag.name}[layer]
    return Entry(layer, f"p{KEY}", name, KEY).digest


def flush_all() -> None:
    if not store("pipeline").client.dbsize():
        raise Pointless
    store("pipeline").client.flushall()


def sweep() -> None:
    cache = store("pipeline")  # without the scan before it, which only looks
    if not sum(cache._in_steps(cache._sweep, {f"p{KEY}": [digest_of(Layer.PAGE)]}, Layer.PAGE)):
        raise Pointless


def lose_journal(layer: Layer) -> Callable[[], object]:
    def do() -> None:
        if not store("pipeline").client.delete(journal_key(f"p{KEY}", layer)):
            raise Pointless

    return do


def lose_beginning() -> None:
    if not store("pipeline").client.lpop(journal_key(f"p{KEY}", Layer.PAGE)):
        raise Pointless


LOSSES = {
    **{f"value of {layer.value}": lose(value_key, layer) for layer in Layer},
    **{f"lease of {layer.value}": lose(lease_key, layer) for layer in Layer},
    "everything": flush_all,
    "what is swept": sweep,
    **{f"journal of {layer.value}": lose_journal(layer) for layer in Layer},
    "the beginning of a journal": lose_beginning,
}
PLAYS: dict[str, Callable[[Stage], Played]] = {
    "fill against write": fill_against_write,
    "page from old rows against write": page_from_old_rows_against_write,
    "fill of two moments": fill_of_two_moments,
    "lists against move": lists_against_move,
    "warm against write and visit": warm_against_write_and_visit,
    "two warms around a write": two_warms_around_a_write,
    "redelivery": redelivery,
    **{f"crash before {step}": crash_at(step) for step in APPLY},
    **{f"loss of {what}": lost(f"lose {what}", loss) for what, loss in LOSSES.items()},
    "lease taken over": lease_taken_over,
    "flush instead of apply": flush_instead_of_apply,
    "event that nobody understands": event_that_nobody_understands,
    "rollback around a read": rollback_around_a_read,
    "commit around a read": commit_around_a_read,
    "two workers": two_workers,
}


@pytest.mark.parametrize("play", PLAYS.values(), ids=PLAYS)
def test_no_order_of_steps_leaves_anything_old(stage, play):
    played = play(stage)
    print(f"{played.orders} orders")
    assert (played.fault, played.trace) == ("", ())


# ---- mistakes, and the play that finds each ----

OLD_PAGE = "price_tag is stored as it was before 1 was applied"


def script(name: str, right: str, wrong: str) -> Callable[[pytest.MonkeyPatch], None]:
    """A mistake in a Lua script."""

    def make(patch: pytest.MonkeyPatch) -> None:
        cache = store("pipeline")
        source = (SCRIPTS / f"{name}.lua").read_text()
        assert source.count(right) == 1
        patch.setattr(cache, f"_{name}", cache.client.register_script(source.replace(right, wrong)))

    return make


def pages_first(patch: pytest.MonkeyPatch) -> None:
    class PagesFirst:
        PAGE = Layer.PAGE

        def __iter__(self) -> Iterator[Layer]:
            return reversed(Layer)

    patch.setattr(invalidate_module, "Layer", PagesFirst())


def both_registries_first(patch: pytest.MonkeyPatch) -> None:
    real, found = Store.registries, {}

    def registries(self: Store, partitions: Any, layer: Layer, *decoded: Any) -> dict[str, Any]:
        if layer is Layer.QUERYSET:
            found.update({one: real(self, partitions, one, *decoded) for one in Layer})
        return found[layer]

    patch.setattr(Store, "registries", registries)


def memory_that_forgets_too_soon(patch: pytest.MonkeyPatch) -> None:
    real = Store.registries

    def registries(self: Store, partitions: Any, layer: Layer, *decoded: Any) -> dict[str, Any]:
        found = {one: dict(known) for one, known in real(self, partitions, layer, *decoded).items()}
        for partition, known in found.items():
            apply_module.memory.forget(registry_key(partition, layer), known)
        return found

    patch.setattr(Store, "registries", registries)


def claim_that_commits_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(apply_module, "transaction", SimpleNamespace(atomic=contextlib.nullcontext))


def transaction_that_stores(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reading, "_in_transaction", lambda: False)


def flush_of_values_only(patch: pytest.MonkeyPatch) -> None:
    def flush(self: Store) -> None:
        for key in self.client.keys("v:*"):
            self.client.delete(key)

    patch.setattr(Store, "flush", flush)


def burial_that_drops_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(dead_letters, "bury", lambda cache, row, error: Invalidated())


MISTAKES: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str, str, list[str]]] = {
    "invalidate keeps the lease": (
        script("invalidate", "  redis.call('UNLINK', KEYS[2 * i + 2])\n", ""),
        "page from old rows against write",
        OLD_PAGE,
        ["visitor: lease page", "worker: commit", "visitor: fill page"],
    ),
    "registered at fill instead of at lease": (
        script(
            "lease", "if redis.call('HSET', KEYS[3], ARGV[1], ARGV[2]) == 1 then", "if false then"
        ),
        "fill against write",
        OLD_PAGE,
        ["visitor: lease page", "worker: find page", "worker: commit"],
    ),
    "fill asks for no token": (
        script("fill", "if redis.call('LREM', KEYS[2], 1, ARGV[3]) == 0 then", "if false then"),
        "page from old rows against write",
        OLD_PAGE,
        ["visitor: lease page", "worker: commit", "visitor: fill page"],
    ),
    "fill asks for anybody's token": (
        script("fill", "redis.call('LREM', KEYS[2], 1, ARGV[3])", "redis.call('UNLINK', KEYS[2])"),
        "two warms around a write",
        OLD_PAGE,
        ["worker: commit", "other warmer: lease page", "warmer: fill page"],
    ),
    "sweep looks only at the value": (
        script("sweep", "redis.call('LINSERT', KEYS[2 * i + 2], 'BEFORE', '', '') == 0", "true"),
        "loss of what is swept",
        OLD_PAGE,
        ["visitor: lease page", "server: lose what is swept", "worker: find page"],
    ),
    "pages before querysets": (
        pages_first,
        "page from old rows against write",
        OLD_PAGE,
        ["worker: drop page", "visitor: lease queryset", "worker: drop queryset"],
    ),
    "both registries are read first": (
        both_registries_first,
        "page from old rows against write",
        OLD_PAGE,
        ["worker: find page", "visitor: lease queryset", "worker: drop queryset"],
    ),
    "a lease is told to nobody": (
        script("lease", "redis.call('RPUSHX', KEYS[4], ARGV[1])", "0"),
        "fill against write",
        OLD_PAGE,
        ["visitor: lease page", "worker: find page", "visitor: fill page"],
    ),
    "nobody asks whether the mark is still there": (
        script("registry", "redis.call('LPOS', KEYS[2], ARGV[5], 'RANK', -1)", "0"),
        "loss of the beginning of a journal",
        OLD_PAGE,
        ["visitor: lease page", "server: lose the beginning of a journal", "worker: find page"],
    ),
    "what is found is forgotten before it is dropped": (
        memory_that_forgets_too_soon,
        "crash before drop page",
        OLD_PAGE,
        ["visitor: fill page", "worker: claim", "worker: find page", "worker: commit"],
    ),
    "events leave the log before entries leave the cache": (
        claim_that_commits_at_once,
        "crash before drop queryset",
        OLD_PAGE,
        ["visitor: fill page", "worker: claim"],
    ),
    "a transaction stores": (
        transaction_that_stores,
        "rollback around a read",
        "as nobody has committed it",
        ["editor: write", "editor: fill queryset"],
    ),
    "a flush takes values only": (
        flush_of_values_only,
        "flush instead of apply",
        "price_tag is stored as it was before 2 was applied",
        ["visitor: lease page", "worker: commit", "visitor: fill page"],
    ),
    "what nobody understands drops nothing": (
        burial_that_drops_nothing,
        "event that nobody understands",
        OLD_PAGE,
        ["visitor: fill page", "worker: claim"],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_found_by_a_play(stage, mistake):
    make, play, fault, telling = MISTAKES[mistake]
    with pytest.MonkeyPatch.context() as patch:
        make(patch)
        played = PLAYS[play](stage)
    print(played)
    assert fault in played.fault
    steps = iter(played.trace)
    for step in telling:
        assert step in steps, f"no {step!r} in time: {played.trace}"
