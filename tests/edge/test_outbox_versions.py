"""An outbox of every earlier version is brought up with all that is in it; a newer one is left."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from edge.outbox import Outbox
from edge.outbox_file import SCHEMA_VERSION, Batch, OutboxError
from tests.edge.files.test_table import FIRST_SCHEMA
from tests.edge.test_outbox import NOW, batch, waiting

# As each version made them: SQL of its time, never changed again.
FILES = """
CREATE TABLE file (
    number INTEGER PRIMARY KEY AUTOINCREMENT, committed_ms INTEGER NOT NULL,
    record TEXT NOT NULL, station TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL, type TEXT NOT NULL, there_ms INTEGER NOT NULL DEFAULT 0,
    UNIQUE (record, name)
);
CREATE INDEX file_sha256 ON file (sha256);
CREATE INDEX file_there ON file (there_ms, number);
INSERT INTO file (committed_ms, record, station, name, sha256, bytes, type)
    VALUES (1, 'r-1', 'press-1', 'a.jpg', 'aa', 3, 'image/jpeg');
PRAGMA user_version = 2;
"""
SCHEMAS = {1: FIRST_SCHEMA, 2: FIRST_SCHEMA + FILES}


def old(path: Path, version: int) -> None:
    """An outbox of this version, with batches 4 to 6, of which 5 was confirmed."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript(SCHEMAS[version])
        for position in (4, 5, 6):
            row = old_row(batch(position, float(position)), position)
            db.execute("INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        db.execute("DELETE FROM batch WHERE position = 5")


def old_row(one: Batch, position: int) -> tuple[object, ...]:
    """A row as before version 3: without a checksum of what stands beside the columns."""
    time, source = one.samples.time, one.source.tobytes()
    ends = (int(time.min()), int(time.max()), len(time))
    checksum = zlib.crc32(source).to_bytes(4, "little")
    return (position, one.station, NOW, *ends, one.samples.to_bytes(), source + checksum)


def test_each_earlier_version_has_its_case() -> None:
    assert list(SCHEMAS) == list(range(1, SCHEMA_VERSION))


@pytest.mark.parametrize("version", SCHEMAS)
def test_all_of_an_earlier_version_is_there(tmp_path: Path, version: int) -> None:
    path = tmp_path / "outbox.db"
    old(path, version)
    for _ in range(2):
        with closing(Outbox(path)) as outbox:
            assert (outbox.id, outbox.bd_seq_ahead(), outbox.position) == ("abc", 8, 6)
            assert waiting(outbox) == [4, 6]
            assert outbox.records(9) == [("r-1", "{}")]  # type: ignore[comparison-overlap]
            assert len(outbox.files.waiting(9)) == version - 1
            assert outbox.state()[1] == []
    with closing(Outbox(path)) as outbox:
        assert outbox.commit([batch(7, 7.0)], NOW, [("r-2", b"{}")])[0].position == 7
        assert outbox.confirmed([(1, 6)]) == 2
        assert waiting(outbox) == [7]


@pytest.mark.parametrize("has_log", [True, False])
def test_a_newer_version_is_refused_and_nothing_is_touched(tmp_path: Path, has_log: bool) -> None:
    path = tmp_path / "outbox.db"
    with closing(Outbox(path)) as outbox:
        outbox.commit([batch(1, 1.0)], NOW)
        with closing(sqlite3.connect(path)) as db:
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
            if has_log:
                left = contents(tmp_path)
    if has_log:
        for name, content in left.items():
            (tmp_path / name).write_bytes(content)
    before = contents(tmp_path)
    assert bool(before.get("outbox.db-wal")) == has_log
    for opens in (Outbox, lambda path: Outbox.opened(path, NOW)):
        with pytest.raises(OutboxError, match=r"newer version \(schema 4, .* knows 3\); install"):
            opens(path)
    assert contents(tmp_path) == before


def contents(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir() if not one.name.endswith("-shm")}
