"""django-cacheops, with all operations of all models cached, as its README sets it up."""

from __future__ import annotations

from typing import Any

import cacheops.query
from cacheops.redis import redis_client
from django.db.models import QuerySet

from benchmarks.contestants import Entry, Queries
from benchmarks.contestants.querysets import QuerysetCache
from benchmarks.querysets import Part
from benchmarks.writes import Write
from benchmarks.writing import carry_out, plain_update

DELETED = "__keyevent@0__:del"  # the server's own report of keys that are deleted
MARK = "benchmark:mark"  # after it, everything before has been reported


def create(name: str, queries: Queries) -> Cacheops:
    return Cacheops(queries, invalidated=name == "cacheops")


class Cacheops(QuerysetCache):
    """`invalidated`: what is written in bulk goes through `invalidated_update()`."""

    def __init__(self, queries: Queries, invalidated: bool) -> None:
        super().__init__(queries)
        self._update = _invalidated_update if invalidated else plain_update
        self._parts: dict[str, Part] = {}  # key → what is kept under it
        self._written: list[str] = []
        self._note_keys()
        redis_client.config_set("notify-keyspace-events", "Eg")
        self._reports = redis_client.pubsub(ignore_subscribe_messages=True)
        self._reports.subscribe(DELETED, MARK)

    def write(self, write: Write) -> None:
        carry_out(write, self._update)

    def dropped(self) -> list[Entry]:
        redis_client.publish(MARK, "")
        gone: list[Entry] = []
        while True:
            report = self._reports.get_message(timeout=1.0)
            if report is None:
                continue
            if report["channel"].decode() == MARK:
                return gone
            part = self._parts.pop(report["data"].decode(), None)
            if part is not None:
                gone.append(self._drop(part))

    def snapshot(self) -> tuple[dict[Part, Any], dict[str, Part]]:
        return self._kept.copy(), self._parts.copy()

    def restore(self, snapshot: tuple[dict[Part, Any], dict[str, Part]]) -> None:
        self._kept, self._parts = snapshot[0].copy(), snapshot[1].copy()

    def _filled(self, part: Part, value: Any) -> None:
        if self._written:
            super()._filled(part, value)
            self._parts[self._written.pop()] = part

    def _note_keys(self) -> None:
        original = cacheops.query.cache_thing

        def cache_thing(prefix: str, key: str, *arguments: Any, **options: Any) -> None:
            self._written = [key]
            original(prefix, key, *arguments, **options)

        cacheops.query.cache_thing = cache_thing


def _invalidated_update(rows: QuerySet[Any], values: dict[str, object]) -> None:
    rows.invalidated_update(**values)  # type: ignore[attr-defined]
