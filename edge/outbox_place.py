"""The place of the outbox on disk: whether our file still lies there, and how another is put there.

What is put in its place is made beside it under a name of its own. From the moment at which that
name is complete (NEW) it is the outbox: whoever opens it next after a kill goes on from there. What
lay in the place before is kept under another name.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from wire.disk import made_durably, sync_folder

PART, NEW, ASIDE = ".part", ".new", ".aside-"
LOG, INDEX = "-wal", "-shm"


class Place:
    """Where the files of an open outbox lay when it was opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = {ending: _identity(path, ending) for ending in ("", LOG)}

    def moved(self) -> str:
        """What has become of the files while they are open; "" when nothing has."""
        for ending, was in self._files.items():
            now = _identity(self._path, ending)
            if was is not None and now != was:
                how = "was deleted" if now is None else "was replaced by another file"
                return f"{self._path}{ending} {how}"
        return ""


def copied(db: sqlite3.Connection, into: Path) -> None:
    """All that an open outbox has, in a new file, on disk on return."""
    with closing(sqlite3.connect(into)) as copy:
        db.backup(copy)


def put_in_place(path: Path, make: Callable[[Path], object], now_ms: int) -> Path | None:
    """Have `make` write a new file, and put it in the place of what lies there.

    Returns where that is kept, None when there was nothing. OSError or sqlite3.Error when it cannot
    be done; then all is as it was.
    """
    made_durably(path.parent)
    part, aside = Path(f"{path}{PART}"), None
    for ending in ("", LOG, INDEX):
        Path(f"{part}{ending}").unlink(missing_ok=True)
    try:
        make(part)
        _sync(part)
        if path.exists():
            aside = _free(path, now_ms)
            for ending in (LOG, ""):
                if Path(f"{path}{ending}").exists():
                    _link(Path(f"{path}{ending}"), Path(f"{aside}{ending}"))
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    part.rename(f"{path}{NEW}")
    sync_folder(path.parent)
    finish(path)
    return aside


def finish(path: Path) -> None:
    """Put a new file that is complete into its place; without one, there is nothing to do."""
    new = Path(f"{path}{NEW}")
    if not new.exists():
        return
    for ending in (LOG, INDEX):  # those of the file that lies there
        Path(f"{path}{ending}").unlink(missing_ok=True)
    sync_folder(path.parent)
    new.replace(path)
    sync_folder(path.parent)


def set_aside(path: Path) -> list[Path]:
    """The files that were put aside and still lie there: somebody should look at them."""
    found = path.parent.glob(f"{path.name}{ASIDE}*")
    return sorted(one for one in found if not one.name.endswith((LOG, INDEX)))


def _free(path: Path, now_ms: int) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_ms / 1000))
    names = (f"{path}{ASIDE}{stamp}{more}" for more in ("", *(f".{i}" for i in range(2, 1000))))
    return next(one for name in names if not (one := Path(name)).exists())


def _link(path: Path, other: Path) -> None:
    try:
        os.link(path, other)
    except OSError:  # a file system without links
        shutil.copyfile(path, other)
        _sync(other)


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _identity(path: Path, ending: str) -> tuple[int, int] | None:
    try:
        about = os.stat(f"{path}{ending}")
    except OSError:
        return None
    return about.st_dev, about.st_ino
