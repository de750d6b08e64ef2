"""`python -m web.run`: the whole platform on one machine, until Ctrl-C.

Servers that no variable gives are started in `var/`, then the database is made ready, then the
services run. Whatever ends is started again; nothing outlives this process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial

from django.core.exceptions import ImproperlyConfigured

from web import local_stack, preparation, services
from web.local_servers import (
    Guardian,
    LocalServerError,
    LocalServers,
    Server,
    Stage,
    StoppingError,
    ports,
)
from web.supervisor import Supervisor
from web.terminal import Terminal
from web.welcome import Welcome


class RunError(Exception):
    """The platform cannot run here; the text is one sentence for the terminal."""


def main() -> int:
    """The exit code: 0 when it was stopped, 1 when it could not start."""
    try:
        with local_stack.claim() as lock, closing(Guardian(held=[lock])) as guardian:
            _stop_on_signals(guardian)
            _run(guardian)
            print("Stopping …", flush=True)
    except StoppingError:
        pass
    except (
        ImproperlyConfigured,
        LocalServerError,
        RunError,
        local_stack.AlreadyRunningError,
    ) as error:
        print(error, file=sys.stderr)
        return 1
    except PermissionError as error:
        print(
            f"{error.filename} belongs to another user, who ran this before: run it as that user, "
            f"or give the folder back with chown -R",
            file=sys.stderr,
        )
        return 1
    return 0


def _stop_on_signals(guardian: Guardian) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
            continue  # nohup
        signal.signal(number, lambda *_: guardian.stopping.set())


def _run(guardian: Guardian) -> None:
    servers = LocalServers.in_folder(local_stack.VAR, guardian)
    planned = servers.by_variable()
    _publish(planned)
    # Only now: without a URL of their own, the settings take the one that was published. That
    # also tells which servers are wanted.
    from web import settings  # noqa: PLC0415

    own = {name: s for name, s in planned.items() if getattr(settings, name) == s.url}
    ports_wanted = [("PORT", settings.PORT), ("EXPORTER_PORT", settings.EXPORTER_PORT)]
    metrics = (*settings.METRICS_PORTS.values(), *settings.WEB_METRICS_PORTS)
    ports_wanted += [("METRICS_PORT", port) for port in metrics]
    _check_ports(settings.LISTEN_HOST, ports_wanted)
    servers.database.bin_folder = settings.POSTGRES_BIN
    each = settings.WEB_THREADS + settings.WEB_FILLERS
    servers.database.allow_connections(settings.WEB_WORKERS * each)
    with ThreadPoolExecutor() as pool:
        list(pool.map(Server.start, own.values()))
    _publish(planned)  # a port may have been taken meanwhile
    demo_user = "DATABASE_URL" in own and not settings.PRODUCTION
    # Servers that were given have to be asked whether they answer.
    if own != planned or not preparation.is_done(
        settings.DATABASE_URL, settings.STATIC_ROOT, bool(settings.DEMO_LISTINGS)
    ):
        _prepare(guardian, demo_user)
    _supervise(guardian, list(own.values()), demo_user)


def _publish(servers: Mapping[str, Server]) -> None:
    local_stack.publish({name: server.url for name, server in servers.items()})


def _check_ports(host: str, wanted: Iterable[tuple[str, int]]) -> None:
    with ExitStack() as checked:
        for name, port in wanted:
            try:
                checked.enter_context(ports.bound(port, host))
            except OSError as error:
                raise RunError(
                    f"Port {port} of {host} cannot be used ({error.strerror}): stop what listens "
                    f"there, or choose another port with {name}={port + 1}"
                ) from error


def _prepare(guardian: Guardian, demo_user: bool) -> None:
    print("Making database and static files ready …", flush=True)
    argv = [sys.executable, "manage.py", "prepare_stack"]
    process = guardian.spawn(
        [*argv, "--demo-user"] if demo_user else argv,
        Stage.CLIENT,
        cwd=local_stack.PROJECT,
    )
    while process.poll() is None:
        if guardian.stopping.wait(0.05):
            raise StoppingError
    if process.returncode:
        raise RunError("The database could not be made ready; the reason stands above")
    guardian.end(process)


def _supervise(guardian: Guardian, servers: list[Server], demo_user: bool) -> None:
    commands = services.commands()
    terminal = Terminal([*commands, *(server.name for server in servers)])
    supervisor = Supervisor(guardian, terminal)
    for server in servers:
        supervisor.keep(server.name, server.launch, server.process)
    for name, argv in commands.items():
        supervisor.keep(name, partial(_launch, guardian, argv))
    supervisor.run(Welcome(terminal, demo_user))


def _launch(guardian: Guardian, argv: list[str]) -> subprocess.Popen[bytes]:
    return guardian.spawn(
        argv,
        Stage.CLIENT,
        cwd=local_stack.PROJECT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


if __name__ == "__main__":
    sys.exit(main())
