"""How samples come from the order of their arrival into that of their series.

A commit writes whole pages. Were each sample put beside the older ones of its series at once, a
commit of one value for each of 1,000 series would write 1,000 pages: 5 kB for a value. So a write
goes to `recent`, which is kept in the order of time, and when enough has gathered there it is
settled: moved to `settled`, which is kept by series, in steps too short to hold up the writes
between them. `sample` is the view of both. While a row lies in both it counts once, as `recent` has
it. benchmarks/throughput.py measures CPU-seconds and bytes written for each value.
"""

from __future__ import annotations

import sqlite3
from collections import deque

ROWS_MIN = 100_000
STEP_ROWS = 10_000
SCHEMA = """
CREATE TABLE IF NOT EXISTS recent (
    time INTEGER NOT NULL, series INTEGER NOT NULL, status INTEGER NOT NULL, value,
    PRIMARY KEY (time, series)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settled (
    series INTEGER NOT NULL, time INTEGER NOT NULL, status INTEGER NOT NULL, value,
    PRIMARY KEY (series, time)
) WITHOUT ROWID;
CREATE VIEW IF NOT EXISTS sample (series, time, status, value) AS
    SELECT series, time, status, value FROM recent
    UNION ALL
    SELECT series, time, status, value FROM settled WHERE time < (SELECT min(time) FROM recent)
    OR NOT EXISTS (SELECT 1 FROM recent WHERE recent.time = settled.time
                   AND recent.series = settled.series);
"""
_COPY = """
INSERT INTO settled SELECT series, time, status, value FROM recent WHERE series BETWEEN ? AND ?
ORDER BY series, time
ON CONFLICT (series, time) DO UPDATE SET status = excluded.status, value = excluded.value
"""
# Only what is in `settled` exactly as it is here: it may have been written anew meanwhile.
_DELETE = """
DELETE FROM recent WHERE time BETWEEN ? AND ? AND EXISTS (
    SELECT 1 FROM settled WHERE settled.series = recent.series AND settled.time = recent.time
    AND settled.status = recent.status AND settled.value IS recent.value)
"""
Step = tuple[str, int, int]


class Settling:
    """The moving from `recent` to `settled`, one step at a time; may begin anew at any moment."""

    def __init__(self, rows_min: int = ROWS_MIN, step_rows: int = STEP_ROWS) -> None:
        self._rows_min, self._step_rows = rows_min, step_rows
        self._steps: deque[Step] = deque()
        self._rows: int | None = None

    def forget(self) -> None:
        """Another file, or one that could not be written: look again what there is."""
        self._steps.clear()
        self._rows = None

    def steps_for(self, rows: int) -> int:
        """How many steps are to be done now that so many rows have been written.

        Each row is touched twice, so that settling is ahead of writing at three times its rows.
        """
        if self._rows is not None:
            self._rows += rows
        is_due = self._steps or self._rows is None or self._rows >= self._rows_min
        return max(1, 3 * rows // self._step_rows) if is_due else 0

    def step(self, connection: sqlite3.Connection) -> bool:
        """Do one step, in the transaction that is open; whether there was one to do."""
        if not self._steps:
            self._plan(connection)
        if not self._steps:
            return False
        statement, first, last = self._steps[0]
        connection.execute(statement, (first, last))
        self._steps.popleft()
        if not self._steps:
            self._rows = None
        return True

    def _plan(self, connection: sqlite3.Connection) -> None:
        self._rows = connection.execute("SELECT count(*) FROM recent").fetchone()[0]
        if self._rows < self._rows_min:
            return
        for statement, column in ((_COPY, "series"), (_DELETE, "time")):
            rows = connection.execute(
                f"SELECT {column}, count(*) FROM recent GROUP BY {column} ORDER BY {column}"
            )
            self._steps += [(statement, *span) for span in _spans(rows, self._step_rows)]


def _spans(rows: sqlite3.Cursor, size: int) -> list[tuple[int, int]]:
    """First and last of groups of keys that have at least `size` rows together."""
    spans: list[tuple[int, int]] = []
    first: int | None = None
    key = gathered = 0
    for key, count in rows:
        first = key if first is None else first
        gathered += count
        if gathered >= size:
            spans.append((first, key))
            first, gathered = None, 0
    if first is not None:
        spans.append((first, key))
    return spans
