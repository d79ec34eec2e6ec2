"""The records that wait in the outbox, as the publisher asks for them; on the outbox's thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Container
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """Records that may go, oldest first (id and body), and those too long for it (id and bytes)."""

    ready: list[tuple[str, bytes]]
    large: list[tuple[str, int]]


class RecordQueue:
    """Reads what `Outbox` keeps of records; it writes nothing."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    def waiting(self, limit: int, bytes_max: int, skip: Container[str]) -> Waiting:
        """The oldest records that are not in `skip` and not longer than `bytes_max`."""
        found: list[tuple[str, int]] = []
        large: list[tuple[str, int]] = []
        rows = self._db.execute("SELECT id, length(body), number FROM record ORDER BY number")
        for id, size, number in rows:
            if size > bytes_max:
                large.append((id, size))
            elif id not in skip:
                found.append((id, number))
                if len(found) == limit:
                    break
        rows.close()
        query = "SELECT body FROM record WHERE number = ?"
        bodies = [self._db.execute(query, (number,)).fetchone()[0] for _, number in found]
        return Waiting([(id, body) for (id, _), body in zip(found, bodies, strict=True)], large)
