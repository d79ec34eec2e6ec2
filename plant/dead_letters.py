"""The samples that a store has refused, with the reason: nothing disappears without being said.

A SQLite file beside the store. The same sample refused again is one entry. At the bound the oldest
entries go, which is counted for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from plant.stores.database import Database
from plant.stores.store import Refusal, StoreUnavailable

APPLICATION_ID = 0x5246444C  # "RFDL"
VERSION = 1
ROWS_MAX = 100_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS letter (
    id INTEGER PRIMARY KEY AUTOINCREMENT, refused_ms INTEGER NOT NULL, agent TEXT NOT NULL,
    station TEXT NOT NULL, tag TEXT NOT NULL, time INTEGER NOT NULL, status INTEGER NOT NULL,
    type TEXT NOT NULL, value TEXT NOT NULL, reason TEXT NOT NULL,
    UNIQUE (agent, station, tag, time, reason)
);
CREATE TABLE IF NOT EXISTS dropped (one INTEGER PRIMARY KEY CHECK (one = 1), letters INTEGER);
INSERT OR IGNORE INTO dropped VALUES (1, 0);
"""
_COLUMNS = "agent, station, tag, time, status, type, value, reason"
_INSERT = (
    f"INSERT INTO letter (refused_ms, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET refused_ms = excluded.refused_ms, status = excluded.status, "
    "type = excluded.type, value = excluded.value"
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One refused sample: when it was refused, whose it is, and why."""

    refused_ms: int
    agent: str
    refusal: Refusal


class DeadLetters:
    """The table of refused samples; StoreUnavailable when it cannot be written now."""

    def __init__(self, path: Path, rows_max: int = ROWS_MAX) -> None:
        self._database = Database(path, _SCHEMA, APPLICATION_ID, VERSION, is_small=True)
        self._rows_max = rows_max
        self._database.check()

    def add(self, refused: Iterable[tuple[str, Sequence[Refusal]]], now_ms: int) -> None:
        """Keep the refusals of each agent, durably."""
        rows = [
            (now_ms, agent, one.station, one.tag, one.time_ms, one.status, one.type, one.value,
             one.reason)
            for agent, refusals in refused
            for one in refusals
        ]  # fmt: skip
        if not rows:
            return
        with self._database.writing() as connection:
            connection.executemany(_INSERT, rows)
            gone = connection.execute(
                "DELETE FROM letter WHERE id <= (SELECT max(id) FROM letter) - ?", (self._rows_max,)
            ).rowcount
            connection.execute("UPDATE dropped SET letters = letters + ?", (gone,))

    def read(self, agent: str | None = None, limit: int = ROWS_MAX) -> list[DeadLetter]:
        """The entries last made first, of one agent or of all."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT refused_ms, {_COLUMNS} FROM letter WHERE ?1 IS NULL OR agent = ?1 "
                "ORDER BY id DESC LIMIT ?2",
                (agent, limit),
            ).fetchall()
        return [DeadLetter(row[0], row[1], Refusal(*row[2:])) for row in rows]

    def count(self) -> int:
        """How many entries there are."""
        with self._database.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM letter").fetchone()[0])

    def dropped(self) -> int:
        """How many entries had to go because there were too many, ever."""
        with self._database.reading() as connection:
            (letters,) = connection.execute("SELECT letters FROM dropped").fetchone() or (None,)
        if not isinstance(letters, int):
            raise StoreUnavailable(f"{self._database.path}: how many were dropped is damaged")
        return letters

    def close(self) -> None:
        """Close the file."""
        self._database.close()
