"""The file of the outbox: its schema, and how a batch lies in it."""

from __future__ import annotations

import sqlite3
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.files import table as file_table
from edge.state import State, absurd
from stations.samples import Corrupt, Samples
from wire.disk import made_durably

SCHEMA_VERSION = 2  # 2: files
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


class OutboxError(RuntimeError):
    """The outbox cannot be used: it says which file, why, and what would help."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Samples that the outbox had to give up, in words for a gap record."""

    station: str
    from_ms: int
    to_ms: int
    count: int
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
        checksum = zlib.crc32(source).to_bytes(4, "little")
        return (
            self.position, self.station, self.committed_ms, int(time.min()), int(time.max()),
            len(time), self.samples.to_bytes(), source + checksum,
        )  # fmt: skip

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Batch:
        """The batch of a row; Corrupt when one of its blobs is torn or altered."""
        position, station, committed_ms, _, _, _, blob, source = row
        samples = Samples.from_bytes(blob)
        if len(source) != SOURCE.itemsize * len(samples) + 4:
            raise Corrupt("the source times have the wrong length")
        if zlib.crc32(source[:-4]).to_bytes(4, "little") != source[-4:]:
            raise Corrupt("the source times do not fit their checksum")
        columns = np.frombuffer(source, SOURCE, len(samples))
        return cls(station, samples, columns, position, committed_ms)


def open_file(path: Path) -> sqlite3.Connection:
    """The outbox at `path`, made when it is not there; OutboxError when it is not to be used."""
    try:
        made_durably(path.parent)
    except OSError as error:
        raise OSError(
            f"the outbox's folder {path.parent} cannot be made ({error.strerror}): give this"
            " account the right to, or name another folder in [outbox]"
        ) from error  # not an OutboxError: its disk may come
    try:
        db = sqlite3.connect(
            path, check_same_thread=False, timeout=5.0, isolation_level="IMMEDIATE"
        )
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        version = db.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error as error:
        raise OutboxError(
            f"{path} cannot be used as an outbox ({error}); move it away to start with an empty one"
        ) from error
    if version > SCHEMA_VERSION:
        db.close()
        raise OutboxError(
            f"{path} was written by a newer version (schema {version}, this one knows"
            f" {SCHEMA_VERSION}); install that version again or let it drain first"
        )
    if version < SCHEMA_VERSION:
        try:
            _bring_up(db, version)
        except sqlite3.Error as error:
            db.close()
            raise OutboxError(
                f"{path} cannot be brought to schema {SCHEMA_VERSION} ({error}) and is as it was;"
                " make room, end what else has it open, or move it away to start with an empty one"
            ) from error
    return db


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
        _run(db, file_table.SCHEMA)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _run(db: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):
        db.execute(statement)
