"""Scripts of the cache server, run with less ado: a page that is filled asks four to six times.

A round trip takes 35 µs of CPU time. redis-py adds to it, above all in its pool, which polls each
connection that it lends and counts it for OpenTelemetry: that alone takes 55 µs.
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
from collections.abc import Sequence
from typing import Any

import hiredis
import redis
from redis.commands.core import Script
from redis.connection import DefaultParser
from redis.exceptions import InvalidResponse, NoScriptError

from listings.cache.turns import waiting

READ_BYTES = 65_536  # at once: most pages, packed
_INCOMPLETE = object()  # what is returned in place of an answer of which more is to come


class QuickScript:
    """Runs one script on lines to its client's server, with the client's retries."""

    def __init__(self, lines: Lines, script: Script) -> None:
        self._lines = lines
        self._script = script

    def __call__(self, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        """What the script returns.

        Raises:
            redis.RedisError: the server does not answer, or refuses.
        """
        words = ("EVALSHA", self._script.sha, len(keys), *keys, *args)
        # Its annotations know neither tuples of several words nor, below, buffers.
        answer = self._lines.ask(hiredis.pack_command(words))  # type: ignore[arg-type]
        if isinstance(answer, NoScriptError):  # a server that was started, or flushed of its
            return self._script(keys, args)  # scripts, since; this loads it first
        if isinstance(answer, redis.RedisError):
            raise answer
        return answer


class Lines:
    """As many lines to a client's server as threads ask at the same time; idle ones stay open."""

    def __init__(self, client: redis.Redis) -> None:
        self._pool = client.connection_pool
        self._idle: list[_Line] = []
        # Those of the parent process are its own.
        os.register_at_fork(after_in_child=self._idle.clear)

    def ask(self, packed: bytes) -> Any:
        """The answer to one command; an error that the server sends is an answer, too.

        A line that was lost, perhaps while it was idle, is opened again once, and at once.

        Raises:
            redis.RedisError: there is no answer.
        """
        try:
            line = self._idle.pop()  # as `append`, one step: no other thread gets the same
        except IndexError:
            line = _Line(self._pool)
        try:
            return line.ask(packed)
        except redis.ConnectionError:
            return line.ask(packed)
        finally:
            self._idle.append(line)


class _Line:
    """A connection as its pool would make it, which knows commands and their answers only."""

    def __init__(self, pool: redis.ConnectionPool) -> None:
        # In RESP2 the server says nothing that it was not asked.
        own = {"protocol": 2, "maint_notifications_config": None}
        self._connection = pool.connection_class(**{**pool.connection_kwargs, **own})
        self._buffer = bytearray(READ_BYTES)
        self._socket: socket.socket | None = None
        self._reader: hiredis.Reader

    def ask(self, packed: bytes) -> Any:
        """Whatever goes wrong, an answer that is still to come is nobody else's."""
        try:
            self._socket = self._socket or self._open()
            self._socket.sendall(packed)
            with waiting:
                return self._answer(self._socket)
        except (TimeoutError, BlockingIOError) as error:
            self._close()
            raise redis.TimeoutError("the cache server takes too long") from error
        except OSError as error:
            self._close()
            raise redis.ConnectionError(f"the cache server is lost: {error}") from error
        except BaseException:
            self._close()
            raise

    def _close(self) -> None:
        """The next call opens it again."""
        self._socket = None
        self._connection.disconnect()

    def _open(self) -> socket.socket:
        self._connection.connect()
        self._reader = hiredis.Reader(
            protocolError=InvalidResponse,
            replyError=DefaultParser.parse_error,
            notEnoughData=_INCOMPLETE,
        )
        line: socket.socket = self._connection._sock  # redis-py has no other way to it
        if not isinstance(line, ssl.SSLSocket):
            _let_kernel_time(line)
        return line

    def _answer(self, line: socket.socket) -> Any:
        answer = _INCOMPLETE
        while answer is _INCOMPLETE:
            received = line.recv_into(self._buffer)
            if not received:
                raise redis.ConnectionError("the cache server has closed the connection")
            self._reader.feed(self._buffer, 0, received)  # type: ignore[arg-type]
            answer = self._reader.gets()
        if isinstance(answer, redis.ConnectionError):
            raise answer  # it is about to start, or to refuse us
        return answer


def _let_kernel_time(line: socket.socket) -> None:
    """Python keeps a socket's timeout by polling before each read and write."""
    seconds = line.gettimeout() or 0
    whole = int(seconds)
    timeval = struct.pack("@ll", whole, int((seconds - whole) * 1_000_000))
    line.settimeout(None)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)
