"""The records that wait in the outbox, as the publisher asks for them; on the outbox's thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from edge.outbox_file import record_fits


@dataclass(frozen=True, slots=True)
class Waiting:
    """Records that may go, oldest first (id and body), and those too long for it (id and bytes)."""

    ready: list[tuple[str, bytes]]
    large: list[tuple[str, int]]


class RecordQueue:
    """Reads what `Outbox` keeps of records; `spoil` puts those aside whose bytes are not theirs."""

    def __init__(self, spoil: Callable[[Sequence[str]], None]) -> None:
        self._spoil = spoil

    def reopen(self, database: sqlite3.Connection) -> None:
        """Read from this file from now on."""
        self._db = database

    def waiting(
        self, limit: int, bytes_max: int, skip: Container[str],
        long_bytes: int = 1 << 62, longs: int = 0,
    ) -> Waiting:  # fmt: skip
        """The oldest records that are not in `skip` and not longer than `bytes_max`.

        Of those longer than `long_bytes` there are at most `longs`.
        """
        found: list[tuple[str, int]] = []
        large: list[tuple[str, int]] = []
        rows = self._db.execute("SELECT id, length(body), number FROM record ORDER BY number")
        for id, size, number in rows:
            if size > bytes_max:
                large.append((id, size))
            elif id not in skip and (size <= long_bytes or longs):
                longs -= size > long_bytes
                found.append((id, number))
                if len(found) == limit:
                    break
        rows.close()
        query = "SELECT id, body, checksum FROM record WHERE number = ?"
        ready: list[tuple[str, bytes]] = []
        damaged: list[str] = []
        for _, number in found:
            for id, body, checksum in self._db.execute(query, (number,)):
                if record_fits(id, body, checksum):
                    ready.append((id, body))
                else:
                    damaged.append(id)
        if damaged:
            self._spoil(damaged)
        return Waiting(ready, large)
