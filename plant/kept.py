"""A SQLite file that is deleted or replaced while we have it open: nothing of it is lost.

The open handle still has all of it. Where the file is gone it is put back; where another one lies
in its place, it is kept beside that. A file that nobody sees any more must not take a record.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from wire.disk import sync_folder

PART, ASIDE, LOG, INDEX = ".part", ".aside-", "-wal", "-shm"
Identity = tuple[tuple[int, int] | None, ...]


def identity(path: Path) -> Identity:
    """Which files lie there: the database, and its write-ahead log."""
    return _one(path), _one(Path(f"{path}{LOG}"))


def is_ours(was: Identity, now: Identity) -> bool:
    """Whether these are still the files that were opened; a log may have come since."""
    return all(one is None or one == other for one, other in zip(was, now, strict=True))


def is_damage(error: BaseException) -> bool:
    """Whether SQLite says that the file itself is wrong, and not the disk or another program."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def rescue(database: sqlite3.Connection, path: Path, was: Identity) -> str:
    """Write all that an open connection has where its file was, or beside what lies there now.

    `was` are the files that it opened. What has happened, in words, once it is on disk; OSError or
    sqlite3.Error when it cannot be written now.
    """
    now = identity(path)
    if now[0] == was[0]:
        busy, frames, done = database.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        if busy or done < frames:
            raise sqlite3.OperationalError("another program is using the file")
        return f"{path}{LOG} was deleted or replaced while in use; all of it is in {path.name}"
    place = _free(path) if now[0] else path
    part = path.with_name(f"{path.name}{PART}{os.getpid()}")
    part.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(part)) as copy:
            database.backup(copy)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        if now[0] is None or now[1] == was[1]:
            for ending in (LOG, INDEX):  # ours: to another database they would be poison
                Path(f"{path}{ending}").unlink(missing_ok=True)
        os.link(part, place)  # fails where somebody was quicker
        sync_folder(path.parent)
    finally:
        for ending in ("", LOG, INDEX):
            Path(f"{part}{ending}").unlink(missing_ok=True)
    if place == path:
        return f"{path} was deleted while in use; all of it was put back"
    return f"{path} was replaced while in use; what was in it before is in {place}"


def _free(path: Path) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    names = (f"{path}{ASIDE}{stamp}{more}" for more in ("", *(f".{i}" for i in range(2, 1000))))
    return next(one for name in names if not (one := Path(name)).exists())


def _one(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
