"""What a warm page costs the cache server: one round trip, whichever page it is."""

from __future__ import annotations

import pytest
from redis.connection import AbstractConnection

from listings.addresses import page_at
from listings.cache.quick_script import Lines
from listings.site import PAGES
from tests.test_pages import CACHED, is_hit, make

pytestmark = pytest.mark.usefixtures("platform")


@pytest.fixture
def sent(monkeypatch) -> list[object]:
    """Whatever this process sends to a cache server or a broker, packet by packet."""
    packets: list[object] = []
    send, ask = AbstractConnection.send_packed_command, Lines.ask

    def noted(self: AbstractConnection, command: object, *args: object, **kwargs: object) -> None:
        packets.append(command)
        send(self, command, *args, **kwargs)

    def noted_ask(self: Lines, packed: bytes) -> object:
        packets.append(packed)
        return ask(self, packed)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", noted)
    monkeypatch.setattr(Lines, "ask", noted_ask)
    return packets


@pytest.mark.parametrize("path", [*CACHED, "/listings/?q=garden&sort=price&page=2"])
def test_a_warm_page_takes_one_round_trip(client, sent, path):
    make("A-1", unparsed_address="12 Heron Lane")
    make("gone", standard_status="Withdrawn")
    client.get(path)
    assert len(sent) > 1  # a miss asks for more than one entry, or fills the one
    trips = []
    for _ in range(5):  # a busy machine may drop a connection, which costs some of them more
        sent.clear()
        assert is_hit(client.get(path))
        trips.append(len(sent))
    assert min(trips) == 1


def test_every_page_is_among_those_that_are_looked_at():
    asked = {page_at(path)[0].name for path in CACHED}
    assert asked == set(PAGES)
