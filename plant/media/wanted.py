"""Which files the ledger's records name, and which of them are there: is a record complete?

An index of its own beside the files, made from the ledger and brought up to date from where it
stood; it may be removed at any time. What is there is asked of the media store itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Select, func, select

from plant.ledger import Ledger, LedgerDamaged
from plant.ledger.schema import ENTRY, FACT
from plant.media.store import MediaStore, Stored
from stations.records import Record

FILE = "wanted.db"
VERSION = 2
ROWS_AT_ONCE = 500
SCHEMA = """
CREATE TABLE about (ledger TEXT NOT NULL, upto INTEGER NOT NULL, hash BLOB);
CREATE TABLE record (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, station TEXT NOT NULL, kind TEXT NOT NULL,
    time TEXT NOT NULL
);
CREATE TABLE file (
    number INTEGER NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
    there INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (number, name, sha256)
) WITHOUT ROWID;
CREATE INDEX file_sha256 ON file (sha256);
CREATE INDEX file_there ON file (there)
"""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A record some of whose files are not there."""

    id: str
    station: str
    kind: str
    time: str
    files: int
    missing: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Records that have files, those of them that are complete, and the files they name."""

    records: int
    complete: int
    files: int


def missing(store: MediaStore, record: Record) -> list[str]:
    """The names of a record's files that are not there: none means that it is complete."""
    return [one.name for one in record.files if store.head(one.sha256) is None]


def complete(store: MediaStore, record: Record) -> bool:
    """Whether all files of a record are there, verified."""
    return not missing(store, record)


class Wanted:
    """The index of a media store's folder. One at a time; it blocks."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / FILE, timeout=30.0, isolation_level="IMMEDIATE")
        self._db.execute("PRAGMA journal_mode=WAL")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def __enter__(self) -> Wanted:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def refresh(
        self,
        ledger: Ledger,
        store: MediaStore,
        progress: Progress = lambda done, of: None,
        *,
        recheck: bool = False,
    ) -> None:
        """Read what the ledger has got since, and look for what was missing; `recheck`: for all."""
        self._read(ledger, progress)
        if recheck:
            with self._db:
                self._db.execute("UPDATE file SET there = 0")
        self._look(store, progress)

    def names(self, sha256: str) -> bool:
        """Whether a record names this file."""
        found = self._db.execute("SELECT 1 FROM file WHERE sha256 = ? LIMIT 1", (sha256,))
        return found.fetchone() is not None

    def counts(self) -> Counts:
        """How many there are."""
        lacking = "SELECT DISTINCT number FROM file WHERE there = 0"
        query = (
            "SELECT count(*), count(*) FILTER (WHERE number NOT IN"
            f" ({lacking})), (SELECT count(*) FROM file) FROM record"
        )
        return Counts(*self._db.execute(query).fetchone())

    def incomplete(self, limit: int) -> list[Incomplete]:
        """Records some of whose files are not there, the latest first."""
        query = (
            "SELECT id, station, kind, time, count(*), sum(1 - there) AS missing"
            " FROM record JOIN file USING (number) GROUP BY number HAVING missing > 0"
            " ORDER BY number DESC LIMIT ?"
        )
        return [Incomplete(*row) for row in self._db.execute(query, (limit,))]

    def orphans(self, stored: Iterable[Stored], before_ms: int) -> Iterator[Stored]:
        """Those that no record names and nobody has claimed since."""
        return (one for one in stored if one.since_ms < before_ms and not self.names(one.sha256))

    def _read(self, ledger: Ledger, progress: Progress) -> None:
        with ledger.reading() as connection, self._db:
            self._db.execute("BEGIN IMMEDIATE")  # Another program may be doing the same.
            upto, known = self._begun(ledger.identity)
            if upto and connection.scalar(_hash_of(upto)) != known:
                # The ledger was restored to an older state, and may have grown again since.
                upto, _ = self._begun("")
            last = connection.scalar(select(func.max(FACT.c.number))) or 0
            fresh = FACT.c.files > 0, FACT.c.number > upto
            total = connection.scalar(select(func.count()).select_from(FACT).where(*fresh)) or 0
            statement = (
                select(ENTRY.c.number, ENTRY.c.body)
                .join(FACT, FACT.c.number == ENTRY.c.number)
                .where(*fresh)
                .order_by(ENTRY.c.number)
                .execution_options(yield_per=ROWS_AT_ONCE)
            )
            for done, (number, body) in enumerate(connection.execute(statement), 1):
                try:
                    self._add(number, orjson.loads(body))
                except (orjson.JSONDecodeError, KeyError, TypeError) as error:
                    raise LedgerDamaged(
                        f"entry {number} is no record: run `refit ledger verify`"
                    ) from error
                if done % ROWS_AT_ONCE == 0:
                    progress(done, total)
            about = (ledger.identity, last, connection.scalar(_hash_of(last)))
            self._db.execute("UPDATE about SET ledger = ?, upto = ?, hash = ?", about)

    def _begun(self, ledger: str) -> tuple[int, bytes | None]:
        """Up to which entry this ledger is known, and its hash; 0 and empty tables for another."""
        if self._db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            for table in ("about", "record", "file"):
                self._db.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in SCHEMA.split(";"):
                self._db.execute(statement)
            self._db.execute("INSERT INTO about VALUES ('', 0, NULL)")
            self._db.execute(f"PRAGMA user_version = {VERSION}")
        known, upto, hashed = self._db.execute("SELECT ledger, upto, hash FROM about").fetchone()
        if known == ledger:
            return int(upto), hashed
        self._db.execute("DELETE FROM record")
        self._db.execute("DELETE FROM file")
        return 0, None

    def _add(self, number: int, said: dict[str, Any]) -> None:
        about = (number, said["id"], said["station"], said["kind"], said["time"])
        self._db.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?)", about)
        files = [(number, one["name"], one["sha256"], one["bytes"]) for one in said["files"]]
        insert = "INSERT OR IGNORE INTO file (number, name, sha256, bytes) VALUES (?, ?, ?, ?)"
        self._db.executemany(insert, files)

    def _look(self, store: MediaStore, progress: Progress) -> None:
        query = "SELECT DISTINCT sha256 FROM file WHERE there = 0"
        hashes = [sha256 for (sha256,) in self._db.execute(query)]
        for start in range(0, len(hashes), ROWS_AT_ONCE):
            some = hashes[start : start + ROWS_AT_ONCE]
            self._mark([one for one in some if store.head(one) is not None])
            progress(min(start + ROWS_AT_ONCE, len(hashes)), len(hashes))

    def _mark(self, there: Sequence[str]) -> None:
        with self._db:
            update = "UPDATE file SET there = 1 WHERE sha256 = ?"
            self._db.executemany(update, [(one,) for one in there])


def _hash_of(number: int) -> Select[tuple[bytes]]:
    return select(ENTRY.c.hash).where(ENTRY.c.number == number)
