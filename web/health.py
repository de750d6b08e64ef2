"""Whether this process lives (`/healthz`) and whether all it depends on works (`/readyz`).

Four questions are asked at once and together get one second; who has not answered by then is not
ready. The reasons name no host, user or password: anybody may read these pages, and the log has
the rest.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from http import HTTPStatus

import django.db
import redis
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from invalidation_worker.change_log import oldest_age_seconds
from listings.cache.store import POLICY
from monitoring.redis_server import impatient_client

TIMEOUT_SECONDS = 1.0  # for all questions together
STALLED_SECONDS = 10.0  # a change that waits longer than this says that nobody applies changes
OK = "ok"

# Even the thread that is left behind ends soon, should the database's host have vanished.
IMPATIENT = {
    "connect_timeout": 2,  # seconds; more than TIMEOUT_SECONDS, so that silence is called silence
    "keepalives_idle": 1,
    "keepalives_interval": 1,
    "keepalives_count": 2,
    "tcp_user_timeout": 1000,  # ms
}

logger = logging.getLogger(__name__)


@require_safe
@cache_control(no_store=True)
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers; asks nobody."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@cache_control(no_store=True)
def readyz(request: HttpRequest) -> JsonResponse:
    """200 if database, cache, broker and pipeline are all "ok", else 503 with the reasons."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    answers = {name: question.ask() for name, question in QUESTIONS.items()}
    found = {name: _by(deadline, answer) for name, answer in answers.items()}
    well = all(state == OK for state in found.values())
    status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
    response = JsonResponse(found, status=status)
    # Django would log an error for each 503; what is wrong was logged where it was found.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


class Question:
    """Something to find out, in one thread at most, however often and by whomever it is asked."""

    def __init__(self, name: str, find_out: Callable[[], str]) -> None:
        self._name = name
        self._find_out = find_out
        self._lock = threading.Lock()
        self._answer: Future[str] | None = None

    def ask(self) -> Future[str]:
        """The answer to come: "ok" or a short reason. One that is under way is shared."""
        with self._lock:
            if self._answer is None or self._answer.done():
                self._answer = Future()
                # A daemon: an answer that never comes does not keep the process from ending.
                threading.Thread(
                    target=self._run, args=(self._answer,), name=f"readyz-{self._name}", daemon=True
                ).start()
            return self._answer

    def _run(self, answer: Future[str]) -> None:
        try:
            state = self._find_out()
        except (redis.RedisError, django.db.Error) as error:
            logger.warning("The %s is not ready: %s", self._name, error)
            state = f"failed ({type(error).__name__})"
        except Exception as error:
            logger.exception("Whether the %s is ready could not be found out", self._name)
            state = f"failed ({type(error).__name__})"
        answer.set_result(state)


def _by(deadline: float, answer: Future[str]) -> str:
    try:
        return answer.result(timeout=max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        return f"no answer within {TIMEOUT_SECONDS:g} s"


def _database() -> str:
    with _connection_of_its_own(), connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def _pipeline() -> str:
    with _connection_of_its_own():
        age = oldest_age_seconds()
    if age is None or age < STALLED_SECONDS:
        return OK
    return f"the oldest change has waited {age:.0f} s"


def _cache() -> str:
    with impatient_client(settings.CACHE_URL) as client:
        policy = client.info("memory").get("maxmemory_policy", "unknown")
    return OK if policy == POLICY else f"maxmemory-policy is {policy}, not {POLICY}"


def _broker() -> str:
    with impatient_client(settings.BROKER_URL) as client:
        client.ping()
    return OK


@contextmanager
def _connection_of_its_own() -> Iterator[None]:
    """Gives this thread a new, impatient connection as its default one, and closes it."""
    connections["default"] = connections["default"].copy()  # their settings are shared otherwise
    connections["default"].settings_dict["OPTIONS"].update(IMPATIENT)
    try:
        yield
    finally:
        connections["default"].close()


QUESTIONS = {
    "database": Question("database", _database),
    "cache": Question("cache", _cache),
    "broker": Question("broker", _broker),
    "pipeline": Question("pipeline", _pipeline),
}
