"""The samples of the embedded store that are older than it keeps go, a bounded part at a time.

Each hour a round goes over all series, in steps after the writes, so that no write waits long. The
file does not shrink: what is freed is used for new samples.
"""

from __future__ import annotations

import sqlite3
from collections import deque

ROUND_MS = 3_600_000
STEP_ROWS = 5_000
STEP_SERIES = 200
# Up to which time there are at most so many of the oldest rows of a series.
_REACH = "SELECT time FROM settled WHERE series = ? ORDER BY time LIMIT 1 OFFSET ?"
_DELETE = "DELETE FROM settled WHERE series = ? AND time < ?"
_DELETE_RECENT = (
    "DELETE FROM recent WHERE time < ?1 AND time <= coalesce("
    "(SELECT time FROM recent ORDER BY time LIMIT 1 OFFSET ?2), ?1)"
)


class Aging:
    """Which samples are too old, and the steps in which they go; without `keep_ms` none ever."""

    def __init__(self, keep_ms: int | None, step_rows: int = STEP_ROWS) -> None:
        self._keep_ms, self._step_rows = keep_ms, step_rows
        self._series: deque[int] = deque()
        self._is_left = False
        self._due_ms = 0

    def oldest_ms(self, now_ms: int) -> int:
        """What is older than this is not kept."""
        return 0 if self._keep_ms is None else now_ms - self._keep_ms

    def is_due(self, now_ms: int) -> bool:
        """Whether there is a step to do."""
        return self._keep_ms is not None and (self._is_left or now_ms >= self._due_ms)

    def step(self, connection: sqlite3.Connection, now_ms: int) -> int:
        """Do one step in the transaction that is open; how many samples went."""
        if not self._is_left:
            self._due_ms = now_ms + ROUND_MS
            self._series.extend(row[0] for row in connection.execute("SELECT id FROM series"))
        oldest = self.oldest_ms(now_ms)
        gone = connection.execute(_DELETE_RECENT, (oldest, self._step_rows)).rowcount
        self._is_left = gone > 0
        for _ in range(min(STEP_SERIES, len(self._series))):
            if gone >= self._step_rows:
                break
            series = self._series[0]
            reach = connection.execute(_REACH, (series, self._step_rows)).fetchone()
            before = oldest if reach is None else min(oldest, reach[0])
            gone += connection.execute(_DELETE, (series, before)).rowcount
            if before == oldest:
                self._series.popleft()
        self._is_left = self._is_left or bool(self._series)
        return gone
