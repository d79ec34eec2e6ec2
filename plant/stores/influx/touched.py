"""The minutes whose means have to be computed, on disk until they are.

A minute of a station is entered when something is written to it, however old it is, before that is
acknowledged; so a historian that is killed computes it after its restart. An entry is made once a
minute and station as long as samples come in time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from plant.stores.database import Database
from plant.stores.influx.catalog import Place

APPLICATION_ID = 0x5246544D  # "RFTM"
VERSION = 1
MINUTE_MS = 60_000
SETTLE_MS = 15_000
ROWS_MAX = 200_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS touched (
    site TEXT NOT NULL, line TEXT NOT NULL, station TEXT NOT NULL, measurement TEXT NOT NULL,
    minute INTEGER NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (site, line, station, measurement, minute)
) WITHOUT ROWID;
"""


class Minute(NamedTuple):
    """A minute of a place, in minutes since 1970."""

    place: Place
    minute: int


class Touched:
    """A bounded set of minutes: `add` is durable, `take` and `done` are for who computes them."""

    def __init__(self, path: Path, rows_max: int = ROWS_MAX) -> None:
        self.dropped = 0
        self._database = Database(path, _SCHEMA, APPLICATION_ID, VERSION)
        self._database.check()
        self._rows_max = rows_max
        self._lock = threading.Lock()
        self._due: dict[Minute, int] = {}
        self._number: dict[Minute, int] = {}
        self._next = 0
        self._is_read = False

    def __len__(self) -> int:
        return len(self._due)

    def add(self, minutes: Iterable[Minute], now_ms: int) -> None:
        """These were written to; StoreUnavailable when that cannot be kept now."""
        with self._lock:
            self._read(now_ms)
            new = [one for one in minutes if one not in self._due]
            room = max(0, self._rows_max - len(self._due))
            self.dropped += len(new[room:])
            new = new[:room]
            if not new:
                return
            rows = [(*one.place, one.minute, self._next + i) for i, one in enumerate(new)]
            with self._database.writing() as connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO touched VALUES (?, ?, ?, ?, ?, ?)", rows
                )
            for one in new:
                self._number[one] = self._next
                self._next += 1
                self._due[one] = max((one.minute + 1) * MINUTE_MS, now_ms) + SETTLE_MS

    def take(self, now_ms: int, limit: int) -> list[Minute]:
        """Minutes that are over and were not just written to, oldest first, to be computed now."""
        with self._lock:
            self._read(now_ms)
            due = [one for one, then in self._due.items() if then <= now_ms]
            due.sort(key=lambda one: (one.place, one.minute))
            taken = due[:limit]
            for one in taken:
                del self._due[one]
            return taken

    def done(self, minutes: Iterable[Minute]) -> None:
        """These are computed; what was written to them meanwhile is computed again."""
        with self._lock:
            over = [one for one in minutes if one not in self._due]
            with self._database.writing() as connection:
                connection.executemany(
                    "DELETE FROM touched WHERE site = ? AND line = ? AND station = ?"
                    " AND measurement = ? AND minute = ? AND number = ?",
                    [(*one.place, one.minute, self._number[one]) for one in over],
                )
            for one in over:  # not before it is on disk: when that fails, they come again
                del self._number[one]

    def back(self, minutes: Iterable[Minute], now_ms: int) -> None:
        """These could not be computed; what of them is not done comes again."""
        with self._lock:
            for one in minutes:
                if one in self._number:
                    self._due.setdefault(one, now_ms + SETTLE_MS)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _read(self, now_ms: int) -> None:
        """What an earlier process has left."""
        if self._is_read:
            return
        with self._database.reading() as connection:
            rows = connection.execute("SELECT * FROM touched").fetchall()
        for *place, minute, number in rows:
            one = Minute(Place(*place), minute)
            self._due.setdefault(one, now_ms)
            self._number[one] = number
            self._next = max(self._next, number + 1)
        self._is_read = True
