"""How much the outbox may hold of samples, and how much must go when it holds more."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fill:
    """How full the outbox is."""

    batches: int
    samples: int
    bytes: int
    oldest_ms: int | None
    records: int


def over(
    db: sqlite3.Connection, *, older_than_ms: int | None, bytes_max: int, size: int
) -> int | None:
    """The highest position that must go to keep the bounds; None when they are kept."""
    limit = None
    if older_than_ms is not None:
        query = "SELECT max(position) FROM batch WHERE committed_ms < ?"
        limit = db.execute(query, (older_than_ms,)).fetchone()[0]
    left = size - bytes_max
    if left > 0:
        left += bytes_max // 20  # Some room, so that this is not done for every batch.
        query = "SELECT position, length(samples) + length(source) FROM batch ORDER BY position"
        for position, length in db.execute(query):
            limit = max(limit or 0, position)
            left -= length
            if left <= 0:
                break
    return limit
