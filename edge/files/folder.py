"""The folder of an agent's files: each under its SHA-256, until media store and ledger have it.

Every method blocks and may be called from any thread.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import threading
import uuid
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import structlog

from wire.disk import made_durably, sync_folder
from wire.media.protocol import HASH, file_hash

PASSING = ".passing-"  # on its way in or out
OWNER = "outbox"
SET_ASIDE = "set-aside"

log = structlog.get_logger()


class FileGone(Exception):
    """The copy of a file cannot be sent: `gone` or `changed`."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that lies in the folder, on disk; `was` tells whether its source is still the same."""

    sha256: str
    bytes: int
    was: tuple[int, int, int, int]


class FileFolder:
    """Takes files in and gives them out by their hash. The folder is made when it is needed.

    `owner` is the id of the outbox that knows what is in it.
    """

    def __init__(self, folder: Path, owner: str) -> None:
        self.folder, self.owner = folder, owner
        self._lock = threading.Lock()
        self._being_taken: Counter[str] = Counter()

    def path(self, sha256: str) -> Path:
        """Where a file lies."""
        return self.folder / sha256

    def take(self, source: Path, *, copy: bool = False) -> Taken:
        """Link a file in (copy it from another disk, or for `copy`); on disk on return.

        The source stays; what is written into it later is in a link, too.

        Until `settled` nobody removes it. OSError when it cannot be read or kept.
        """
        self._made()
        source = source.resolve(strict=True)
        if not stat.S_ISREG(source.stat().st_mode):
            raise OSError(f"{source} is no file")
        was = _state(source)
        own = self._passing()
        try:
            if copy or not _linked(source, own):
                shutil.copyfile(source, own)
            _sync(own)
            taken = Taken(file_hash(own), own.stat().st_size, was)
            with self._lock:
                own.replace(self.path(taken.sha256))
                self._being_taken[taken.sha256] += 1
        finally:
            own.unlink(missing_ok=True)  # It is still there when both names are one file already.
        sync_folder(self.folder)
        return taken

    @staticmethod
    def gone(source: Path, taken: Taken) -> bool:
        """Remove what was taken in; False when something else has been put in its place."""
        try:
            if _state(source) != taken.was:
                return False
            source.unlink()
        except FileNotFoundError:
            return True
        return True

    def settled(self, sha256: str) -> None:
        """The outbox knows this file now, or never will."""
        with self._lock:
            self._being_taken[sha256] -= 1
            self._being_taken += Counter()  # without those at zero

    def read(self, sha256: str, total: int, offset: int, size: int) -> bytes:
        """A part of a file; FileGone when it is not there any more or has another length."""
        try:
            with self.path(sha256).open("rb") as file:
                if os.fstat(file.fileno()).st_size != total:
                    raise FileGone("changed")
                file.seek(offset)
                part = file.read(min(size, total - offset))
        except FileNotFoundError as error:
            raise FileGone("gone") from error
        if not part:
            raise FileGone("changed")
        return part

    def check(self, sha256: str) -> None:
        """FileGone when the bytes are not those that the name says."""
        try:
            if file_hash(self.path(sha256)) != sha256:
                raise FileGone("changed")
        except FileNotFoundError as error:
            raise FileGone("gone") from error

    def retire(self, sha256: str) -> Path | None:
        """Take a copy out, unless the same content is being taken in; it is still to be deleted."""
        own = self._passing()
        with self._lock:
            if self._being_taken[sha256]:
                return None
            try:
                self.path(sha256).rename(own)
            except FileNotFoundError:
                return None
        return own

    def held(self) -> int:
        """The bytes of all files in here."""
        sizes = 0
        with contextlib.suppress(FileNotFoundError):
            for path in self.folder.iterdir():
                with contextlib.suppress(FileNotFoundError):
                    sizes += path.stat().st_size if HASH.match(path.name) else 0
        return sizes

    def mark(self, number: int) -> None:
        """Note, on disk, that the outbox has given this number to a file; before its source goes.

        An outbox that has not come so far is an older copy, and does not know what is in here.
        """
        if number > self._owner()[1]:
            self._own(number)

    def sweep(self, known: Collection[str], number: int = 0) -> None:
        """Remove what a kill has left: files that no record names, their owners have them still.

        What another outbox knew, or this one before it was replaced by an older copy (its highest
        `number` is below the mark), is set aside instead: nobody else may have it.
        """
        if not self.folder.is_dir():
            return
        owner, mark = self._owner()
        is_own = owner == self.owner and number >= mark
        set_aside = 0
        for path in list(self.folder.iterdir()):
            if path.name.startswith(PASSING):
                path.unlink(missing_ok=True)
            elif HASH.match(path.name) and path.name not in known:
                if is_own:
                    path.unlink(missing_ok=True)
                    continue
                (self.folder / SET_ASIDE).mkdir(exist_ok=True)
                path.rename(self.folder / SET_ASIDE / path.name)
                set_aside += 1
        if set_aside:
            where = str(self.folder / SET_ASIDE)
            log.error("files of another outbox are set aside", count=set_aside, folder=where)
        self._own(number)

    def _made(self) -> None:
        if not self.folder.is_dir():
            made_durably(self.folder)
            self._own(0)

    def _own(self, mark: int) -> None:
        fresh = self._passing()
        fresh.write_text(f"{self.owner} {mark}")
        _sync(fresh)
        fresh.replace(self.folder / OWNER)
        sync_folder(self.folder)

    def _owner(self) -> tuple[str, int]:
        """Whose files these are, and the mark; older programs wrote none."""
        try:
            owner, _, mark = (self.folder / OWNER).read_text().partition(" ")
            return owner, int(mark or 0)
        except (FileNotFoundError, ValueError):
            return "", 0

    def _passing(self) -> Path:
        return self.folder / f"{PASSING}{uuid.uuid4().hex}"


def _state(path: Path) -> tuple[int, int, int, int]:
    about = path.stat()
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
