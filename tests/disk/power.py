"""A disk that loses its power: what of the operations so far is there when it comes back.

Only what was synced is sure. The bytes of a file are after its `fsync`; its name is after the
`fsync` of its folder, whatever was done to the file. Of everything else any part may be there, in
any order: each sector of each write by itself. That is more than most file systems do to a program,
and all that POSIX promises. A rename is one operation, there or not.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.disk.recording import MARKS, Kind, Operation

SECTOR = 512
IGNORED = "-shm"  # SQLite makes it anew when nobody has the file open


class Unrecorded(AssertionError):
    """The program did something to a file that the recorder cannot follow."""


@dataclass(slots=True)
class File:
    """`durable` is on disk for sure; `pending` are writes (offset, bytes) and sizes since."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        """All of it is on disk."""
        for offset, data in self.pending:
            _put(self.durable, offset, data)
        self.pending.clear()

    def after_cut(self, random: Random) -> bytes:
        """What may be there: each sector of what is pending by itself, with one chance for all."""
        content, chance = bytearray(self.durable), random.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        for offset, data in self.pending:
            if data is None:
                if random.random() < chance:
                    _put(content, offset, None)
                continue
            for start, end in _sectors(offset, len(data)):
                if random.random() < chance:
                    _put(content, start, data[start - offset : end - offset])
        return bytes(content)


@dataclass(frozen=True, slots=True)
class Naming:
    """A change of names that is not yet sure: `removed` goes, `added` (if any) is `what`."""

    removed: str
    added: str
    what: File | None  # None: a folder

    @property
    def folders(self) -> set[str]:
        return {os.path.dirname(one) for one in (self.removed, self.added) if one}


class Disk:
    """The files below one folder while the operations of a program are applied one by one."""

    def __init__(self) -> None:
        self._inodes: dict[int, File] = {}
        self._folders: dict[int, str] = {}
        self._live: dict[str, File | None] = {"": None}
        self._durable: dict[str, File | None] = {"": None}
        self._pending: list[Naming] = []
        self._marks = File()

    def apply(self, operation: Operation) -> None:
        """One operation more."""
        match operation.kind:
            case Kind.OPEN:
                self._open(operation)
            case Kind.WRITE:
                self._inodes[operation.inode].pending.append((operation.offset, operation.data))
            case Kind.TRUNCATE:
                self._inodes[operation.inode].pending.append((operation.offset, None))
            case Kind.SYNC if operation.inode in self._folders:
                self._sync_folder(self._folders[operation.inode])
            case Kind.SYNC:
                self._inodes[operation.inode].sync()
            case Kind.UNKNOWN:
                self._unknown(operation)
            case _:
                self._name(operation)

    def marks(self) -> list[str]:
        """What the program has said so far."""
        said = bytearray()
        for offset, data in self._marks.pending:
            _put(said, offset, data)
        return said.decode().splitlines()

    def cut(self, folder: Path, random: Random) -> None:
        """Put into an empty folder what may be on the disk when the power goes now."""
        names = self._names_after_cut(random)
        written: dict[int, Path] = {}
        for path in sorted(names):
            what = names[path]
            if path == MARKS or not _is_reached(path, names) or path.endswith(IGNORED):
                continue
            if what is None:
                (folder / path).mkdir(exist_ok=True)
            elif id(what) in written:
                os.link(written[id(what)], folder / path)
            else:
                (folder / path).write_bytes(what.after_cut(random))
                written[id(what)] = folder / path

    def _open(self, operation: Operation) -> None:
        path = operation.path
        if path == MARKS:
            self._inodes[operation.inode] = self._marks
            return
        if path in self._live and self._live[path] is None:
            self._folders[operation.inode] = path
            return
        if path not in self._live:
            self._folders.pop(operation.inode, None)
            self._inodes[operation.inode] = File()
            self._change("", path, self._inodes[operation.inode])
        elif operation.offset:
            self._inodes[operation.inode].pending.append((0, None))

    def _unknown(self, operation: Operation) -> None:
        file = self._inodes.get(operation.inode)
        names = [name for name, what in self._live.items() if what is file]
        if not all(name.endswith(IGNORED) for name in names):
            raise Unrecorded(f"{operation.path} on {', '.join(names)}")

    def _name(self, operation: Operation) -> None:
        match operation.kind:
            case Kind.MKDIR:
                self._folders[operation.inode] = operation.path
                self._change("", operation.path, None)
            case Kind.UNLINK | Kind.RMDIR:
                self._change(operation.path, "", None)
            case Kind.LINK:
                self._change("", operation.other, self._live[operation.path])
            case Kind.RENAME:
                what, there = self._live[operation.path], self._live.get(operation.other)
                if what is None:
                    raise Unrecorded(f"a folder is renamed: {operation.path}")
                if what is not there:  # else POSIX does nothing
                    self._change(operation.path, operation.other, what)

    def _change(self, removed: str, added: str, what: File | None) -> None:
        self._pending.append(Naming(removed, added, what))
        _rename(self._live, self._pending[-1])

    def _sync_folder(self, folder: str) -> None:
        """What is done before to the same names has come to pass, too."""
        sure = [one for one in self._pending if folder in one.folders]
        for one in sure:
            _rename(self._durable, one)
        self._pending = [one for one in self._pending if folder not in one.folders]

    def _names_after_cut(self, random: Random) -> dict[str, File | None]:
        names = dict(self._durable)
        chance = random.choice((0.0, 0.5, 1.0))
        for one in self._pending:
            if random.random() < chance:
                _rename(names, one)
        return names


def states(operations: Iterable[Operation], wanted: set[int]) -> Iterable[tuple[int, Disk]]:
    """The disk after so many operations, for each number that is wanted."""
    disk = Disk()
    for number, operation in enumerate(operations, 1):
        disk.apply(operation)
        if number in wanted:
            yield number, disk


def _rename(names: dict[str, File | None], change: Naming) -> None:
    if change.removed:
        names.pop(change.removed, None)
    if change.added:
        names[change.added] = change.what


def _is_reached(path: str, names: dict[str, File | None]) -> bool:
    """Whether every folder on the way is there, too."""
    above = os.path.dirname(path)
    return not path or (above in names and names[above] is None and _is_reached(above, names))


def _sectors(offset: int, size: int) -> Iterable[tuple[int, int]]:
    start = offset
    while start < offset + size:
        end = min(offset + size, (start // SECTOR + 1) * SECTOR)
        yield start, end
        start = end


def _put(content: bytearray, offset: int, data: bytes | None) -> None:
    """Write into bytes as into a file; None cuts or extends them."""
    if data is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data
