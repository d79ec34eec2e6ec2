"""The samples of the embedded store that are older than it keeps go, a bounded part at a time.

Each hour a round goes over all series, in steps after the writes, so that no write waits long. The
file does not shrink: what is freed is used for new samples.

How old a sample is says the newest one that a machine has made, not the clock of this computer: one
that jumps months ahead would delete all there is. When the machines' time jumps too, nothing goes
for HOLD_MS of the new time, in which somebody can see it.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Sequence

import structlog

from plant.stores.store import OWN_MEASUREMENTS, Points

log = structlog.get_logger("store")

ROUND_MS = 3_600_000
STEP_ROWS = 5_000
STEP_SERIES = 200
JUMP_MS_MAX = HOLD_MS = 7 * 86_400_000
_NEWEST = (
    "SELECT max(time) FROM recent JOIN series ON id = series WHERE measurement NOT IN ({})",
    "SELECT max((SELECT max(time) FROM settled WHERE series = id)) FROM series"
    " WHERE measurement NOT IN ({})",
)
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
        self._now_ms: int | None = None
        self._jumped_ms: int | None = None

    def see(self, connection: sqlite3.Connection, points: Sequence[Points]) -> None:
        """Take the time from what is written: that of the newest sample, never ahead of ours."""
        if self._keep_ms is None:
            return
        if self._now_ms is None:
            own = ", ".join(f"'{name}'" for name in OWN_MEASUREMENTS)
            for query in _NEWEST:
                if self._now_ms is None:
                    self._now_ms = connection.execute(query.format(own)).fetchone()[0]
        newest = [
            int(min(one.samples.time.max(), one.received_ms))
            for one in points
            if len(one.samples) and one.measurement not in OWN_MEASUREMENTS
        ]
        if newest:
            self._believe(max(newest))

    def _believe(self, now_ms: int) -> None:
        if self._now_ms is None or now_ms - self._now_ms <= JUMP_MS_MAX:
            self._now_ms = max(now_ms, self._now_ms or 0)
            self._jumped_ms = None
            return
        if self._jumped_ms is None:
            self._jumped_ms = now_ms
            days = (now_ms - self._now_ms) // 86_400_000
            log.warning("the time went far ahead: no old samples go for a week", days=days)
        if now_ms - self._jumped_ms >= HOLD_MS:
            self._now_ms, self._jumped_ms = now_ms, None

    @property
    def oldest_ms(self) -> int:
        """What is older than this is not kept."""
        return 0 if self._keep_ms is None or self._now_ms is None else self._now_ms - self._keep_ms

    @property
    def is_due(self) -> bool:
        """Whether there is a step to do."""
        return self._now_ms is not None and (self._is_left or self._now_ms >= self._due_ms)

    def step(self, connection: sqlite3.Connection) -> int:
        """Do one step in the transaction that is open; how many samples went."""
        if not self._is_left:
            self._due_ms = (self._now_ms or 0) + ROUND_MS
            self._series.extend(row[0] for row in connection.execute("SELECT id FROM series"))
        oldest = self.oldest_ms
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
