"""The long-running processes of the platform: `python -m web.services NAME` becomes one of them."""

from __future__ import annotations

import os
import sys

CELERY = ("celery", "--quiet", "-A", "invalidation_worker.app", "worker", "--pool", "solo")
# Two workers with a queue each have nothing to tell each other.
ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def commands() -> dict[str, list[str]]:
    """The argv of each process, by name. Imports the settings."""
    from web import settings  # noqa: PLC0415 - they need the servers' addresses

    return {
        "web": _module(
            *("granian", "--interface", "wsgi", "--http", "1", "--no-ws"),
            *("--host", settings.LISTEN_HOST, "--port", str(settings.PORT)),
            *("--workers", str(settings.WEB_WORKERS)),
            *("--blocking-threads", str(settings.WEB_THREADS)),
            *("--respawn-failed-workers", "--workers-kill-timeout", "3"),
            "web.wsgi:application",
        ),
        "invalidation-worker": _worker("invalidation", settings.LOG_LEVEL),
        "warming-worker": _worker("warming", settings.LOG_LEVEL),
        "relay": [sys.executable, "manage.py", "relay"],
        "exporter": [sys.executable, "manage.py", "exporter"],
        "truth-probe": [sys.executable, "manage.py", "truth_probe"],
    }


def _worker(queue: str, log_level: str) -> list[str]:
    name = ("-Q", queue, "-n", f"{queue}@%h")
    return _module(*CELERY, *ALONE, *name, "--loglevel", log_level)


def _module(*argv: str) -> list[str]:
    # Not the scripts in bin/: they fail once the folder of the environment has moved.
    return [sys.executable, "-m", *argv]


def main() -> None:
    known = commands()
    if len(sys.argv) != 2 or sys.argv[1] not in known:
        sys.exit(f"usage: python -m web.services {'|'.join(known)}")
    argv = known[sys.argv[1]]
    os.execv(argv[0], argv)  # noqa: S606 - signals must reach the process itself


if __name__ == "__main__":
    main()
