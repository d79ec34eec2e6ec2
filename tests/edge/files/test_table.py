"""The files in the outbox: committed with their record, gone when plant and ledger have both."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge.files.table import ASK_AGAIN_MS, FileFill, FileRow
from edge.outbox import Outbox
from edge.outbox_file import OutboxError
from tests.edge.test_outbox import NOW, batch, waiting

# The tables of the first version, as files of it have them.
FIRST_SCHEMA = """
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
CREATE TABLE memory (station TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('id', 'abc'), ('state', x''), ('state_upto', 0), ('bd_seq', 7);
INSERT INTO tag VALUES (1, 'press-1', 'force', 1);
INSERT INTO record VALUES ('r-1', 1, '{}');
PRAGMA user_version = 1;
"""


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox.db")


def row(record: str, name: str = "a.jpg", content: str = "1", size: int = 10) -> FileRow:
    return FileRow(record, "press-1", name, content * 64, size, "image/jpeg")


def names(outbox: Outbox, *skip: str) -> list[str]:
    return [one.sha256[0] for one in outbox.files.waiting(10, skip)]


def test_an_outbox_of_the_first_version_is_brought_up(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(FIRST_SCHEMA)
    for _ in range(2):  # brought up, and opened again
        outbox = Outbox(path)
        assert (outbox.id, outbox.bd_seq_ahead()) == ("abc", 8)
        assert ("r-1", b"{}") in [(id, bytes(body, "ascii")) for id, body in outbox.records(9)]  # type: ignore[arg-type]
        outbox.close()
    outbox = Outbox(path)
    outbox.commit([batch(0, 1.0)], NOW, [("r-2", b"{}")], files=[row("r-2")])
    assert waiting(outbox) == [1] and names(outbox) == ["1"]
    outbox.close()


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    Outbox(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 4")
    with pytest.raises(OutboxError, match="schema 4, this one knows 3"):
        Outbox(path)


def test_a_file_that_cannot_be_brought_up_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(FIRST_SCHEMA + "CREATE TABLE file_there (a)")
    with pytest.raises(OutboxError, match=r"cannot be brought to schema 3 .* is as it was"):
        Outbox(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        found = db.execute("SELECT name FROM sqlite_master WHERE name = 'file'").fetchall()
        assert found == []


def test_files_are_there_after_a_restart_that_nobody_announced(tmp_path: Path) -> None:
    first = Outbox(tmp_path / "outbox.db")
    first.commit([], NOW, [("r-1", b"{}")], files=[row("r-1"), row("r-1", "b.jpg", "2", 5)])
    second = Outbox(tmp_path / "outbox.db")
    assert [one.name for one in second.files.waiting(10)] == ["a.jpg", "b.jpg"]
    assert second.files.fill() == FileFill(2, 15, NOW)
    first.close()
    second.close()


def test_a_record_that_is_derived_again_has_its_files_once(outbox: Outbox) -> None:
    for _ in range(2):
        outbox.commit([], NOW, [("r-1", b"{}")], files=[row("r-1")])
    assert outbox.files.fill() == FileFill(1, 10, NOW)


def test_a_file_goes_when_it_is_there_and_its_record_in_the_ledger(outbox: Outbox) -> None:
    outbox.commit([], NOW, [("r-1", b"{}"), ("r-2", b"{}")], files=[row("r-1"), row("r-2")])
    assert names(outbox) == ["1"], "the content is sent once"
    outbox.files.there("1" * 64, NOW)
    assert names(outbox) == [] and outbox.files.release(NOW) == []
    outbox.records_confirmed(["r-1"])
    assert outbox.files.release(NOW) == [], "the other record still needs the copy"
    assert outbox.files.fill() == FileFill(0, 10, None)
    outbox.records_confirmed(["r-2"])
    assert outbox.files.release(NOW) == ["1" * 64]
    assert outbox.files.release(NOW) == [] and outbox.files.hashes() == set()


def test_a_record_that_is_confirmed_first_changes_nothing(outbox: Outbox) -> None:
    outbox.commit([], NOW, [("r-1", b"{}")], files=[row("r-1")])
    outbox.records_confirmed(["r-1"])
    assert outbox.files.release(NOW) == [] and names(outbox) == ["1"]
    outbox.files.there("1" * 64, NOW)
    assert outbox.files.release(NOW) == ["1" * 64]


def test_the_store_is_asked_again_when_the_ledger_took_long(outbox: Outbox) -> None:
    outbox.commit([], NOW, [("r-1", b"{}")], files=[row("r-1")])
    outbox.files.there("1" * 64, NOW)
    late = NOW + ASK_AGAIN_MS + 1
    assert outbox.files.release(late) == [] and names(outbox) == [], "the record is still here"
    outbox.records_confirmed(["r-1"])
    assert outbox.files.release(late) == [] and names(outbox) == ["1"], "it may be gone there"
    outbox.files.there("1" * 64, late)
    assert outbox.files.release(late) == ["1" * 64]


def test_the_oldest_go_first_without_those_that_were_put_off(outbox: Outbox) -> None:
    for number in ("3", "1", "2"):
        outbox.commit([], NOW, [], files=[row(f"r-{number}", content=number)])
    assert names(outbox) == ["3", "1", "2"]
    assert names(outbox, "3" * 64, "2" * 64) == ["1"]


def test_files_are_given_up_together_with_the_record_that_says_so(outbox: Outbox) -> None:
    files = [row("r-1"), row("r-1", "b.jpg", "2")]
    outbox.commit([], NOW, [("r-1", b"{}")], files=files)
    outbox.confirmed([], None, [("lost", b"{}")], ["1" * 64])
    assert names(outbox) == ["2"]
    assert [id for id, _ in outbox.records(9)] == ["r-1", "lost"]


def test_nothing_of_a_group_is_kept_when_its_commit_fails(outbox: Outbox) -> None:
    broken = FileRow("r-1", "press-1", "a", "1" * 64, 5, None)  # type: ignore[arg-type]
    outbox.commit([], NOW, [("r-1", b"{}")], files=[broken])
    assert names(outbox) == [], "a row without a type is no row"
    with pytest.raises(sqlite3.Error):
        outbox.commit([batch(0, 1.0)], NOW, [("r-2", b"{}")], files=[row("r-2", object())])  # type: ignore[arg-type]
    assert waiting(outbox) == [] and [id for id, _ in outbox.records(9)] == ["r-1"]
