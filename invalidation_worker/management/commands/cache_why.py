"""`manage.py cache_why URL`: what there is of a page in the cache, and why."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import redis
from django.core.management.base import BaseCommand, CommandError

from invalidation_worker import traces
from invalidation_worker.judge import decoded
from listings.addresses import NoEntry, page_at
from listings.cache.entries import Entry
from listings.cache.store import Found, Store, store
from listings.cache.words import in_words


class Invalidation(msgspec.Struct, frozen=True):
    """What last dropped the entry, as far as its trace still says."""

    at: datetime
    cause: str
    event: int | None  # null: no event, but a person or a flush
    listings: tuple[str, ...]  # that the event changed
    dependency: str | None  # that the event affected, in words
    lag_milliseconds: float | None  # from the write
    warm_after_milliseconds: float | None  # null: not since, or a visitor came first


class Report(msgspec.Struct, frozen=True):
    """What `--json` prints. Times are those of the cache server, in UTC."""

    url: str
    page: str
    arguments: str
    partition: str
    digest: str
    state: str  # "live", "being filled" or "not there"
    status: int | None  # of the stored answer
    now: datetime
    as_of: datetime | None  # no part of the stored answer is older than this
    expires_at: datetime | None
    depends_on: list[str] | None  # null: it is not registered
    last_invalidation: Invalidation | None


class Command(BaseCommand):
    """Asks for the entry without filling it, for a person: it counts as look-ups."""

    help = (
        "Show what the cache has of a page: since when, until when, what it depends on, and what "
        "last dropped it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", help="a path, or a full URL of this site")
        parser.add_argument("--json", action="store_true", help="print JSON for machines")

    def handle(self, *args: Any, url: str, json: bool, **options: Any) -> None:
        try:
            page, entry = page_at(url)
            report = _report(store("pipeline"), entry, page.url(entry.arguments))
        except NoEntry as error:
            raise CommandError(str(error)) from error
        except redis.RedisError as error:
            raise CommandError(f"The cache server does not answer: {error}") from error
        if json:
            text = msgspec.json.format(msgspec.json.encode(report), indent=2).decode()
            self.stdout.write(text)
            return
        for name, words in _lines(report):
            self.stdout.write(f"{name:<14}{words}")


def _report(cache: Store, entry: Entry, url: str) -> Report:
    found = cache.look(entry)
    header = found.stored.header if found.stored else None
    return Report(
        url=url,
        page=entry.name,
        arguments=entry.arguments,
        partition=entry.partition,
        digest=entry.digest,
        state="live" if header else "being filled" if found.being_filled else "not there",
        status=header.status if header else None,
        now=_moment(found.now),
        as_of=_moment(header.as_of) if header else None,
        expires_at=_moment(header.expires_at) if header else None,
        depends_on=_depends_on(found),
        last_invalidation=_last_invalidation(cache, entry),
    )


def _depends_on(found: Found) -> list[str] | None:
    if found.descriptor is None:
        return None
    dependencies = decoded(found.descriptor).dependencies
    return [in_words(one) for one in ((None,) if dependencies is None else dependencies)]


def _last_invalidation(cache: Store, entry: Entry) -> Invalidation | None:
    last = traces.of_entry(cache, entry)
    if last is None:
        return None
    trace, dependency = last
    warmth = traces.Warmth(cache, trace.applied_at)
    return Invalidation(
        at=trace.applied_at,
        cause=trace.cause,
        event=trace.event,
        listings=trace.listings,
        dependency=None if trace.event is None else in_words(dependency),
        lag_milliseconds=trace.lag_milliseconds,
        warm_after_milliseconds=warmth.after(trace, entry.name, entry.arguments),
    )


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)


def _lines(report: Report) -> Iterator[tuple[str, str]]:
    yield "URL", report.url
    yield "entry", f"{report.page} {report.arguments}".rstrip()
    yield "partition", report.partition
    yield "state", report.state
    if report.as_of and report.expires_at:
        age = (report.now - report.as_of).total_seconds()
        left = (report.expires_at - report.now).total_seconds()
        yield "as of", f"{_time(report.as_of)}, {age:,.1f} s ago (its oldest part)"
        yield "expires", f"{_time(report.expires_at)}, in {left:,.1f} s"
        yield "answers", f"status {report.status}"
    for number, words in enumerate(report.depends_on or ()):
        yield "" if number else "depends on", words
    if last := report.last_invalidation:
        yield from _invalidation_lines(last)
    else:
        yield "last dropped", "not that any trace says"


def _invalidation_lines(last: Invalidation) -> Iterator[tuple[str, str]]:
    yield "last dropped", f"{_time(last.at)}, by {last.cause}"
    if last.listings:
        yield "", f"of {', '.join(last.listings)}"
    if last.dependency is not None:
        yield "", f"which affected {last.dependency}"
    if last.lag_milliseconds is not None:
        yield "", f"{last.lag_milliseconds:,.1f} ms after the write"
    warm = last.warm_after_milliseconds
    yield "", "not warmed since" if warm is None else f"warm again {warm:,.1f} ms later"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
