"""Apply: from rows in the change log to entries that are gone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
import redis
from django.db import connection, transaction

from invalidation_worker import apply as apply_module
from invalidation_worker import invalidate as invalidate_module
from invalidation_worker.apply import apply_batch
from invalidation_worker.decide import Change
from invalidation_worker.holders import Holders
from invalidation_worker.invalidate import invalidate
from invalidation_worker.judge import Judge, decoded
from invalidation_worker.models import ChangeEvent, DeadLetter
from listings.cache import registries
from listings.cache.counters import Outcome
from listings.cache.dependencies import Rows
from listings.cache.entries import Entry, Layer
from listings.cache.filling import Content
from listings.cache.reading import read
from listings.cache.registries import Memory
from listings.cache.store import Store, store
from listings.models import Agent, ListingHistory, Media, Office, OpenHouse, Property
from listings.search import SEARCHED
from listings.shown import COLUMN_SETS, LOG_WHOLE_TABLES
from tests.conftest import apply_all

pytestmark = pytest.mark.usefixtures("platform")

MOMENT = "2026-01-05T10:00Z"


def entry(partition: str, layer: Layer = Layer.PAGE) -> Entry:
    return Entry(layer, partition, "some", "thing")


ALL = {
    partition: [entry(partition, layer) for layer in Layer]
    for partition in ("pA-1", "pA-2", "cseattle", "ckent", "*")
}


def fill_all() -> None:
    for entries in ALL.values():
        for one in entries:
            read(one, lambda: Content(b"old"))


def live() -> set[str]:
    """The partitions in which both entries live; none may have lost only one of them."""
    alive = set()
    for partition, entries in ALL.items():
        keys = [f"v:{{{partition}}}:{one.digest}" for one in entries]
        number = store().client.exists(*keys)
        assert number in (0, 2)
        if number:
            alive.add(partition)
    return alive


def dropped_by(write) -> set[str]:
    """The partitions that are dropped for what `write` does."""
    apply_all()
    fill_all()
    write()
    apply_all()
    return set(ALL) - live()


@pytest.fixture
def homes():
    Office.objects.create(office_key="O-1", office_name="Office")
    Agent.objects.create(member_key="G-1", member_full_name="Agent")
    return [
        Property.objects.create(
            listing_key=key,
            city=city,
            list_price=Decimal(500_000),
            list_agent_id="G-1",
            list_office_id="O-1",
        )
        for key, city in (("A-1", "Seattle"), ("A-2", "Kent"))
    ]


def test_price_change_drops_the_listing_its_city_and_what_is_over_all_cities(homes):
    def write():
        homes[0].list_price = Decimal(450_000)
        homes[0].save()

    assert dropped_by(write) == {"pA-1", "cseattle", "*"}


@pytest.mark.parametrize(
    "write",
    [
        lambda: Property.objects.filter(pk="A-1").update(list_price=1),
        lambda: Property.objects.filter(pk="A-1").delete(),
        lambda: connection.cursor().execute(
            "UPDATE listings_property SET list_price = 1 WHERE listing_key = 'A-1'"
        ),
    ],
    ids=["update", "delete", "raw SQL"],
)
def test_write_by_any_path_drops_the_same(homes, write):
    assert dropped_by(write) == {"pA-1", "cseattle", "*"}


def test_new_listing_drops_its_own_missing_page_too(homes):
    homes[0].delete()

    def write():
        Property.objects.create(listing_key="A-1", city="Kent", list_price=1)

    assert dropped_by(write) == {"pA-1", "ckent", "*"}


def test_move_between_cities_drops_both(homes):
    def write():
        Property.objects.filter(pk="A-1").update(city="KENT")

    assert dropped_by(write) == {"pA-1", "cseattle", "ckent", "*"}


def test_changed_key_drops_the_old_and_the_new(homes):
    homes[1].delete()

    def write():
        connection.cursor().execute("UPDATE listings_property SET listing_key = 'A-2'")

    assert dropped_by(write) == {"pA-1", "pA-2", "cseattle", "*"}


def test_photo_drops_the_lists_of_the_city_in_which_its_listing_is(homes):
    def write():
        Media.objects.create(media_key="M-1", property=homes[1], media_url="/photo.svg")

    assert dropped_by(write) == {"pA-2", "ckent", "*"}


@pytest.mark.parametrize(
    ("write", "dropped"),
    [
        (lambda photo: photo(order=2).save(force_insert=True), {"pA-2"}),
        (lambda photo: photo(order=0).save(force_insert=True), {"pA-2", "ckent", "*"}),
        (lambda photo: photo("M-1", media_url="/other.svg").save(), {"pA-2", "ckent", "*"}),
        (lambda photo: photo("M-1", short_description="Garden").save(), {"pA-2"}),
        (lambda photo: photo("M-1").delete(), {"pA-2", "ckent", "*"}),
        (lambda photo: photo(order=0, media_category="Document").save(), set()),
    ],
    ids=["one more", "a new first", "another first", "caption", "first goes", "document"],
)
def test_only_the_first_photo_drops_lists(homes, write, dropped):
    def photo(key: str = "M-3", **columns):
        usual = {"property": homes[1], "media_url": f"/{key}.svg", "order": 1}
        return Media(media_key=key, **{**usual, **columns})

    photo("M-1").save()
    photo("M-2", order=2).save()
    assert dropped_by(lambda: write(photo)) == dropped


def test_first_photos_that_come_and_go_drop_lists_however_late_they_are_applied(homes):
    """Seen when all is over, each event but the one with the earliest place looks harmless."""
    Media.objects.create(media_key="M-5", property=homes[1], media_url="/5.svg", order=5)

    def write():
        Media.objects.create(media_key="M-1", property=homes[1], media_url="/1.svg", order=1)
        Media.objects.filter(media_key="M-5").delete()
        Media.objects.create(media_key="M-3", property=homes[1], media_url="/3.svg", order=3)
        Media.objects.filter(media_key="M-1").delete()

    assert dropped_by(write) == {"pA-2", "ckent", "*"}


def test_photo_that_changes_hands_drops_both_listings(homes):
    Media.objects.create(media_key="M-1", property=homes[1], media_url="/photo.svg")

    def write():
        Media.objects.update(property="A-1")

    assert dropped_by(write) == {"pA-1", "pA-2", "cseattle", "ckent", "*"}


@pytest.mark.parametrize(
    "write",
    [
        lambda: OpenHouse.objects.create(
            open_house_key="H-1",
            property_id="A-1",
            open_house_start_time=MOMENT,
            open_house_end_time="2026-01-05T11:00Z",
        ),
        lambda: ListingHistory.objects.create(
            history_transactional_key="X-1", property_id="A-1", change_type="Price Change"
        ),
    ],
    ids=["open house", "history"],
)
def test_what_only_the_listings_page_shows_leaves_lists_alone(homes, write):
    assert dropped_by(write) == {"pA-1"}


@pytest.mark.parametrize(
    "write",
    [
        lambda: Agent.objects.update(member_full_name="Renamed"),
        lambda: Office.objects.update(office_name="Renamed"),
    ],
    ids=["agent", "office"],
)
def test_renamed_agent_or_office_drops_every_listing_that_names_it(homes, write):
    assert dropped_by(write) == {"pA-1", "pA-2"}


def test_truncate_drops_everything(homes):
    assert dropped_by(
        lambda: connection.cursor().execute("TRUNCATE listings_property CASCADE")
    ) == set(ALL)


def test_insert_that_is_logged_for_its_whole_table_drops_everything(homes):
    def write():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL {LOG_WHOLE_TABLES} = 'on'")
            Property.objects.create(listing_key="A-3", list_price=1)

    assert dropped_by(write) == set(ALL)


def test_change_that_no_page_shows_drops_nothing(homes):
    assert dropped_by(lambda: Property.objects.update(private_remarks="call first")) == set()


def test_rolled_back_change_drops_nothing(homes):
    def write():
        with transaction.atomic():
            Property.objects.update(list_price=1)
            transaction.set_rollback(True)

    assert dropped_by(write) == set()


def test_applied_pages_are_handed_over_for_warming_and_fills_under_way_are_not(homes):
    apply_all()
    fill_all()
    store().lease(Entry(Layer.PAGE, "pA-1", "being filled"))
    Property.objects.filter(pk="A-1").update(list_price=1)
    pages = apply_batch().pages
    assert [(page.name, page.arguments) for page in pages] == [("some", "thing")] * 3


def test_events_stay_until_the_cache_answers(homes, cache_server):
    apply_all()
    fill_all()
    Property.objects.filter(pk="A-1").update(list_price=1)
    cache_server.freeze()
    with pytest.raises(redis.RedisError):
        apply_batch()
    assert ChangeEvent.objects.count() == 1
    cache_server.thaw()
    assert apply_batch().events == 1
    assert live() == {"pA-2", "ckent"}


def test_crash_at_any_step_of_apply_brings_the_events_back(homes, monkeypatch):
    class Crash(BaseException):
        """As SIGKILL: nothing that catches errors may catch it."""

    steps = [
        (apply_module, "decide"),
        (Store, "registries"),
        (Store, "invalidate"),
        (invalidate_module, "decoded"),
    ]
    for price, (owner, name) in enumerate(steps):
        apply_all()
        fill_all()
        Property.objects.filter(pk="A-1").update(list_price=price)
        original = getattr(owner, name)

        def crash(*args, original=original):
            original(*args)
            raise Crash

        with monkeypatch.context() as patch:
            patch.setattr(owner, name, crash)
            with pytest.raises(Crash):
                apply_batch()
        assert ChangeEvent.objects.count() == 1
        assert apply_batch().events == 1
        assert live() == {"pA-2", "ckent"}


@pytest.mark.parametrize(
    ("before", "reason"), [({"odd": 1}, "listing_key"), ([1], "Expected `object`")]
)
def test_event_that_nobody_understands_drops_everything_and_is_kept_to_be_read(
    homes, before, reason
):
    apply_all()
    fill_all()
    Property.objects.filter(pk="A-2").update(list_price=1)
    ChangeEvent.objects.create(
        table_name="listings_property", operation="UPDATE", before=before, transaction_id=1
    )
    Property.objects.filter(pk="A-1").update(list_price=2)
    assert apply_batch().events == 3
    assert live() == set()
    letter = DeadLetter.objects.get()
    assert letter.before == before
    assert reason in letter.reason
    assert not ChangeEvent.objects.exists()


def test_backlog_beyond_the_limit_is_applied_as_one_flush(homes, monkeypatch):
    monkeypatch.setattr(apply_module, "BATCH", 1)
    monkeypatch.setattr(apply_module, "FLUSH_ABOVE", 1)
    apply_all()
    fill_all()
    for price in range(3):
        Property.objects.filter(pk="A-1").update(list_price=price)
    assert apply_batch().events == 3
    assert live() == set()
    assert not ChangeEvent.objects.exists()


def test_two_workers_share_a_backlog_without_waiting_for_each_other(homes):
    apply_all()
    fill_all()
    Property.objects.filter(pk="A-1").update(list_price=1)
    claimed, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            ChangeEvent.objects.select_for_update().get()
            claimed.set()
            done.wait(10)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        holder = pool.submit(hold)
        claimed.wait(10)
        Property.objects.filter(pk="A-2").update(list_price=1)
        assert apply_batch().events == 1
        assert live() == {"pA-1", "cseattle"}
        done.set()
        holder.result()
    assert apply_batch().events == 1
    assert live() == set()


def test_page_filled_from_an_old_queryset_entry_during_apply_does_not_survive(homes):
    """Inside out: the page registers after the querysets were read, before the pages are."""
    rows, page = entry("cseattle", Layer.QUERYSET), entry("cseattle")
    read(rows, lambda: Content(b"old"))
    between = threading.Event()
    cache = store("pipeline")

    class Slow(Store):
        def registries(self, partitions, layer, *decoded):
            found = super().registries(partitions, layer, *decoded)
            if layer is Layer.QUERYSET:
                # The reader takes the page's lease and the old rows just before they are dropped.
                answer = read(
                    page, lambda: Content(read(rows, lambda: Content(b"new")).content.body)
                )
                assert (answer.outcome, answer.content.body) == (Outcome.STORED, b"old")
                between.set()
            return found

    moved = {**dict.fromkeys(SEARCHED), "listing_key": "A-1", "city_key": "seattle"}
    change = Change(1, "A-1", None, moved, COLUMN_SETS["lists"])
    invalidate(Slow(cache.client), Judge([change]))
    assert between.is_set()
    assert read(page, lambda: Content(b"new")).content.body == b"new"


def test_applying_an_event_twice_changes_nothing_more(homes):
    apply_all()
    fill_all()
    Property.objects.filter(pk="A-1").update(list_price=1)
    event = ChangeEvent.objects.get()
    apply_batch()
    fill_all()
    ChangeEvent.objects.bulk_create([event])
    apply_batch()
    assert live() == {"pA-2", "ckent"}


def test_each_event_leaves_one_line_in_the_log(homes, caplog):
    apply_all()
    fill_all()
    caplog.clear()
    caplog.set_level("INFO")
    Property.objects.filter(pk="A-1").update(list_price=1)
    event = ChangeEvent.objects.get()
    apply_batch()
    (line,) = [r.getMessage() for r in caplog.records if r.name == "invalidation_worker.apply"]
    assert line.startswith(
        f"applied event={event.id} table=listings_property operation=UPDATE "
        f"transaction={event.transaction_id} entries=6 milliseconds="
    )


def test_what_somebody_else_has_dropped_meanwhile_is_not_counted(homes, caplog, monkeypatch):
    """The worker still remembers it, and drops it once more."""
    monkeypatch.setattr(registries, "WORTH_A_JOURNAL", 0)
    monkeypatch.setattr(apply_module, "memory", Memory(Holders))
    apply_all()
    fill_all()
    cache = store("pipeline")
    for layer in Layer:
        known = cache.registries(["*"], layer, decoded, apply_module.memory)["*"]
        cache.lease(Entry(layer, "*", "another", "", Rows(("A-3",), "detail")))
        cache.invalidate({"*": known}, layer)
    caplog.set_level("INFO")
    Property.objects.filter(pk="A-1").update(list_price=1)
    apply_batch()
    assert "entries=4 " in caplog.text
