"""Where a run can be broken: every operation is counted, and the n-th of a kind may fail."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

PAGES_MAX = 1 << 30

Broken = Callable[[Any], None]


class Operations:
    """Counts operations by point. What is armed for one is called there, once, with its subject."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._armed: dict[str, list[tuple[int, Broken]]] = {}

    def arm(self, point: str, number: int, broken: Broken) -> None:
        """Call `broken` at the `number`-th operation from now on (1: the next one)."""
        self._armed.setdefault(point, []).append((self.counts[point] + number, broken))

    def hit(self, point: str, subject: Any = None) -> None:
        """An operation begins; what is armed for it may raise."""
        self.counts[point] += 1
        armed = self._armed.get(point)
        if armed:
            number = self.counts[point]
            due = [broken for at, broken in armed if at <= number]
            self._armed[point] = [one for one in armed if one[0] > number]
            for broken in due:
                broken(subject)

    def disarm(self) -> None:
        """Nothing more is to fail."""
        self._armed.clear()


class Disk:
    """The disk of the outbox: SQLite as it is, but full or failing when it is told to."""

    def __init__(self, operations: Operations, outbox: Path) -> None:
        self.operations, self.outbox = operations, outbox
        self.fails = False
        self.connection: FailingConnection | None = None
        self._connect = sqlite3.connect

    def __enter__(self) -> Disk:
        sqlite3.connect = self.connect  # type: ignore[assignment]
        return self

    def __exit__(self, *_: object) -> None:
        sqlite3.connect = self._connect

    def connect(self, path: Any, *arguments: Any, **named: Any) -> sqlite3.Connection:
        """As `sqlite3.connect`; the outbox gets a connection that can fail."""
        if Path(path) != self.outbox:
            return self._connect(path, *arguments, **named)
        made = self._connect(path, *arguments, factory=FailingConnection, **named)
        assert isinstance(made, FailingConnection)
        made.disk = self
        self.connection = made
        return made

    def fill(self) -> None:
        """No page more than there are: SQLITE_FULL by SQLite itself, wherever it comes to it."""
        if self.connection is not None:
            self.connection.limit(0)

    def mend(self) -> None:
        """There is room again, and nothing fails."""
        self.fails = False
        if self.connection is not None:
            self.connection.limit(PAGES_MAX)


class FailingConnection(sqlite3.Connection):
    """The outbox's connection."""

    disk: Disk | None = None

    def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:  # type: ignore[override]
        """As the real one, if the disk does not fail."""
        self._check()
        return super().execute(sql, *arguments)

    def executemany(self, sql: str, *arguments: Any) -> sqlite3.Cursor:  # type: ignore[override]
        """As the real one, if the disk does not fail."""
        self._check()
        return super().executemany(sql, *arguments)

    def limit(self, pages: int) -> None:
        """Let the file have so many pages at most, or as many as it has."""
        with contextlib.suppress(sqlite3.ProgrammingError):  # it is closed
            super().execute(f"PRAGMA max_page_count={max(pages, 1)}")

    def _check(self) -> None:
        if self.disk is not None:
            self.disk.operations.hit("statement", self)
            if self.disk.fails:
                raise sqlite3.OperationalError("disk I/O error")
