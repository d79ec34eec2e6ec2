"""The agent's store on disk: nothing leaves or is acknowledged before it is in here.

One SQLite file (WAL, synchronous=FULL). A batch is the samples of one station that were committed
together: one row, one Sparkplug message, one position. Positions rise for ever and are never given
twice. Every method blocks; the agent calls them from one thread of its own.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge.delivery import Positions
from edge.files.table import FileRow, OutboxFiles
from edge.outbox_file import COLUMNS, Batch, Lost, OutboxError, open_file, replay
from edge.record_queue import RecordQueue
from edge.state import State
from stations.declare import Type
from stations.samples import Corrupt

_PLACE = "place of "


@dataclass(frozen=True, slots=True)
class Fill:
    """How full the outbox is."""

    batches: int
    samples: int
    bytes: int
    oldest_ms: int | None
    records: int


class Outbox:
    """The outbox of one agent. `bytes_max` and `age_ms_max` bound the samples, not the records."""

    def __init__(
        self, path: Path, *, bytes_max: int = 1 << 30, age_ms_max: int | None = None
    ) -> None:
        self.path, self.bytes_max, self.age_ms_max = path, bytes_max, age_ms_max
        self._db = open_file(path)
        self.files = OutboxFiles(self._db)
        self.record_queue = RecordQueue(self._db)
        try:
            self._begin()
        except sqlite3.Error as error:
            self._db.close()
            raise OutboxError(
                f"{path} is damaged ({error}); move it away to start with an empty outbox: what"
                " waits in it is lost then, so keep it for whoever can repair it"
            ) from error

    def _begin(self) -> None:
        self.id: str = self._meta("id")
        self._position: int = self._one(
            "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'batch'), 0),"
            " coalesce((SELECT max(position) FROM batch), 0))"
        )
        self._record: int = self._one("SELECT coalesce(max(number), 0) FROM record")
        self._upto: int = self._meta("state_upto")
        self._batches, self._samples, self._bytes = self._count("1")

    @property
    def position(self) -> int:
        """The highest position that was ever given."""
        return self._position

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()

    def numbers(self, station: str, tags: Iterable[tuple[str, Type]]) -> dict[str, int]:
        """The numbers of the tags of one station, by name: given once, never given to another."""
        query = "SELECT name, type, number FROM tag WHERE station = ?"
        wanted = [(name, int(type)) for name, type in tags]
        known = {(name, type): n for name, type, n in self._db.execute(query, (station,))}
        new = [(station, *key) for key in wanted if key not in known]
        if new:
            with self._db:
                insert = "INSERT INTO tag (station, name, type) VALUES (?, ?, ?)"
                self._db.executemany(insert, new)
            known = {(name, type): n for name, type, n in self._db.execute(query, (station,))}
        return {name: known[name, type] for name, type in wanted}

    def all_tags(self) -> dict[int, tuple[str, str, Type]]:
        """Every number ever given: station, name, type. Waiting samples may use an old one."""
        rows = self._db.execute("SELECT number, station, name, type FROM tag")
        return {number: (station, name, Type(type)) for number, station, name, type in rows}

    def places(self, stations: Iterable[tuple[str, str, str]] = ()) -> dict[str, tuple[str, str]]:
        """Line and kind of every station ever named; `stations` (name, line, kind) are noted.

        Samples of a station that is no longer declared still belong where the others are.
        """
        with self._db:
            notes = [(f"{_PLACE}{name}", f"{line}/{kind}") for name, line, kind in stations]
            self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", notes)
        query = "SELECT name, value FROM meta WHERE substr(name, 1, ?) = ?"
        found = self._db.execute(query, (len(_PLACE), _PLACE)).fetchall()
        split = {name[len(_PLACE) :]: value.rpartition("/") for name, value in found}
        return {name: (line, kind) for name, (line, _, kind) in split.items()}

    def commit(
        self,
        batches: Sequence[Batch],
        now_ms: int,
        records: Sequence[tuple[str, bytes]] = (),
        memories: Sequence[tuple[str, bytes]] = (),
        state: bytes | None = None,
        files: Sequence[FileRow] = (),
    ) -> list[Batch]:
        """Write all of it in one transaction, on disk when this returns; batches get positions.

        `files` belong to `records`. `state` is the pipeline's state after exactly these batches and
        those before.
        """
        placed = [
            replace(batch, position=self._position + i, committed_ms=now_ms)
            for i, batch in enumerate(batches, 1)
        ]
        with self._db:
            rows = [batch.row() for batch in placed]
            self._db.executemany("INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            self._keep(records)
            self.files.add(files, now_ms)
            self._db.executemany("INSERT OR REPLACE INTO memory VALUES (?, ?)", memories)
            if state is not None:
                self._save_state(state, self._position + len(placed))
        self._position += len(placed)
        self._batches += len(placed)
        self._samples += sum(len(batch.samples) for batch in placed)
        self._bytes += sum(len(row[-2]) + len(row[-1]) for row in rows)
        self._record += len(records)
        if state is not None:
            self._upto = self._position
        return placed

    def state(self) -> tuple[State, list[Lost]]:
        """The pipeline's state as of the last commit: the saved one, and the batches after it."""
        lost: list[Lost] = []
        try:
            saved = self._meta("state")
            state = State.from_bytes(saved) if saved else State()
        except Corrupt:
            state, self._upto = State(), 0
        for batch in self._read("position > ? ORDER BY position", (self._upto,), lost):
            replay(state, batch)
        return state, lost

    def memories(self) -> dict[str, bytes]:
        """What the rules of each station remembered at the last commit."""
        return dict(self._db.execute("SELECT station, state FROM memory"))

    def waiting(self, below: int, skip: Positions, limit: int) -> tuple[list[Batch], list[Lost]]:
        """The oldest batches not in `skip` whose position is at most `below`."""
        lost: list[Lost] = []
        rows = self._db.execute(
            "SELECT position FROM batch WHERE position <= ? ORDER BY position", (below,)
        )
        wanted: list[int] = []
        for (position,) in rows:
            if position not in skip:
                wanted.append(position)
                if len(wanted) == limit:
                    break
        rows.close()
        found = []
        for position in wanted:
            found += self._read("position = ?", (position,), lost)
        return found, lost

    def confirmed(
        self,
        ranges: Iterable[tuple[int, int]],
        state: bytes | None = None,
        records: Sequence[tuple[str, bytes]] = (),
        files: Iterable[str] = (),
    ) -> int:
        """Forget the batches in these ranges, both ends included; returns how many samples.

        `records` are written and `files` (hashes) given up in the same transaction.

        Batches that the saved state does not cover yet are its only trace: then `state` (as of the
        last commit) must be given.
        """
        ranges = list(ranges)
        with self._deleting():
            if state is not None:
                self._save_state(state, self._position)
            gone = [self._delete("position BETWEEN ? AND ?", span) for span in ranges]
            self._keep(records)
            self.files.give_up(files)
        self._record += len(records)
        if state is not None:
            self._upto = self._position
        return sum(gone)

    def needs_state(self, highest: int) -> bool:
        """True when batches up to `highest` may go only together with a newer state."""
        return highest > self._upto

    def records(self, limit: int) -> list[tuple[str, bytes]]:
        """The oldest records that the ledger has not confirmed: id and body."""
        return self._db.execute(
            "SELECT id, body FROM record ORDER BY number LIMIT ?", (limit,)
        ).fetchall()

    def records_confirmed(self, ids: Iterable[str]) -> int:
        """Forget records that the ledger has; returns how many of these ids were waiting here."""
        with self._db:
            return sum(
                self._db.execute("DELETE FROM record WHERE id = ?", (id,)).rowcount for id in ids
            )

    def bound(
        self,
        now_ms: int,
        state: Callable[[], bytes],
        records: Callable[[list[Lost]], Sequence[tuple[str, bytes]]] = lambda lost: (),
    ) -> list[Lost]:
        """Give up the oldest samples until the bounds are kept; says what is gone.

        They go together with the `records` that say so, or not at all.
        """
        limit = self._over(now_ms)
        if limit is None:
            return []
        lost = [
            Lost(station, first, last, count, "outbox full")
            for station, first, last, count in self._db.execute(
                "SELECT station, min(first_ms), max(last_ms), sum(count) FROM batch"
                " WHERE position <= ? GROUP BY station",
                (limit,),
            )
        ]
        self.confirmed([(0, limit)], state(), records(lost))
        return lost

    def fill(self) -> Fill:
        """How full the outbox is now."""
        oldest = self._one("SELECT committed_ms FROM batch ORDER BY position LIMIT 1")
        records = self._whole("SELECT count(*) FROM record")
        return Fill(self._batches, self._samples, self._bytes, oldest, records)

    def renew(self) -> str:
        """Take another id, durably: this file is an older copy of what the historian knows."""
        with self._db:
            id = uuid.uuid4().hex
            self._db.execute("UPDATE meta SET value = ? WHERE name = 'id'", (id,))
        self.id = id
        return id

    def next_bd_seq(self) -> int:
        """The bdSeq of the CONNECT that goes out now, 0 to 255 and round; durable on return."""
        number = self.bd_seq_ahead()
        with self._db:
            self._db.execute("UPDATE meta SET value = ? WHERE name = 'bd_seq'", (number,))
        return number

    def bd_seq_ahead(self) -> int:
        """The bdSeq that the next CONNECT will carry, without taking it."""
        return int(self._meta("bd_seq") + 1) % 256

    def _over(self, now_ms: int) -> int | None:
        """The highest position that must go to keep the bounds; None when they are kept."""
        limit = None
        if self.age_ms_max is not None:
            limit = self._one(
                "SELECT max(position) FROM batch WHERE committed_ms < ?",
                (now_ms - self.age_ms_max,),
            )
        over = self._bytes - self.bytes_max
        if over > 0:
            over += self.bytes_max // 20  # Some room, so that this is not done for every batch.
            query = "SELECT position, length(samples) + length(source) FROM batch ORDER BY position"
            for position, size in self._db.execute(query):
                limit = max(limit or 0, position)
                over -= size
                if over <= 0:
                    break
        return limit

    def _read(self, where: str, values: tuple[int, ...], lost: list[Lost]) -> list[Batch]:
        """Batches by a condition; a damaged one is taken out and named in `lost`."""
        found, damaged = [], []
        for row in self._db.execute(f"SELECT {COLUMNS} FROM batch WHERE {where}", values):
            try:
                found.append(Batch.from_row(row))
            except Corrupt:
                position, station, _, first_ms, last_ms, count, *_ = row
                lost.append(Lost(station, first_ms, last_ms, count, "outbox damaged"))
                damaged.append((position,))
        if damaged:
            with self._deleting():
                for position in damaged:
                    self._delete("position = ?", position)
        return found

    def _count(self, where: str, values: tuple[int, ...] = ()) -> tuple[int, int, int]:
        """Batches, samples and bytes of the rows that a condition picks."""
        sums = (
            "count(*), coalesce(sum(count), 0), coalesce(sum(length(samples) + length(source)), 0)"
        )
        query = f"SELECT {sums} FROM batch WHERE {where}"
        found: tuple[int, int, int] = self._db.execute(query, values).fetchone()
        return found

    @contextmanager
    def _deleting(self) -> Iterator[None]:
        """A transaction; when it fails what was deleted in it counts again, without the disk."""
        before = self._batches, self._samples, self._bytes
        try:
            with self._db:
                yield
        except BaseException:
            self._batches, self._samples, self._bytes = before
            raise

    def _delete(self, where: str, values: tuple[int, ...]) -> int:
        batches, samples, size = self._count(where, values)
        self._db.execute(f"DELETE FROM batch WHERE {where}", values)
        self._batches -= batches
        self._samples -= samples
        self._bytes -= size
        return samples

    def _keep(self, records: Sequence[tuple[str, bytes]]) -> None:
        numbered = [(id, self._record + i, body) for i, (id, body) in enumerate(records, 1)]
        self._db.executemany("INSERT OR IGNORE INTO record VALUES (?, ?, ?)", numbered)

    def _save_state(self, state: bytes, upto: int) -> None:
        values = [(state, "state"), (upto, "state_upto")]
        self._db.executemany("UPDATE meta SET value = ? WHERE name = ?", values)

    def _meta(self, name: str) -> Any:
        return self._one("SELECT value FROM meta WHERE name = ?", (name,))

    def _whole(self, query: str, values: tuple[object, ...] = ()) -> int:
        return int(self._one(query, values))

    def _one(self, query: str, values: tuple[object, ...] = ()) -> Any:
        row = self._db.execute(query, values).fetchone()
        return row[0] if row else None
