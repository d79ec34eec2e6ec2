"""Files in a folder: `ab/cd/abcd...ef.jpg`, uploads in `incoming/`.

The folder is all there is: it can be copied, restored, and served by any web server. A file appears
by a rename after its bytes are verified and on disk, so that one with a name is whole. Who works on
a file holds its lock (flock), in whatever process; a time is that of the file's last change.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plant.media.store import (
    MediaStoreError,
    Partial,
    Stored,
    StoreFull,
    StoreUnusable,
    WrongContent,
    WrongOffset,
)
from wire.clock import Clock
from wire.disk import made_durably, sync_folder
from wire.media.protocol import HASH, READ_BYTES, TYPES, known_type

INCOMING = "incoming"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
TYPE_OF = {ending: type for type, ending in TYPES.items()}


class DirectoryMedia:
    """The media store of a folder, which is made when it is not there. OSError when it cannot be.

    `free_min` bytes of the disk stay free.
    """

    def __init__(self, folder: Path, clock: Clock, *, free_min: int = 0) -> None:
        self.folder, self.free_min = folder, free_min
        self._clock = clock
        self._incoming = folder / INCOMING
        made_durably(self._incoming)

    def head(self, sha256: str) -> Stored | None:
        """The file when it is there."""
        with _told():
            path = self._find(sha256)
            try:
                return None if path is None else _stored(path, path.stat())
            except FileNotFoundError:
                return None

    def claim(self, sha256: str) -> Stored | None:
        """As `head`, and its time is now."""
        with _told():
            while (path := self._find(sha256)) is not None:
                with _locked(path, os.O_RDONLY) as file:
                    if file is not None:
                        self._touch(file)
                        return _stored(path, os.fstat(file))
            return None

    def received(self, sha256: str, total: int) -> int:
        """How many bytes of an upload are there."""
        with _told():
            try:
                return self._partial(sha256, total).stat().st_size
            except FileNotFoundError:
                return 0

    def append(self, sha256: str, total: int, offset: int, chunk: bytes) -> int:
        """Add a chunk to an upload, fsynced; what it cannot take whole it does not take at all."""
        with _told():
            with self._upload(sha256, total) as file:
                if self._find(sha256) is not None:
                    self._partial(sha256, total).unlink()
                    return total
                size = os.fstat(file).st_size
                if size != offset or offset + len(chunk) > total:
                    raise WrongOffset(size)
                if self.free_bytes() < len(chunk):
                    raise StoreFull(f"less than {self.free_min} bytes would stay free")
                try:
                    _write(file, chunk, offset)
                    os.fsync(file)
                except OSError:
                    with contextlib.suppress(OSError):
                        os.ftruncate(file, offset)
                    raise
                self._touch(file)
            return offset + len(chunk)

    def complete(self, sha256: str, total: int, type: str) -> Stored:
        """Make a file of an upload by a rename, once its bytes are verified."""
        with _told():
            with self._upload(sha256, total) as file:
                there = self.claim(sha256)
                path = self._partial(sha256, total)
                if there is None:
                    size = os.fstat(file).st_size
                    if size != total:
                        raise WrongOffset(size)
                    if _hash(file) != sha256:
                        path.unlink()
                        raise WrongContent(f"the {total} bytes have another hash than {sha256}")
                    os.fsync(file)
                    self._place(path, self._path(sha256, TYPES[known_type(type)]))
                    there = self.head(sha256)
                else:
                    path.unlink()
            if there is None:
                raise StoreUnusable(f"{sha256} was removed by another program")
            return there

    def read(self, sha256: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes of a file, a part at a time."""
        left = end - start if end is not None else 1 << 62
        with _told():
            path = self._find(sha256)
            if path is None:
                raise LookupError(f"there is no {sha256}")
            with path.open("rb") as whole:
                whole.seek(start)
                while left > 0 and (part := whole.read(min(READ_BYTES, left))):
                    left -= len(part)
                    yield part

    def stored(self) -> Iterator[Stored]:
        """All files."""
        for path in self.folder.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*"):
            if HASH.match(path.stem) and path.suffix in TYPE_OF:
                with contextlib.suppress(FileNotFoundError):
                    yield _stored(path, path.stat())

    def partials(self) -> Iterator[Partial]:
        """All uploads that are not finished."""
        for path in self._incoming.iterdir():
            sha256, _, total = path.name.partition("-")
            if HASH.match(sha256) and total.isdecimal():
                with contextlib.suppress(FileNotFoundError):
                    about = path.stat()
                    yield Partial(sha256, int(total), about.st_size, _ms(about))

    def delete(self, sha256: str, unless_since_ms: int) -> bool:
        """Remove a file that nobody has claimed since."""
        with _told():
            path = self._find(sha256)
            return path is not None and _remove(path, unless_since_ms)

    def abandon(self, sha256: str, total: int, unless_since_ms: int) -> bool:
        """Remove an upload to which nobody has added since."""
        with _told():
            return _remove(self._partial(sha256, total), unless_since_ms)

    def free_bytes(self) -> int:
        """What the disk has beyond what is to stay free."""
        return max(shutil.disk_usage(self.folder).free - self.free_min, 0)

    def _find(self, sha256: str) -> Path | None:
        for ending in TYPE_OF:
            path = self._path(sha256, ending)
            if path.exists():
                return path
        return None

    def _path(self, sha256: str, ending: str) -> Path:
        _checked(sha256)
        return self.folder / sha256[:2] / sha256[2:4] / f"{sha256}{ending}"

    def _partial(self, sha256: str, total: int) -> Path:
        return self._incoming / f"{_checked(sha256)}-{total}"

    @contextmanager
    def _upload(self, sha256: str, total: int) -> Iterator[int]:
        """The file of an upload, made when it is not there, held by nobody else."""
        path = self._partial(sha256, total)
        while True:
            is_new = not path.exists()
            with _locked(path, os.O_RDWR | os.O_CREAT) as file:
                if file is None:
                    continue
                if is_new:
                    sync_folder(self._incoming)
                yield file
                return

    def _touch(self, file: int) -> None:
        now = self._clock.now_ms() * 1_000_000
        os.utime(file, ns=(now, now))

    def _place(self, path: Path, target: Path) -> None:
        """Rename a file into a folder that may have to be made; on disk on return."""
        for folder in (target.parent.parent, target.parent):
            folder.mkdir(exist_ok=True)
            sync_folder(folder.parent)  # Whoever has just made it may not have come so far.
        path.rename(target)
        sync_folder(target.parent)
        sync_folder(self._incoming)


