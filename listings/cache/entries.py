"""Entries, the keys under which they live, and the form in which their values are stored."""

from __future__ import annotations

import enum
import functools
from hashlib import blake2b
from pathlib import Path

import msgspec

from listings.cache.dependencies import Dependency


class Layer(enum.Enum):
    """The two layers of the cache. A page fill reads querysets; a queryset fill, the database.

    Apply empties them inside out, in the order in which they stand here.
    """

    QUERYSET = "queryset"
    PAGE = "page"

    @property
    def ttl_seconds(self) -> int:
        """How long an entry lives at the most: the last net, when everything else has failed."""
        return 900 if self is Layer.PAGE else 3600


class Descriptor(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How to fill an entry again, and what can change it: in its partition's registry."""

    release: str
    name: str  # of the function that loads it
    arguments: str  # in the canonical form of that function
    dependencies: tuple[Dependency, ...] | None = None  # none: anything can change it


class Entry(msgspec.Struct, frozen=True, dict=True):
    """One cacheable thing: what loads it, and the partition in which events look for it."""

    layer: Layer
    partition: str
    name: str
    arguments: str = ""
    # What can change it, as far as that is known before it is loaded; none: anything.
    scope: Dependency | None = None

    @functools.cached_property
    def digest(self) -> str:
        """32 hexadecimal digits. The release is in it, so that a deploy starts clean."""
        parts = (release(), self.layer.value, self.partition, self.name, self.arguments)
        return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()

    def descriptor(self, dependencies: tuple[Dependency, ...] | None = None) -> bytes:
        """The registry's field: with these dependencies, or else with the entry's scope."""
        if dependencies is None and self.scope is not None:
            dependencies = (self.scope,)
        return _encoder.encode(Descriptor(release(), self.name, self.arguments, dependencies))


VALUES = "v:"  # begins the key of each value, and of nothing else


def value_key(partition: str, digest: str) -> str:
    return f"{VALUES}{{{partition}}}:{digest}"


def lease_key(partition: str, digest: str) -> str:
    return f"l:{{{partition}}}:{digest}"


def registry_key(partition: str, layer: Layer) -> str:
    return f"r:{{{partition}}}:{layer.value}"


def journal_key(partition: str, layer: Layer) -> str:
    return f"j:{{{partition}}}:{layer.value}"


class Header(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a stored value. Times are microseconds of the cache server's clock."""

    as_of: int  # the value is no older than this
    expires_at: int
    boundary: int = 0  # when the content itself goes out of date; 0: never
    status: int = 200
    content_type: str = ""
    etag: str = ""
    dependencies: tuple[Dependency, ...] | None = None  # of a queryset entry, for its pages
    queries: int = 0  # that filling it would have asked of the database without a cache


_encoder = msgspec.msgpack.Encoder()
# Made once, at import: two threads that make the first decoder of a type at the same time can
# crash the process (msgspec 0.22 shares a description of the type that is only half made).
_header_decoder = msgspec.msgpack.Decoder(Header)


class Stored(msgspec.Struct, frozen=True):
    """A value as it lies in the cache."""

    header: Header
    body: bytes

    def encode(self) -> bytes:
        """`as_of` stands first, in 16 digits, where the lease script compares it.

        Then comes the length of the header, in 8: the searches that it names may be long.
        """
        header = _encoder.encode(self.header)
        return b"%016d%08d%b%b" % (self.header.as_of, len(header), header, self.body)

    @classmethod
    def decode(cls, raw: bytes) -> Stored:
        """
        Raises:
            ValueError: these bytes are not a stored value.
        """
        end = 24 + int(raw[16:24])
        try:
            return cls(_header_decoder.decode(raw[24:end]), raw[end:])
        except msgspec.MsgspecError as error:
            raise ValueError(f"no stored value: {raw[:40]!r}") from error


@functools.cache
def release() -> str:
    """A hash over the sources, templates and static files that decide what a page looks like."""
    root = Path(__file__).resolve().parent.parent
    kinds = {".py", ".html", ".lua", ".css", ".js", ".svg", ".xml"}
    digest = blake2b(digest_size=8)
    for path in sorted(path for path in root.rglob("*") if path.suffix in kinds):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
