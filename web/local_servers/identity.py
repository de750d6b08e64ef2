"""As whom PostgreSQL runs: it refuses to be root, or somebody without a name."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from web.local_servers.errors import LocalServerError


@dataclass(frozen=True)
class Identity:
    """A way to run a program: what to write before its argv, and whose its files are."""

    prefix: tuple[str, ...] = ()
    uid: int = -1  # as in os.chown: -1 leaves the owner as it is
    gid: int = -1

    def own(self, folder: Path) -> None:
        """Gives the folder and everything in it to this identity, unless it is so already."""
        if self.uid in (-1, folder.stat().st_uid):
            return
        # The folder last: until then an interrupted walk is repeated.
        for path in (*folder.rglob("*"), folder):
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def choose(program: Path, folder: Path) -> Identity:
    """An identity that PostgreSQL accepts, and that can run the program in the folder.

    This process's own, unless that is root or a user whom the machine does not know.

    Raises:
        LocalServerError: there is none.
    """
    me = os.geteuid()
    if me != 0 and _has_name(me):
        return Identity()
    for identity in _candidates():
        if _works(identity, program, folder):
            return identity
    raise LocalServerError(
        f"PostgreSQL does not run as {'root' if me == 0 else f'user {me}, who has no name'}, and "
        f"no other way to use {program} in {folder} is allowed here: run as another user, or set "
        f"DATABASE_URL"
    )


def _candidates() -> Iterator[Identity]:
    """From the least power to the most."""
    user = pwd.getpwnam("nobody")
    uid, gid = user.pw_uid, user.pw_gid
    become = ("setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups")
    if os.geteuid() == 0:
        yield Identity(become, uid, gid)
    # `nobody` cannot pass through folders like /root. In a user namespace one keeps one's own
    # files under another name.
    namespace = ("unshare", "--user", f"--map-user={uid}", f"--map-group={gid}")
    yield Identity(namespace, os.geteuid(), os.getegid())
    if os.geteuid() != 0:
        return
    # Containers often forbid namespaces, but leave root the power to enter any folder.
    power = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
    yield Identity((*become, *power), uid, gid)


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _works(identity: Identity, program: Path, folder: Path) -> bool:
    script = 'cd -- "$1" && exec "$2" --version'
    argv = [*identity.prefix, "sh", "-c", script, "sh", str(folder), str(program)]
    try:
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:  # neither program is there outside Linux
        return False
