"""The environment, read once per variable, with a type and a loud error.

django-environ brings `NAME_FILE` (a secret in a file) and URL parsing; its own casts turn an
unknown boolean into False and raise errors without a name, so the casts are here.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

_env = environ.FileAwareEnv()
_NAME = re.compile("[a-z0-9_-]+")
_LINE = re.compile(r"(export )?[A-Za-z_0-9]+=|#|$")  # as django-environ understands it
_read: dict[str, str] = {}  # name → default as text, for the test that compares documents


def read_anew() -> None:
    """Every variable may be read again: after an error Django runs the settings a second time, and
    shall meet the same error.
    """
    _read.clear()


def load_dotenv(path: Path) -> None:
    """Take variables from a `.env` file, if there is one; the real environment wins.

    Raises:
        ImproperlyConfigured: it cannot be read, or has a line that names no variable.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        return
    except (OSError, UnicodeError) as error:
        raise ImproperlyConfigured(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(text.splitlines(), 1):
        if not _LINE.match(line.strip()):  # its text may be a secret
            raise ImproperlyConfigured(f"{path}, line {number}: give NAME=value, without spaces")
    environ.Env.read_env(io.StringIO(text))


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


def number(name: str, default: float, least: float, most: float) -> float:
    """A number from `least` to `most`."""

    def cast(raw: str) -> float:
        value = float(raw)
        if not least <= value <= most:  # so is "nan"
            raise ValueError(raw)
        return value

    return _cast(name, f"{default:g}", cast, f"a number from {least:g} to {most:g}")


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
        return raw and _checked(raw, schemes)

    # A URL may hold a password, so the error never repeats it.
    return _cast(name, "", cast, _any(schemes), secret=True) or default()


def named_urls(name: str, default: dict[str, str], schemes: tuple[str, ...]) -> dict[str, str]:
    """Comma-separated `name=URL`, as name → URL."""

    def cast(raw: str) -> dict[str, str]:
        pairs = [item.strip().partition("=")[::2] for item in raw.split(",") if item.strip()]
        found = {key: _checked(value, schemes) for key, value in pairs}
        if len(found) < len(pairs) or not all(_NAME.fullmatch(key) for key in found):
            raise ValueError(raw)
        return found

    allowed = f"name=URL,name=URL, names of a-z, 0-9, - and _, URLs of {_any(schemes)}"
    return _cast(name, "", cast, allowed, secret=True) or default


def _checked(raw: str, schemes: tuple[str, ...]) -> str:
    parts = urlsplit(raw)
    if parts.scheme not in schemes or not (parts.hostname or parts.path):
        raise ValueError(raw)
    _ = parts.port  # raises ValueError for what is no port
    return raw


def _any(schemes: tuple[str, ...]) -> str:
    return " or ".join(f"{scheme}://…" for scheme in schemes)


def _cast(
    name: str, default: str, cast: Callable[[str], T], allowed: str, secret: bool = False
) -> T:
    if name in _read:
        raise ImproperlyConfigured(f"{name} is read twice; settings.py is its only reader")
    _read[name] = default
    try:
        # Not `_env.str`, which takes a value that begins with `$` for the name of another variable.
        raw = str(_env.ENVIRON.get(name, default)).strip() or default
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error}") from error
    try:
        return cast(raw)
    except (ValueError, KeyError) as error:
        shown = "(hidden)" if secret else repr(raw)
        cause = None if secret else error  # its text is in the traceback
        raise ImproperlyConfigured(f"{name}={shown} is not allowed: give {allowed}") from cause
