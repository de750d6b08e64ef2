"""Whether a kept connection is alive is asked of the server only where its socket cannot tell."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator

import psycopg2
import pytest
from django.db import ProgrammingError, close_old_connections, connection

from web.database.base import TRUSTED_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[[str], object]


@pytest.fixture
def server() -> Iterator[Ask]:
    """Asks the server by way of another connection."""
    other = psycopg2.connect(**connection.get_connection_params())
    other.autocommit = True

    def ask(sql: str) -> object:
        with other.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]

    yield ask
    other.close()


@pytest.fixture
def backend() -> int:
    """Of the connection, which has served two requests: its process in the server."""
    connection.close()
    for _ in range(2):
        request("SELECT 'of the request'")
    return connection.connection.get_backend_pid()


def request(sql: str) -> object:
    """What a request gets from the database."""
    close_old_connections()
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def checked(server: Ask, backend: int) -> bool:
    """Whether the next request asks how the connection is, ahead of its queries."""
    close_old_connections()
    connection.cursor().close()
    last = server(f"SELECT query FROM pg_stat_activity WHERE pid = {backend}")
    assert last in ("SELECT 1", "SELECT 'of the request'")
    return last == "SELECT 1"


def test_a_connection_in_use_is_not_asked_how_it_is(server, backend):
    assert not checked(server, backend)


def test_a_connection_is_asked_once_it_has_been_idle(server, backend):
    connection._looked_at -= TRUSTED_SECONDS
    assert checked(server, backend)
    request("SELECT 'of the request'")
    assert not checked(server, backend)


def test_a_connection_is_asked_after_an_error(server, backend):
    with pytest.raises(ProgrammingError):
        request("SELECT 'of the request' FROM nowhere")
    close_old_connections()
    assert server(f"SELECT query FROM pg_stat_activity WHERE pid = {backend}") == "SELECT 1"


def test_a_connection_that_something_has_come_on_is_asked(server, backend):
    with connection.cursor() as cursor:
        cursor.execute("LISTEN settled")
    request("SELECT 'of the request'")
    server("SELECT pg_notify('settled', '')")
    assert select.select([connection.connection], [], [], 5)[0]
    assert checked(server, backend)


@pytest.mark.parametrize("end", ["by the server", "here"])
def test_a_request_gets_a_new_connection_for_one_that_has_ended(server, backend, end):
    if end == "here":
        connection.connection.close()
    else:
        assert server(f"SELECT pg_terminate_backend({backend}, 5000)")
    assert request("SELECT pg_backend_pid()") != backend


def test_no_request_meets_an_error_after_the_server_has_begun_anew(backend, database_server):
    database_server.stop()
    database_server.start()
    assert request("SELECT 1") == 1
