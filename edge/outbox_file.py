"""The file of the outbox: its schema, and how a batch lies in it."""

from __future__ import annotations

import sqlite3
import uuid
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.files import table as file_table
from edge.state import State, absurd
from stations.samples import Corrupt, Samples
from wire.disk import made_durably

SCHEMA_VERSION = 3  # 2: files; 3: checksums of rows and records, what was lost
VERSION_MAX = 999
# What the source itself said of a sample: its time in 100 ns since 1970, and its StatusCode.
SOURCE = np.dtype([("ticks", "<i8"), ("status", "<u4")])
COLUMNS = "position, station, committed_ms, first_ms, last_ms, count, samples, source"
_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE tag (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    station TEXT NOT NULL, name TEXT NOT NULL, type INTEGER NOT NULL, UNIQUE (station, name, type)
);
CREATE TABLE batch (
    position INTEGER PRIMARY KEY AUTOINCREMENT, station TEXT NOT NULL,
    committed_ms INTEGER NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
    count INTEGER NOT NULL, samples BLOB NOT NULL, source BLOB NOT NULL
);
CREATE TABLE record (
    id TEXT PRIMARY KEY, number INTEGER NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX record_number ON record (number);
CREATE TABLE memory (station TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID
"""
# `lost` is what no gap record says yet; `spoiled` are bytes that cannot be believed any more.
_SCHEMA_3 = """
ALTER TABLE record ADD COLUMN checksum INTEGER;
CREATE TABLE lost (
    number INTEGER PRIMARY KEY, station TEXT NOT NULL, from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL, count INTEGER, reason TEXT NOT NULL
);
CREATE TABLE spoiled (
    number INTEGER PRIMARY KEY AUTOINCREMENT, about TEXT NOT NULL, first BLOB, second BLOB
)
"""
MAGIC = b"SQLite format 3\0"
SMALL_TABLES = ("meta", "tag", "memory", "record", "file", "lost")


class OutboxError(RuntimeError):
    """The outbox cannot be used: it says which file, why, and what would help."""


class OutboxDamaged(OutboxError):
    """The file is there, but what is in it is no sound outbox any more."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Samples that the outbox had to give up, in words for a gap record.

    Without a `station` it is not known of which; without a `count` how many there were.
    """

    station: str
    from_ms: int
    to_ms: int
    count: int | None
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Samples of one station that are committed, sent and acknowledged together.

    `source` (dtype SOURCE) is what the source said of each; position 0: not yet given.
    """

    station: str
    samples: Samples
    source: NDArray[Any]
    position: int = 0
    committed_ms: int = 0

    def lost(self, reason: str) -> Lost:
        """The batch in words for a gap record."""
        time = self.samples.time
        return Lost(self.station, int(time.min()), int(time.max()), len(time), reason)

    def row(self) -> tuple[Any, ...]:
        """The batch as a row of the table `batch`, in the order of COLUMNS."""
        time = self.samples.time
        source = np.ascontiguousarray(self.source, SOURCE).tobytes()
        head = (
            self.position, self.station, self.committed_ms, int(time.min()), int(time.max()),
            len(time),
        )  # fmt: skip
        return (*head, self.samples.to_bytes(), source + _checksum(source) + _of_head(head))

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Batch:
        """The batch of a row; Corrupt when one of its blobs is torn or altered."""
        position, station, committed_ms, _, _, _, blob, source = row
        if not (isinstance(blob, bytes) and isinstance(source, bytes)):
            raise Corrupt("a row without its columns")
        samples = Samples.from_bytes(blob)
        size = SOURCE.itemsize * len(samples)
        if len(source) not in (size + 4, size + 8):
            raise Corrupt("the source times have the wrong length")
        if _checksum(source[:size]) != source[size : size + 4]:
            raise Corrupt("the source times do not fit their checksum")
        if len(source) == size + 8 and _of_head(row[:6]) != source[size + 4 :]:
            raise Corrupt("the row does not fit its checksum")  # before schema 3 it had none
        columns = np.frombuffer(source, SOURCE, len(samples))
        return cls(station, samples, columns, position, committed_ms)


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "little")


def _of_head(head: tuple[Any, ...]) -> bytes:
    return _checksum(repr(head).encode())


def head_fits(row: tuple[Any, ...]) -> bool:
    """Whether what a row says beside its columns is what was written; false before schema 3."""
    source = row[-1]
    is_bytes = isinstance(source, bytes) and len(source) % SOURCE.itemsize == 8
    return is_bytes and source[-4:] == _of_head(row[:6])


def record_checksum(id: str, body: bytes) -> int:
    """What stands beside a record: it goes to the ledger as it was made, or not at all."""
    return zlib.crc32(body, zlib.crc32(id.encode()))


def record_fits(id: object, body: object, checksum: object) -> bool:
    """Whether a record's bytes are those that it was made with; before schema 3 nothing says it."""
    if not isinstance(id, str) or not isinstance(body, bytes | str):
        return False
    if checksum is None:
        return True
    return isinstance(body, bytes) and checksum == record_checksum(id, body)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether SQLite says that the file itself is wrong, and not the disk or another program."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def open_file(
    path: Path, look: Callable[[sqlite3.Connection], None] = lambda db: None
) -> sqlite3.Connection:
    """The outbox at `path`, made when it is not there; OutboxError when it is not to be used.

    One of a newer version is refused before anything is written. `look` sees it before it is
    brought up.
    """
    try:
        made_durably(path.parent)
    except OSError as error:
        raise OSError(
            f"the outbox's folder {path.parent} cannot be made ({error.strerror}): give this"
            " account the right to, or name another folder in [outbox]"
        ) from error  # not an OutboxError: its disk may come
    try:
        _check(path, _version(path))
        db = sqlite3.connect(
            path, check_same_thread=False, timeout=5.0, isolation_level="IMMEDIATE"
        )
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        _check(path, version)
        look(db)
    except sqlite3.Error as error:
        raise refused(path, error) from error
    if version < SCHEMA_VERSION:
        try:
            _bring_up(db, version)
        except sqlite3.Error as error:
            db.close()
            if is_damage(error):
                raise refused(path, error) from error
            raise OutboxError(
                f"{path} cannot be brought to schema {SCHEMA_VERSION} ({error}) and is as it was;"
                " make room, end what else has it open, or move it away to start with an empty one"
            ) from error
    return db


