"""The README names what the running processes tell, all of it and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import redis
from django.conf import settings

from invalidation_worker.models import ChangeEvent
from listings.cache.store import store
from listings.models import Property
from tests.scraping import Series, free_ports, scrape
from tests.waiting import eventually
from web.local_servers import ports

README = Path(__file__).resolve().parent.parent / "README.md"
# In the order of their ports.
TELLING = ("invalidation-worker", "warming-worker", "relay", "truth-probe")
FIRST_OF_WEB = 10  # from METRICS_PORT
OF_HISTOGRAMS = re.compile(r"_(bucket|sum|count)$")


@pytest.fixture
def limited_broker():
    """A broker with a limit of memory, which would not be told otherwise."""
    with redis.Redis.from_url(settings.BROKER_URL) as client:
        client.config_set("maxmemory", 100_000_000)
        yield
        client.config_set("maxmemory", 0)


@pytest.mark.usefixtures("limited_broker")
def test_readme_names_every_metric_that_is_told_and_no_other(services):
    text = README.read_text().split("\n## Metrics\n", 1)[1].split("\n## ")[0]
    named = set(re.findall(r"`(listings_\w+)`", text))
    found = told(services)
    assert named - found == set(), "nobody tells these"
    assert found - named == set(), "the README does not name these"


def told(services) -> set[str]:
    first, exporter = free_ports(FIRST_OF_WEB + 1), ports.free_port()
    services.variables = {"METRICS_PORT": str(first), "EXPORTER_PORT": str(exporter)}
    store().client.get("nothing")  # before the first look-up there is no ratio
    Property.objects.create(listing_key="A-1", list_price=1)
    services.start("exporter")
    waiting = eventually(lambda: scraped(exporter))  # while the change is in its log
    assert ChangeEvent.objects.exists()
    services.start(*TELLING, "web")
    found = set(waiting)
    for port in (*range(first, first + len(TELLING)), first + FIRST_OF_WEB):
        found |= eventually(lambda port=port: scraped(port)).keys()
    return {OF_HISTOGRAMS.sub("", name.partition("{")[0]) for name in found}


def scraped(port: int) -> Series:
    try:
        return scrape(port)
    except OSError:
        return {}
