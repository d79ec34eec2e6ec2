"""What a media store must do: keep files by the hash of their bytes, and grow them by chunks.

The words are those of a folder and fit an object store as well: `append` is a part of a multipart
upload (its offset gives the part's number), `complete` ends the upload, `head`, `read`, `stored`
and `delete` are HEAD, GET with a range, LIST and DELETE of an object; type and time of arrival are
its metadata. An object store wants parts of 5 MiB at least: `chunk_bytes` of the site file.
tests/plant/media_contract.py is the contract that each implementation must pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


class MediaStoreError(RuntimeError):
    """What was asked cannot be done; the message says why."""


class StoreFull(MediaStoreError):
    """There is no room left for this."""


class StoreUnusable(MediaStoreError):
    """The disk (or whatever is behind the store) cannot be read or written now."""


class WrongOffset(MediaStoreError):
    """The upload stands at another offset: `received`."""

    def __init__(self, received: int) -> None:
        self.received = received
        super().__init__(f"the upload stands at {received}")


class WrongContent(MediaStoreError):
    """The bytes that came together are another file than was said; they were thrown away."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is there, whole and verified; `since_ms`: when it arrived or was last claimed."""

    sha256: str
    bytes: int
    type: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Partial:
    """An upload that is not finished: `received` of `total` bytes; `since_ms`: its last chunk."""

    sha256: str
    total: int
    received: int
    since_ms: int


class MediaStore(Protocol):
    """Any thread may use it, several processes too. Hashes are 64 lower-case hexadecimal digits.

    Everything raises StoreUnusable when the disk refuses.
    """

    def head(self, sha256: str) -> Stored | None:
        """The file when all of it is there, verified."""

    def claim(self, sha256: str) -> Stored | None:
        """As `head`, for whoever would send it: `since_ms` is now, so that nobody removes it."""

    def received(self, sha256: str, total: int) -> int:
        """How many bytes of an upload of this hash and length are there."""

    def append(self, sha256: str, total: int, offset: int, chunk: bytes) -> int:
        """Add a chunk, on disk when this returns; the next offset. WrongOffset, StoreFull.

        Of a file that is there already nothing is taken: the next offset is `total` then.
        """

    def complete(self, sha256: str, total: int, type: str) -> Stored:
        """Verify an upload whose bytes are all there and make a file of it, at once or not at all.

        WrongContent when it is another file; WrongOffset when bytes are missing. A file that is
        there already stays as it is.
        """

    def read(self, sha256: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to and without `end`; LookupError when it is not there."""

    def stored(self) -> Iterator[Stored]:
        """All files, in no order."""

    def partials(self) -> Iterator[Partial]:
        """All uploads that are not finished, in no order."""

    def delete(self, sha256: str, unless_since_ms: int) -> bool:
        """Remove a file that is older than this: False when it was claimed since, or is gone."""

    def abandon(self, sha256: str, total: int, unless_since_ms: int) -> bool:
        """Throw away an upload without a chunk since then, as `delete` does with a file."""

    def free_bytes(self) -> int:
        """How much room is left."""
