"""Dead letters: what cannot be decided drops what it may concern, and is kept to be read."""

from __future__ import annotations

import io
import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from invalidation_worker import traces
from invalidation_worker.apply import apply_batch
from invalidation_worker.models import ChangeEvent, DeadLetter
from listings import views
from listings.cache.dependencies import Search
from listings.cache.entries import Entry, Layer
from listings.cache.filling import Content
from listings.cache.reading import read
from listings.cache.store import store
from listings.models import Agent, Media, Property
from tests.conftest import apply_all

PLACES = ["pA-1", "pA-2", "cseattle", "ckent", "cbend", "*"]
EVERYTHING = set(PLACES)


@pytest.fixture
def homes(platform):
    Agent.objects.create(member_key="G-1", member_full_name="Agent")
    for key, city in (("A-1", "Seattle"), ("A-2", "Kent")):
        Property.objects.create(
            listing_key=key, city=city, list_price=Decimal(500_000), list_agent_id="G-1"
        )
    apply_all()
    for layer in Layer:
        for place in PLACES:
            read(Entry(layer, place, "some", "thing"), lambda: Content(b"old"))


def dropped_places() -> set[str]:
    client = store("pipeline").client
    keys = {key.decode() for key in client.scan_iter(match="v:*")}
    return {place for place in PLACES if not any(f"{{{place}}}" in key for key in keys)}


def add_event(table: str = "listings_property", **images) -> None:
    ChangeEvent.objects.create(table_name=table, operation="UPDATE", transaction_id=1, **images)


def image(key: object = "A-1", city: object = "seattle") -> dict[str, object]:
    """Names its listing and city, and lacks every other column."""
    return {"listing_key": key, "city_key": city}


@pytest.mark.parametrize(
    ("images", "dropped"),
    [
        ({"before": image(), "after": image()}, {"pA-1", "cseattle", "*"}),
        (
            {"before": image(), "after": image(city="kent")},
            {"pA-1", "cseattle", "ckent", "*"},
        ),
        (
            {"before": image(), "after": image("A-2", "bend")},
            {"pA-1", "pA-2", "cseattle", "cbend", "*"},
        ),
        ({"before": image(city=""), "after": image(city="")}, {"pA-1", "*"}),
        ({"before": image(), "after": {"listing_key": "A-1"}}, EVERYTHING),
        ({"before": image(7), "after": image(7)}, EVERYTHING),
        ({"before": image(city=None), "after": image()}, EVERYTHING),
        ({"before": {"odd": 1}}, EVERYTHING),
        ({"before": [1]}, EVERYTHING),
    ],
)
def test_listings_event_drops_the_partitions_that_it_names_or_else_everything(
    homes, images, dropped
):
    add_event(**images)
    assert apply_batch().events == 1
    assert dropped_places() == dropped
    letter = DeadLetter.objects.get()
    assert letter.before == images["before"]
    where = None if dropped == EVERYTHING else dropped
    assert letter.partitions == (where and sorted(where))
    assert not ChangeEvent.objects.exists()


def test_event_of_an_unknown_table_drops_everything(homes):
    add_event("listings_castle", before=image(), after=image())
    apply_batch()
    assert dropped_places() == EVERYTHING
    assert DeadLetter.objects.get().reason == "Undecidable('unknown table listings_castle')"
    assert next(traces.newest_first(store("pipeline"))).total is None


@pytest.mark.parametrize(
    ("table", "before", "dropped"),
    [
        ("listings_media", {"listing_key": "A-1"}, {"pA-1", "cseattle", "*"}),
        ("listings_media", {"listing_key": "GONE"}, {"*"}),
        ("listings_media", {"listing_key": None}, EVERYTHING),
        ("listings_media", {"listing_key": ["A-1"]}, EVERYTHING),
        ("listings_agent", {"member_key": "G-1"}, {"pA-1", "pA-2", "cseattle", "ckent", "*"}),
        ("listings_agent", {"office_key": "G-1"}, EVERYTHING),
    ],
)
def test_other_tables_event_drops_where_its_listings_are(
    homes, monkeypatch, table, before, dropped
):
    monkeypatch.setattr("invalidation_worker.apply.Judge", _raise)  # what cannot be foreseen
    add_event(table, before=before, after=before)
    apply_batch()
    assert dropped_places() == dropped


def _raise(*_: object) -> None:
    raise RuntimeError("cannot judge [today]")


def test_events_beside_a_dead_letter_drop_exactly_their_own(homes):
    add_event(before=image("A-2", "kent"), after=image("A-2", "kent"))
    Media.objects.create(media_key="M-1", property_id="A-1", media_url="/a.svg")
    assert apply_batch().events == 2
    assert dropped_places() == {"pA-1", "pA-2", "cseattle", "ckent", "*"}
    assert DeadLetter.objects.get().partitions == ["*", "ckent", "pA-2"]


