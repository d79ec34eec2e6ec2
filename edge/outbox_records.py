"""The records in the outbox: never given up, and never given out with other bytes than they had."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from edge.outbox_file import Lost, record_checksum

DAMAGED = "outbox damaged"
SPOILED_MAX = 1_000


class OutboxRecords:
    """The table `record` of an outbox, and `spoiled`, where damaged bytes are kept for people."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._number: int = db.execute("SELECT coalesce(max(number), 0) FROM record").fetchone()[0]

    def keep(self, records: Sequence[tuple[str, bytes]]) -> None:
        """Add records (id and body) in a transaction of the outbox; one that is there stays."""
        numbered = [
            (id, self._number + i, body, record_checksum(id, body))
            for i, (id, body) in enumerate(records, 1)
        ]
        self._db.executemany("INSERT OR IGNORE INTO record VALUES (?, ?, ?, ?)", numbered)
        self._number += len(records)  # a number too many after a rollback does no harm

    def forget(self, ids: Iterable[str]) -> int:
        """Take records out in a transaction of the outbox; how many were there."""
        query = "DELETE FROM record WHERE id = ?"
        return sum(self._db.execute(query, (id,)).rowcount for id in ids)

    def spoil(self, ids: Iterable[str]) -> None:
        """Put damaged records aside, in a transaction of the outbox that says so."""
        for id in ids:
            self._db.execute(
                "INSERT INTO spoiled (about, first) SELECT 'record ' || id, body FROM record"
                " WHERE id = ?",
                (id,),
            )
            self.forget([id])

    def spoil_batches(self, positions: Iterable[int]) -> None:
        """Keep the columns of damaged batches; at the bound the oldest bytes go."""
        self._db.executemany(
            "INSERT INTO spoiled (about, first, second) SELECT 'batch ' || position || ' of ' ||"
            " station, samples, source FROM batch WHERE position = ?",
            [(position,) for position in positions],
        )
        self._db.execute(
            "DELETE FROM spoiled WHERE number <= (SELECT max(number) FROM spoiled) - ?",
            (SPOILED_MAX,),
        )


def lost_record(id: str, now_ms: int = 0) -> Lost:
    """A record whose bytes are no longer its own, in words: its id says when it was made."""
    try:
        time_ms = int(str(id).replace("-", "")[:12], 16)
    except ValueError:
        time_ms = now_ms
    return Lost("", time_ms, time_ms, None, DAMAGED)
