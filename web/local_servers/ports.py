"""TCP ports of the loopback interface."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from web.local_servers.errors import LocalServerError

HOST = "127.0.0.1"

# Below the ports that Linux (from 32768) and macOS (from 49152) give to outgoing connections: a
# client that keeps trying such a port while its server restarts can end up connected to itself.
FIRST, LAST = 20_000, 29_999

_random = random.SystemRandom()  # a seeded one would make parallel test runs collide


@contextmanager
def bound(port: int, host: str = HOST) -> Iterator[None]:
    """Holds the port.

    Raises:
        OSError: somebody else holds it, or this process may not.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((host, port))
        holder.listen(1)
        yield


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    try:
        with bound(port):
            return True
    except OSError:
        return False


def free_port() -> int:
    """A port that nothing uses now; somebody may still take it before you do."""
    for _ in range(200):
        port = _random.randint(FIRST, LAST)
        if is_free(port):
            return port
    raise LocalServerError(f"No free port found on {HOST} between {FIRST} and {LAST}")
