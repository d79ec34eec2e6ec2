"""Which positions the outbox has given and then let go: all others must be in the table.

SQLite does not notice a row whose number was altered, it only does not find it any more. So what is
missing without having been let go is damage, and it is known which positions are missing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import orjson

from wire.sparkplug.acknowledge import Range, RangeSet

RANGES_MAX = 20_000
NAME = "gone"


class Gone:
    """A set of positions that only grows. With too many ranges it knows nothing any more."""

    def __init__(self, ranges: Iterable[Range] = (), *, is_known: bool = True) -> None:
        self._set = RangeSet(RANGES_MAX)
        for first, last in ranges:
            self._set.add(first, last)
        self.is_known = is_known and not self._set.forgotten

    def __contains__(self, position: int) -> bool:
        return not self.is_known or position in self._set

    def has_all(self, upto: int) -> bool:
        """Whether all positions from 1 to `upto` were let go."""
        if not (self.is_known and upto):
            return True
        return any(first == 1 and upto <= last for first, last in self._set.ranges[:1])

    @property
    def count(self) -> int:
        """How many positions were let go."""
        return sum(last - first + 1 for first, last in self._set.ranges)

    def and_these(self, ranges: Iterable[Range], highest: int) -> Gone:
        """The same with more; what was never given (above `highest`) is left out."""
        more = [(max(first, 1), min(last, highest)) for first, last in ranges]
        more = [(first, last) for first, last in more if first <= last]
        return Gone([*self._set.ranges, *more], is_known=self.is_known)

    def misses(self, rows: int, position: int) -> bool:
        """Whether a table of so many rows lacks some, or has too many."""
        return self.is_known and rows != position - self.count

    def save(self, db: sqlite3.Connection) -> None:
        """Keep it, in the transaction that is open."""
        said = orjson.dumps(self._set.ranges if self.is_known else None)
        db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (NAME, said))


def load(db: sqlite3.Connection, position: int) -> Gone:
    """What the outbox says; of one that does not say it, everything that is not in the table."""
    row = db.execute("SELECT value FROM meta WHERE name = ?", (NAME,)).fetchone()
    if row is not None:
        try:
            said = orjson.loads(row[0])
            return Gone(is_known=False) if said is None else Gone(said)
        except (orjson.JSONDecodeError, TypeError, ValueError):
            return Gone(is_known=False)
    there = [position for (position,) in db.execute("SELECT position FROM batch ORDER BY position")]
    found = Gone(_between(there, position))
    with db:
        found.save(db)
    return found


def _between(there: Sequence[int], highest: int) -> Iterable[Range]:
    last = 0
    for position in (*there, highest + 1):
        if position > last + 1:
            yield last + 1, position - 1
        last = position
