"""The environment, read once per variable, with a type and a loud error.

django-environ brings `NAME_FILE` (a secret in a file) and URL parsing; its own casts turn an
unknown boolean into False and raise errors without a name, so the casts are here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

_env = environ.FileAwareEnv()
_read: dict[str, str] = {}  # name → default as text, for the test that compares documents


def load_dotenv(path: Path) -> None:
    """Take variables from a `.env` file, if there is one; the real environment wins."""
    if path.is_file():
        environ.Env.read_env(path)


def variables() -> dict[str, str]:
    """Every variable that was read so far, with its default as text."""
    return dict(_read)


def text(name: str, default: str = "") -> str:
    """The variable as it stands."""
    return _cast(name, default, str, "any text")


def boolean(name: str, default: bool) -> bool:
    """`true` or `false`, `1` or `0`, `yes` or `no`, `on` or `off`."""
    words = {"true": True, "1": True, "yes": True, "on": True}
    words |= {"false": False, "0": False, "no": False, "off": False}
    return _cast(name, str(default).lower(), lambda raw: words[raw.lower()], ", ".join(words))


def integer(name: str, default: int, least: int = 0, most: int = 2**31 - 1) -> int:
    """A whole number from `least` to `most`."""

    def cast(raw: str) -> int:
        number = int(raw)
        if not least <= number <= most:
            raise ValueError(raw)
        return number

    return _cast(name, str(default), cast, f"a whole number from {least} to {most}")


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list; empty items are dropped."""
    return _cast(
        name, default, lambda raw: [w.strip() for w in raw.split(",") if w.strip()], "a,b,c"
    )


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of the `allowed` words."""
    return _cast(name, default, lambda raw: allowed[allowed.index(raw)], ", ".join(allowed))


def url(name: str, default: Callable[[], str], schemes: tuple[str, ...]) -> str:
    """A URL of one of these schemes. `default` is asked only when the variable is absent."""

    def cast(raw: str) -> str:
        parts = urlsplit(raw)
        if parts.scheme not in schemes or not (parts.hostname or parts.path):
            raise ValueError(raw)
        _ = parts.port  # raises ValueError for what is no port
        return raw

    allowed = " or ".join(f"{scheme}://…" for scheme in schemes)
    # A URL may hold a password, so the error never repeats it.
    return _cast(name, "", lambda raw: raw and cast(raw), allowed, secret=True) or default()


def _cast(
    name: str, default: str, cast: Callable[[str], T], allowed: str, secret: bool = False
) -> T:
    if name in _read:
        raise ImproperlyConfigured(f"{name} is read twice; settings.py is its only reader")
    _read[name] = default
    try:
        raw = str(_env.str(name, default=default)).strip() or default
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error}") from error
    try:
        return cast(raw)
    except (ValueError, KeyError) as error:
        shown = "(hidden)" if secret else repr(raw)
        cause = None if secret else error  # its text is in the traceback
        raise ImproperlyConfigured(f"{name}={shown} is not allowed: give {allowed}") from cause
