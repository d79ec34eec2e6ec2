"""What can still be read of a damaged outbox goes into a new one; what cannot is noted as lost.

A table is read from both ends and, in between, row by row: a page that makes no sense costs the
rows on it. The new outbox has another id, so that no confirmation of the old one counts in it;
positions and numbers of tags go on from the old ones.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.outbox_damage import judged, note_lost
from edge.outbox_file import COLUMNS, Batch, Lost, head_fits, open_file, record_fits
from edge.outbox_gone import NAME, Gone, load
from edge.outbox_records import DAMAGED, lost_record
from stations.declare import Type
from stations.samples import Corrupt

PROBES_MAX = 1_000_000  # rows that are asked for one by one
NUMBERS_MAX = 1 << 48  # more were never given
BEGINNING_MS = 0  # where nothing says since when
COPIED = (("memory", "station", 2), ("file", "number", 9), ("lost", "number", 6))
Tags = dict[int, tuple[str, str, Type]]


@dataclass(slots=True)
class Salvaged:
    """What was read, and what was not."""

    batches: int
    records: int
    lost: list[Lost]


def salvage(path: Path, into: Path, now_ms: int, highest: int = 0) -> Salvaged:
    """Make a new outbox at `into` of what can be read of that at `path`; both are closed then.

    `highest` is the highest position that was given, where that is known better than by the file.
    """
    old = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    old.text_factory = lambda text: text.decode(errors="replace")
    with closing(old), closing(open_file(into)) as new:
        with new:
            new.execute("DELETE FROM meta WHERE name IN ('state', 'state_upto', 'bd_seq')")
            found = _Salvage(old, new, now_ms).all(highest)
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return found


class _Salvage:
    def __init__(self, old: sqlite3.Connection, new: sqlite3.Connection, now_ms: int) -> None:
        self.old, self.new, self.now_ms = old, new, now_ms
        self.lost: list[Lost] = []
        self.kept = 0

    def all(self, highest: int) -> Salvaged:
        """Everything, in the transaction that is open."""
        self._meta()
        tags = self._tags()
        for table, key, columns in COPIED:
            marks = ", ".join("?" * columns)
            for row in _readable(self.old, f"SELECT * FROM {table}", key):
                with suppress(sqlite3.Error):
                    self.new.execute(f"INSERT INTO {table} VALUES ({marks})", row)
        records = self._records()
        batches, last = self._batches(tags, highest)
        self._next("batch", last)
        note_lost(self.new, self.lost)
        return Salvaged(batches, records, self.lost)

    def _meta(self) -> None:
        """All but the id. A state that cannot be read is none: repeats are stored once anyway."""
        first = {"state": b"", "state_upto": 0, "bd_seq": -1}
        found = dict(_readable(self.old, "SELECT name, value FROM meta", "name"))
        kept = {name: value for name, value in found.items() if name not in ("id", NAME)}
        if not isinstance(kept.get("state_upto"), int) or not isinstance(kept.get("bd_seq"), int):
            kept |= first
        self.new.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", (first | kept).items())

    def _tags(self) -> Tags:
        tags: Tags = {}
        columns = "SELECT number, station, name, type FROM tag"
        for number, station, name, type in _readable(self.old, columns, "number"):
            with suppress(ValueError, sqlite3.Error):
                # By the index, too: what the two say differently is neither.
                query = "SELECT number FROM tag WHERE station = ? AND name = ? AND type = ?"
                if self.old.execute(query, (station, name, type)).fetchone() != (number,):
                    continue
                tags[number] = (station, name, Type(type))
                self.new.execute(
                    "INSERT INTO tag VALUES (?, ?, ?, ?)", (number, station, name, type)
                )
        self._next("tag", max(tags, default=0))
        return tags

    def _records(self) -> int:
        kept = 0
        column = "checksum" if _has_checksums(self.old) else "NULL"
        holes: list[tuple[Any, Any]] = []
        query = f"SELECT id, number, body, {column} FROM record"
        for id, number, body, checksum in _readable(self.old, query, "id", holes):
            if not record_fits(id, body, checksum):
                self.lost.append(lost_record(id, self.now_ms))
                continue
            with suppress(sqlite3.Error):
                row = (id, number, body, checksum)
                self.new.execute("INSERT INTO record VALUES (?, ?, ?, ?)", row)
                kept += 1
        for before, after in holes:  # an id begins with the time of its record
            since = BEGINNING_MS if before is None else lost_record(before).from_ms
            until = self.now_ms if after is None else lost_record(after, self.now_ms).to_ms
            self.lost.append(Lost("", min(since, until), until, None, DAMAGED))
        return kept

    def _batches(self, tags: Tags, highest: int) -> tuple[int, int]:
        """How many batches are kept, and the highest position that was given as far as known."""
        highest = self._highest(highest)
        try:
            gone = load(self.old, highest)
        except sqlite3.Error:
            gone = Gone()  # nothing is known to have been let go
        before = Lost("", BEGINNING_MS, BEGINNING_MS, None, DAMAGED)
        first = max(1, highest - PROBES_MAX)
        is_hole = not gone.has_all(first - 1)  # whether something is missing since `before`
        for position in range(first, highest + 1):
            row = self._row(position)
            if row is None:
                is_hole |= position not in gone
                continue
            here = self._batch(row, tags)
            if here is None:
                is_hole = True
                continue
            if is_hole:
                self._hole(before, here.to_ms)
            before, is_hole = here, False
        if is_hole or not highest:
            self._hole(before, self.now_ms)
        return self.kept, highest

    def _highest(self, highest: int) -> int:
        """The highest position that was given, as far as anything says it."""
        for order in ("", " DESC"):
            with suppress(sqlite3.Error):
                for row in self.old.execute(
                    f"SELECT {COLUMNS} FROM batch ORDER BY position{order}"
                ):
                    if head_fits(row):
                        highest = max(highest, row[0])
        return max(highest, self._used("batch"))

    def _row(self, position: int) -> tuple[Any, ...] | None:
        """The row with this number; None when it cannot be read, or is not there."""
        with suppress(sqlite3.Error):
            query = f"SELECT {COLUMNS} FROM batch WHERE position = ?"
            row: tuple[Any, ...] | None = self.old.execute(query, (position,)).fetchone()
            return row
        return None

    def _batch(self, row: tuple[Any, ...], tags: Tags) -> Lost | None:
        """Keep a batch, or name it as lost; its times, None when nothing of it can be believed."""
        try:
            batch = Batch.from_row(row)
            if not all(number in tags for number in set(batch.samples.tag.tolist())):
                raise Corrupt("samples of a tag whose name is not known any more")
        except Corrupt:
            lost = judged(row, tags)
            self.lost += [] if lost is None else [lost]
            return lost
        self.new.execute("INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?)", batch.row())
        self.kept += 1
        return batch.lost(DAMAGED)

    def _hole(self, before: Lost, to_ms: int) -> None:
        """Batches between two that could be read: whose they were is not known."""
        self.lost.append(Lost("", min(before.from_ms, to_ms), to_ms, None, DAMAGED))

    def _used(self, table: str) -> int:
        """The highest number that the table has given, as it says itself."""
        with suppress(sqlite3.Error):
            query = "SELECT seq FROM sqlite_sequence WHERE name = ?"
            (said,) = self.old.execute(query, (table,)).fetchone() or (0,)
            return said if isinstance(said, int) and 0 <= said < NUMBERS_MAX else 0
        return 0

    def _next(self, table: str, used: int) -> None:
        """No number is given a second time."""
        used = max(used, self._used(table))
        self.new.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        self.new.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, used))


def _readable(
    db: sqlite3.Connection, query: str, key: str, holes: list[tuple[Any, Any]] | None = None
) -> Iterator[tuple[Any, ...]]:
    """The rows of a table from both ends, as far as they can be read; the keys around the rest."""
    columns = query.removeprefix("SELECT ").split(" FROM ")[0].split(", ")
    at = columns.index(key) if key in columns else 0
    seen: set[Any] = set()
    ends: list[Any] = []
    for order in ("", " DESC"):
        last = None
        try:
            for row in db.execute(f"{query} ORDER BY {key}{order}"):
                if row[at] in seen:
                    break
                last = row[at]
                seen.add(last)
                yield row
            else:
                if not order:
                    return
        except sqlite3.Error:
            ends.append(last)
    if ends and holes is not None:
        holes.append((ends[0], ends[-1] if len(ends) > 1 else None))


def _has_checksums(db: sqlite3.Connection) -> bool:
    try:
        return any(row[1] == "checksum" for row in db.execute("PRAGMA table_info(record)"))
    except sqlite3.Error:
        return True
