"""Damage in the file of the outbox: how it is found, and what is lost by it, in words.

SQLite notices a page that makes no sense, but neither a changed letter nor that its write-ahead log
was cut: what follows a frame that does not fit is taken for the rest of an older log.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.outbox_file import SMALL_TABLES, SOURCE, Lost, head_fits
from edge.outbox_records import DAMAGED
from stations.declare import Type
from stations.samples import Corrupt, Samples

LOST_SINCE = "lost since"  # among the memories; no station is called so
_WAL_HEAD, _FRAME_HEAD = struct.Struct(">8xI4x8s8x"), struct.Struct(">4xI8s8x")
Tags = Mapping[int, tuple[str, str, Type]]


def unsound(db: sqlite3.Connection) -> str:
    """What is wrong with the small tables, by which everything else is understood; "" if nothing.

    An altered name of a tag would put samples under another one: the index beside it does not fit.
    """
    for table in SMALL_TABLES:
        for (said,) in db.execute(f"PRAGMA integrity_check({table})"):
            if said != "ok":
                return f"{table}: {said}"
    return ""


def note_lost(db: sqlite3.Connection, lost: Sequence[Lost]) -> None:
    """Keep what is lost until `say_lost`, in a transaction that is open.

    And since when: of a tag of which nothing else is left, this is the last that is known.
    """
    if not lost:
        return
    rows = [(one.station, one.from_ms, one.to_ms, one.count, one.reason) for one in lost]
    insert = "INSERT INTO lost (station, from_ms, to_ms, count, reason) VALUES (?, ?, ?, ?, ?)"
    db.executemany(insert, rows)
    note_since(db, lost)


def note_since(db: sqlite3.Connection, lost: Sequence[Lost]) -> None:
    """Keep since when something is lost, in a transaction that is open."""
    query = "SELECT state FROM memory WHERE station = ?"
    (was,) = db.execute(query, (LOST_SINCE,)).fetchone() or (b"",)
    earliest = min(one.from_ms for one in lost)
    since = earliest if (known := since_of(was)) is None else min(known, earliest)
    db.execute("INSERT OR REPLACE INTO memory VALUES (?, ?)", (LOST_SINCE, b"%d" % since))


def since_of(memory: bytes) -> int | None:
    """The time (ms) that `note_since` has kept; None when there is none."""
    return int(memory) if memory.isdigit() else None


class Tail:
    """Looks whether commits lie in the write-ahead log behind a frame that SQLite does not believe.

    Made before the file is opened. `lost` is the time in which they were made, None when there are
    none: from the last change of the file itself to that of the log.
    """

    def __init__(self, path: Path) -> None:
        self.lost: Lost | None = None
        log = Path(f"{path}-wal")
        self._commits = [number for number, pages in enumerate(_frames(log), 1) if pages]
        if self._commits:
            times = [one.stat().st_mtime_ns // 1_000_000 for one in (path, log) if one.exists()]
            self._span = Lost("", min(times), max(times), None, DAMAGED)

    def look(self, db: sqlite3.Connection) -> None:
        """Compare with what SQLite made of the log when it opened it."""
        if self._commits:
            _, believed, _ = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self.lost = self._span if believed < self._commits[-1] else None


def _frames(log: Path) -> Iterator[int]:
    """Of each frame of the present log: the size of the database after it when it is a commit."""
    try:
        file = log.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        return
    with file:
        head = file.read(_WAL_HEAD.size)
        if len(head) < _WAL_HEAD.size:
            return
        page_bytes, salts = _WAL_HEAD.unpack(head)
        while len(frame := file.read(_FRAME_HEAD.size)) == _FRAME_HEAD.size:
            pages, found = _FRAME_HEAD.unpack(frame)
            if len(file.read(page_bytes)) < page_bytes:
                return
            yield pages if found == salts else 0


def judged(row: tuple[Any, ...], tags: Tags) -> Lost | None:
    """What is lost with a batch that is damaged; None when nothing of it can be believed."""
    _, station, _, first_ms, last_ms, count, samples, source = row
    if head_fits(row):
        return Lost(station, first_ms, last_ms, count, DAMAGED)
    try:
        found = Samples.from_bytes(samples)
        names = {tags[number][0] for number in np.unique(found.tag).tolist()}
    except (Corrupt, KeyError, TypeError):
        is_old = isinstance(source, bytes) and len(source) % SOURCE.itemsize == 4
        if is_old and station in {name for name, _, _ in tags.values()}:
            return Lost(station, first_ms, last_ms, count, DAMAGED)
        return None
    name = names.pop() if len(names) == 1 else ""
    return Lost(name, int(found.time.min()), int(found.time.max()), len(found), DAMAGED)