def refused(path: Path, error: sqlite3.Error) -> OutboxError:
    """The error of ours for one of SQLite on opening."""
    if is_damage(error):
        return OutboxDamaged(f"{path} is damaged ({error})")
    return OutboxError(
        f"{path} cannot be used as an outbox ({error}): give this account the right to write it and"
        " its folder, make room, end what else has it open, or name another folder in [outbox]"
    )


def _version(path: Path) -> int:
    """The version of the file; 0 where there is none or it is empty. Nothing is written."""
    if not path.exists() or not path.stat().st_size:
        return 0
    log = Path(f"{path}-wal")
    if not log.exists() or not log.stat().st_size:  # else the log may know better than the file
        with path.open("rb") as file:
            head = file.read(64)
        return int.from_bytes(head[60:]) if head.startswith(MAGIC) else 0
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        try:
            return int(db.execute("PRAGMA user_version").fetchone()[0])
        except sqlite3.OperationalError:  # a change that was cut off has to be undone first
            return 0


def _check(path: Path, version: int) -> None:
    if version > VERSION_MAX:
        raise OutboxDamaged(f"{path} is damaged (its version cannot be {version})")
    if version > SCHEMA_VERSION:
        raise OutboxError(
            f"{path} was written by a newer version (schema {version}, this one knows"
            f" {SCHEMA_VERSION}); install that version again or let it drain first"
        )


def replay(state: State, batch: Batch) -> None:
    """Bring a state forward by a committed batch: the last row of each tag counts."""
    samples = batch.samples
    _, last = np.unique(samples.tag[::-1], return_index=True)
    rows = np.sort(len(samples) - 1 - last)
    part, source = samples[rows], batch.source[rows]
    state.grow(int(part.tag.max()) + 1)
    believed = np.where(absurd(source["ticks"], batch.committed_ms), 0, source["ticks"])
    high = np.maximum(believed, state.high[part.tag])
    state.put(part, source["ticks"], high, source["status"])


def _bring_up(db: sqlite3.Connection, version: int) -> None:
    """Make the tables of a new file, or those that an older version did not have."""
    first = [("id", uuid.uuid4().hex), ("state", b""), ("state_upto", 0), ("bd_seq", -1)]
    with db:
        db.execute("BEGIN IMMEDIATE")
        if version < 1:
            _run(db, _SCHEMA)
            db.executemany("INSERT INTO meta VALUES (?, ?)", first)
        if version < 2:
            _run(db, file_table.SCHEMA)
        if version < 3:
            _run(db, _SCHEMA_3)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _run(db: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):
        db.execute(statement)