def test_entry_of_a_search_that_cannot_be_read_goes_without_losing_an_event(homes):
    odd = Entry(Layer.PAGE, "*", "odd", "", Search("page=none"))
    read(odd, lambda: Content(b"x", dependencies=(Search("page=none"),)))
    Property.objects.filter(pk="A-1").update(list_price=1)
    assert apply_batch().events == 1
    assert not store("pipeline").client.exists(f"v:{{*}}:{odd.digest}")
    assert not DeadLetter.objects.exists()


def test_event_that_the_database_refuses_to_look_at_is_a_dead_letter(homes):
    views.property_list.warm("q=lake")
    for key in ("A-1", "A-2"):
        Property.objects.filter(pk=key).update(list_price=1)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE invalidation_worker_changeevent"
            ' SET after = after || \'{"internet_address_display_yn": "perhaps"}\''
            " WHERE after->>'listing_key' = 'A-1'"
        )
    assert apply_batch().events == 2
    assert "DataError" in DeadLetter.objects.get().reason
    assert not ChangeEvent.objects.exists()


def test_pages_dropped_for_a_dead_letter_are_handed_over_for_warming(homes):
    add_event(before=image(), after=image())
    assert [page.name for page in apply_batch().pages] == ["some"] * 3


def test_dead_letter_leaves_a_trace_at_its_listings(homes):
    add_event(before=image(), after=image())
    apply_batch()
    trace = next(traces.of_listing(store("pipeline"), "A-1"))
    assert trace.event == DeadLetter.objects.get().event_id
    assert trace.total == 6
    assert {one.partition for one in trace.entries} == {"pA-1", "cseattle", "*"}


def dead_letters(*arguments: str) -> str:
    out = io.StringIO()
    call_command("dead_letters", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def letters(homes) -> list[DeadLetter]:
    add_event(before=image(), after=image())
    add_event("listings_castle", before=image())
    apply_batch()
    return list(DeadLetter.objects.order_by("id"))


def test_list_says_what_why_and_what_was_dropped(letters):
    listed = dead_letters("list")
    for text in (
        *(str(letter.pk) for letter in letters),
        "unknown table",
        "everything",
        "cseattle",
        "castle",
    ):
        assert text in listed


def test_list_shows_brackets_as_they_are(homes, monkeypatch):
    monkeypatch.setattr("invalidation_worker.apply.Judge", _raise)
    Property.objects.filter(pk="A-1").update(list_price=1)
    apply_batch()
    assert "[today]" in dead_letters("list")


def test_json_has_all_of_it(letters):
    unknown, known = json.loads(dead_letters("list", "--json"))
    assert known["id"] == letters[0].pk
    assert known["event"] == letters[0].event_id
    assert (known["table"], known["operation"]) == ("listings_property", "UPDATE")
    assert known["before"] == image()
    assert known["dropped_partitions"] == ["*", "cseattle", "pA-1"]
    assert unknown["dropped_partitions"] is None
    assert unknown["reason"] == letters[1].reason


def test_no_letters_is_said(platform):
    assert dead_letters("list") == "There are no dead letters.\n"
    assert dead_letters("list", "--json") == "[]\n"
    assert dead_letters("drop", "--all") == "There are no dead letters.\n"


def test_drop_names_what_it_dropped_and_leaves_the_others(letters):
    first, second = letters
    assert dead_letters("drop", str(first.pk)) == f"Dropped {first.pk}: {first}\n"
    assert list(DeadLetter.objects.all()) == [second]


def test_drop_all_leaves_none(letters):
    assert dead_letters("drop", "--all").count("Dropped ") == 2
    assert not DeadLetter.objects.exists()


@pytest.mark.parametrize("unknown", ["0", str(2**70)])
def test_unknown_letter_is_a_clear_error_and_nothing_is_dropped(letters, unknown):
    with pytest.raises(CommandError, match=f"there is no dead letter {unknown}"):
        dead_letters("drop", str(letters[0].pk), unknown)
    assert DeadLetter.objects.count() == 2


@pytest.mark.parametrize("arguments", [[], ["1", "--all"]])
def test_drop_needs_either_names_or_all(platform, arguments):
    with pytest.raises(CommandError, match="Name the letters"):
        dead_letters("drop", *arguments)


def test_admin_shows_letters_and_cannot_change_them(letters, admin_client):
    listed = admin_client.get(reverse("admin:invalidation_worker_deadletter_changelist"))
    assert "unknown table" in listed.content.decode()
    url = reverse("admin:invalidation_worker_deadletter_change", args=[letters[0].pk])
    page = admin_client.get(url).content.decode()
    assert "*, cseattle, pA-1" in page
    assert 'name="_save"' not in page
    assert admin_client.post(url, {"reason": "mine"}).status_code == 403
    add = reverse("admin:invalidation_worker_deadletter_add")
    assert admin_client.get(add).status_code == 403


def test_admin_deletes_letters(letters, admin_client):
    url = reverse("admin:invalidation_worker_deadletter_delete", args=[letters[0].pk])
    assert admin_client.post(url, {"post": "yes"}).status_code == 302
    assert list(DeadLetter.objects.all()) == letters[1:]