@contextmanager
def _told() -> Iterator[None]:
    """What the disk says, in the words of the store."""
    try:
        yield
    except MediaStoreError:
        raise
    except OSError as error:
        kind = StoreFull if error.errno in NO_ROOM else StoreUnusable
        raise kind(str(error)) from error


@contextmanager
def _locked(path: Path, flags: int) -> Iterator[int | None]:
    """An open file that nobody else holds; None when the path means another file by then."""
    try:
        file = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    except FileNotFoundError:
        yield None
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file if _is_at(file, path) else None
    finally:
        os.close(file)


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _remove(path: Path, unless_since_ms: int) -> bool:
    with _locked(path, os.O_RDONLY) as file:
        if file is None or _ms(os.fstat(file)) >= unless_since_ms:
            return False
        path.unlink()
    sync_folder(path.parent)
    return True


def _write(file: int, chunk: bytes, offset: int) -> None:
    view = memoryview(chunk)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written


def _hash(file: int) -> str:
    with open(file, "rb", closefd=False) as whole:
        whole.seek(0)
        return hashlib.file_digest(whole, "sha256").hexdigest()


def _checked(sha256: str) -> str:
    if not HASH.match(sha256):
        raise ValueError(f"{sha256!r} is no SHA-256")
    return sha256


def _stored(path: Path, about: os.stat_result) -> Stored:
    return Stored(path.stem, about.st_size, TYPE_OF[path.suffix], _ms(about))


def _ms(about: os.stat_result) -> int:
    return about.st_mtime_ns // 1_000_000
