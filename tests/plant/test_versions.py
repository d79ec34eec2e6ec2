"""Store and dead letters of every version are opened with all that is in them; newer ones refused.

The ledger's are in test_ledger_migrations.py, the outbox's in tests/edge/test_outbox_versions.py.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from plant import dead_letters
from plant.dead_letters import DeadLetters
from plant.stores import sqlite
from plant.stores.sqlite import SqliteStore
from plant.stores.store import StoreUnusable
from tests.plant.points import T0, angles
from tests.plant.test_dead_letters import refusal

# As each version made them: SQL of its time, never changed again.
STORES = {
    1: f"""
CREATE TABLE field (
    measurement TEXT NOT NULL, name TEXT NOT NULL, type INTEGER NOT NULL,
    PRIMARY KEY (measurement, name)
) WITHOUT ROWID;
CREATE TABLE series (
    id INTEGER PRIMARY KEY, site TEXT NOT NULL, line TEXT NOT NULL, station TEXT NOT NULL,
    measurement TEXT NOT NULL, name TEXT NOT NULL,
    UNIQUE (station, name, measurement, line, site)
);
CREATE TABLE recent (
    time INTEGER NOT NULL, series INTEGER NOT NULL, status INTEGER NOT NULL, value,
    PRIMARY KEY (time, series)
) WITHOUT ROWID;
CREATE TABLE settled (
    series INTEGER NOT NULL, time INTEGER NOT NULL, status INTEGER NOT NULL, value,
    PRIMARY KEY (series, time)
) WITHOUT ROWID;
CREATE VIEW sample (series, time, status, value) AS
    SELECT series, time, status, value FROM recent
    UNION ALL
    SELECT series, time, status, value FROM settled WHERE time < (SELECT min(time) FROM recent)
    OR NOT EXISTS (SELECT 1 FROM recent WHERE recent.time = settled.time
                   AND recent.series = settled.series);
INSERT INTO field VALUES ('studio', 'angle', 3);
INSERT INTO series VALUES (1, 'flins-vo', 'line-1', 'studio-1', 'studio', 'angle');
INSERT INTO settled VALUES (1, {T0}, 0, 1.5);
INSERT INTO recent VALUES ({T0 + 100}, 1, 0, 2.5);
PRAGMA application_id = 1380340819;
PRAGMA user_version = 1;
"""
}
LETTERS = {
    1: f"""
CREATE TABLE letter (
    id INTEGER PRIMARY KEY AUTOINCREMENT, refused_ms INTEGER NOT NULL, agent TEXT NOT NULL,
    station TEXT NOT NULL, tag TEXT NOT NULL, time INTEGER NOT NULL, status INTEGER NOT NULL,
    type TEXT NOT NULL, value TEXT NOT NULL, reason TEXT NOT NULL,
    UNIQUE (agent, station, tag, time, reason)
);
CREATE TABLE dropped (one INTEGER PRIMARY KEY CHECK (one = 1), letters INTEGER);
INSERT INTO dropped VALUES (1, 7);
INSERT INTO letter VALUES (3, 9, 'pc-1', 'studio-1', 'angle', {T0}, {0x8000_0000}, 'float', 'nan',
    'not finite');
PRAGMA application_id = 1380336716;
PRAGMA user_version = 1;
"""
}


def made(path: Path, statements: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.executescript(statements)


def test_each_version_has_its_case() -> None:
    assert list(STORES) == list(range(1, sqlite.VERSION + 1))
    assert list(LETTERS) == list(range(1, dead_letters.VERSION + 1))


@pytest.mark.parametrize("version", STORES)
def test_all_of_an_earlier_store_is_there_and_more_goes_in(tmp_path: Path, version: int) -> None:
    path = tmp_path / "samples.db"
    made(path, STORES[version])
    with closing(SqliteStore(path)) as store:
        (series,) = store.series()
        more = angles([3.5], T0 + 200)
        assert (more.site, more.line, more.measurement) == (
            series.site, series.line, series.measurement,
        )  # fmt: skip
        assert store.write([more]) == [[]]
        assert store.range("studio-1", "angle", 0, 2 * T0).floats.tolist() == [1.5, 2.5, 3.5]


@pytest.mark.parametrize("version", LETTERS)
def test_all_of_earlier_dead_letters_is_there_and_more_goes_in(
    tmp_path: Path, version: int
) -> None:
    path = tmp_path / "samples.dead.db"
    made(path, LETTERS[version])
    with closing(DeadLetters(path)) as letters:
        letters.add([("pc-1", [refusal(T0 + 1)])], 10)
        assert [one.refusal for one in letters.read()] == [refusal(T0 + 1), refusal()]
        assert letters.dropped() == 7


@pytest.mark.parametrize("statements", [STORES[1], LETTERS[1]])
def test_a_newer_version_is_refused_and_nothing_is_touched(tmp_path: Path, statements: str) -> None:
    path = tmp_path / "file.db"
    made(path, statements)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 2")
    before = path.read_bytes()
    opens: Callable[[Path], Any] = SqliteStore if statements == STORES[1] else DeadLetters
    with pytest.raises(StoreUnusable, match="version 2, this program knows 1: use a newer one"):
        opens(path)
    assert path.read_bytes() == before
