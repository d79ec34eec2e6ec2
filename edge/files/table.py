"""The files in the outbox: which record each belongs to, and whether the media store has it.

A row is a file of a record; its bytes lie in the folder of files under their SHA-256. A row goes
when the media store has the file and the ledger has the record, in whatever order; but when the
store said so long before the ledger did, it is asked again first: it may have taken the file for an
orphan meanwhile. Everything here runs on the outbox's thread; `add` and `give_up` inside a
transaction of the outbox.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass

SCHEMA = """
CREATE TABLE file (
    number INTEGER PRIMARY KEY AUTOINCREMENT, committed_ms INTEGER NOT NULL,
    record TEXT NOT NULL, station TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL, type TEXT NOT NULL, there_ms INTEGER NOT NULL DEFAULT 0,
    UNIQUE (record, name)
);
CREATE INDEX file_sha256 ON file (sha256);
CREATE INDEX file_there ON file (there_ms, number)
"""
ASK_AGAIN_MS = 86_400_000  # far less than the grace of an orphan, `orphans_after`
_COLUMNS = "record, station, name, sha256, bytes, type"


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of a record of a station."""

    record: str
    station: str
    name: str
    sha256: str
    bytes: int
    type: str


@dataclass(frozen=True, slots=True)
class FileFill:
    """Files of which the media store has not confirmed to have them, and all bytes on the disk."""

    waiting: int
    bytes: int
    oldest_ms: int | None


class OutboxFiles:
    """The table `file` of an outbox."""

    def reopen(self, db: sqlite3.Connection) -> None:
        """Work with this file from now on."""
        self._db = db

    def add(self, files: Iterable[FileRow], now_ms: int) -> None:
        """Note the files of records that are committed in the same transaction."""
        self._db.executemany(
            f"INSERT OR IGNORE INTO file (committed_ms, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (now_ms, one.record, one.station, one.name, one.sha256, one.bytes, one.type)
                for one in files
            ],
        )

    def give_up(self, hashes: Iterable[str]) -> None:
        """Forget files that can never be sent, in a transaction that says so in a record."""
        self._db.executemany(
            "DELETE FROM file WHERE sha256 = ? AND there_ms = 0", [(one,) for one in hashes]
        )

    def waiting(self, limit: int, skip: Collection[str] = ()) -> list[FileRow]:
        """The oldest files that are not yet there, each content once, without those in `skip`."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS}, min(number) AS first FROM file WHERE there_ms = 0"
            " GROUP BY sha256 ORDER BY first LIMIT ?",
            (limit + len(skip),),
        )
        found = [FileRow(*row[:-1]) for row in rows]
        return [one for one in found if one.sha256 not in skip][:limit]

    def of(self, sha256: str) -> list[FileRow]:
        """All files with this content."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM file WHERE sha256 = ?", (sha256,))
        return [FileRow(*row) for row in rows]

    def there(self, sha256: str, now_ms: int) -> None:
        """The media store has this content, verified."""
        with self._db:
            self._db.execute("UPDATE file SET there_ms = ? WHERE sha256 = ?", (now_ms, sha256))

    def release(self, now_ms: int) -> list[str]:
        """Forget files that are there and whose records are in the ledger.

        The contents are returned that no other file needs: their copies may go.
        """
        done = "there_ms > 0 AND record NOT IN (SELECT id FROM record)"
        query = f"SELECT DISTINCT sha256 FROM file WHERE {done}"
        hashes = [sha256 for (sha256,) in self._db.execute(query)]
        if hashes:
            with self._db:
                old = (now_ms - ASK_AGAIN_MS,)
                self._db.execute(f"UPDATE file SET there_ms = 0 WHERE {done} AND there_ms < ?", old)
                self._db.execute(f"DELETE FROM file WHERE {done}")
        return [one for one in hashes if not self.of(one)]

    def highest(self) -> int:
        """The highest number that was ever given to a file."""
        query = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'file'"
        return int(self._db.execute(query).fetchone()[0])

    def hashes(self) -> set[str]:
        """The contents whose copies must stay."""
        return {sha256 for (sha256,) in self._db.execute("SELECT DISTINCT sha256 FROM file")}

    def fill(self) -> FileFill:
        """How much waits and how much lies on the disk."""
        waiting, oldest = self._db.execute(
            "SELECT count(*), min(committed_ms) FROM file WHERE there_ms = 0"
        ).fetchone()
        held = "SELECT coalesce(sum(bytes), 0) FROM (SELECT bytes FROM file GROUP BY sha256)"
        return FileFill(waiting, int(self._db.execute(held).fetchone()[0]), oldest)
