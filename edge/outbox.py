"""The agent's store on disk: nothing leaves or is acknowledged before it is in here.

One SQLite file (WAL, synchronous=FULL). A batch is the samples of one station that were committed
together: one row, one Sparkplug message, one position. Positions rise for ever and are never given
twice. Every method blocks; the agent calls them from one thread of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge import outbox_gone, outbox_tags
from edge.delivery import Positions
from edge.files.table import FileRow, OutboxFiles
from edge.outbox_bounds import Fill, over
from edge.outbox_damage import judged, note_since, unsound
from edge.outbox_file import COLUMNS, Batch, Lost, OutboxDamaged, replay
from edge.outbox_owned import OwnedFile
from edge.outbox_records import OutboxRecords, lost_record
from edge.record_queue import RecordQueue
from edge.state import State
from stations.declare import Type
from stations.samples import Corrupt


class Outbox(OwnedFile):
    """The outbox of one agent. `bytes_max` and `age_ms_max` bound the samples, not the records."""

    def __init__(
        self, path: Path, *, bytes_max: int = 1 << 30, age_ms_max: int | None = None
    ) -> None:
        self.bytes_max, self.age_ms_max = bytes_max, age_ms_max
        self.files, self.record_queue = OutboxFiles(), RecordQueue(self._spoil_records)
        super().__init__(path)

    def _begin(self) -> None:
        if what := unsound(self._db):
            raise OutboxDamaged(f"{self.path} is damaged ({what})")
        self.files.reopen(self._db)
        self.record_queue.reopen(self._db)
        self._records = OutboxRecords(self._db)
        self.id: str = self._meta("id")
        given = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'batch'), 0)"
        self._position: int = self._one(given)
        self._upto: int = self._meta("state_upto")
        self._batches, self._samples, self._bytes = self._count("1")
        self._gone = outbox_gone.load(self._db, self._position)
        if self._gone.misses(self._batches, self._position):
            raise OutboxDamaged(f"{self.path} is damaged (batch: rows are missing)")

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
        return outbox_tags.numbers(self._db, station, tags)

    def all_tags(self) -> dict[int, tuple[str, str, Type]]:
        """Every number ever given: station, name, type. Waiting samples may use an old one."""
        return outbox_tags.all_tags(self._db)

    def places(self, stations: Iterable[tuple[str, str, str]] = ()) -> dict[str, tuple[str, str]]:
        """Line and kind of every station ever named; `stations` (name, line, kind) are noted.

        Samples of a station that is no longer declared still belong where the others are.
        """
        return outbox_tags.places(self._db, stations)

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
            self._records.keep(records)
            self.files.add(files, now_ms)
            self._db.executemany("INSERT OR REPLACE INTO memory VALUES (?, ?)", memories)
            if state is not None:
                self._save_state(state, self._position + len(placed))
        self._position += len(placed)
        self._batches += len(placed)
        self._samples += sum(len(batch.samples) for batch in placed)
        self._bytes += sum(len(row[-2]) + len(row[-1]) for row in rows)
        if state is not None:
            self._upto = self._position
        return placed

    def state(self) -> tuple[State, list[Lost]]:
        """The pipeline's state as of the last commit: the saved one, and the batches after it.

        What is damaged of these is named; it is taken out, and told, when it is to be sent. Since
        when it is missing is among the memories.
        """
        try:
            saved = self._meta("state")
            state = State.from_bytes(saved) if saved else State()
        except Corrupt:
            state, self._upto = State(), 0
        lost: list[Lost] = []
        # One at a time: after an absence of the broker that is all of a large file.
        for _, read in self._each("position > ? ORDER BY position", (self._upto,)):
            if isinstance(read, Batch):
                replay(state, read)
            else:
                lost.append(read)
        if lost:
            with self._db:
                note_since(self._db, lost)
        return state, lost

    def memories(self) -> dict[str, bytes]:
        """What the rules of each station remembered at the last commit."""
        return dict(self._db.execute("SELECT station, state FROM memory"))

    def waiting(self, below: int, skip: Positions, limit: int) -> tuple[list[Batch], list[Lost]]:
        """The oldest batches not in `skip` whose position is at most `below`.

        A damaged one is put aside; it is named, and `tell` makes the record that says so.
        """
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
        found: list[Batch] = []
        lost: dict[int, Lost] = {}
        for position in wanted:
            sound, damaged = self._read("position = ?", (position,))
            if not (sound or damaged or self.suspect):
                self.suspect = f"batch {position} is in the table and cannot be found"
            found += sound
            lost |= damaged
        if lost:
            with self._deleting():
                self._records.spoil_batches(lost)
                self._records.keep(self.tell(list(lost.values())))
                self._remove([(position, position) for position in lost])
        return found, list(lost.values())

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
            samples = self._remove(ranges)
            self._records.keep(records)
            self.files.give_up(files)
        if state is not None:
            self._upto = self._position
        return samples

    def needs_state(self, highest: int) -> bool:
        """True when batches up to `highest` may go only together with a newer state."""
        return highest > self._upto

    def records(self, limit: int) -> list[tuple[str, bytes]]:
        """The oldest records that the ledger has not confirmed: id and body.

        A damaged one is put aside, and `tell` makes the record that says so.
        """
        return self.record_queue.waiting(limit, 1 << 62, ()).ready

    def _spoil_records(self, damaged: Sequence[str]) -> None:
        with self._db:
            self._records.spoil(damaged)
            self._records.keep(self.tell([lost_record(id) for id in damaged]))

    def records_confirmed(self, ids: Iterable[str]) -> int:
        """Forget records that the ledger has; returns how many of these ids were waiting here."""
        with self._db:
            return self._records.forget(ids)

    def say_lost(self) -> list[Lost]:
        """Have `tell` make records of what was found lost when nobody could; they are kept."""
        with self._db:
            rows = self._db.execute(
                "SELECT station, from_ms, to_ms, count, reason FROM lost ORDER BY number"
            )
            lost = [Lost(*row) for row in rows]
            self._records.keep(self.tell(lost))
            self._db.execute("DELETE FROM lost")
        return lost

    def bound(
        self,
        now_ms: int,
        state: Callable[[], bytes],
        records: Callable[[list[Lost]], Sequence[tuple[str, bytes]]] = lambda lost: (),
    ) -> list[Lost]:
        """Give up the oldest samples until the bounds are kept; says what is gone.

        They go together with the `records` that say so, or not at all.
        """
        older_than_ms = None if self.age_ms_max is None else now_ms - self.age_ms_max
        limit = over(
            self._db, older_than_ms=older_than_ms, bytes_max=self.bytes_max, size=self._bytes
        )
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

    def next_bd_seq(self) -> int:
        """The bdSeq of the CONNECT that goes out now, 0 to 255 and round; durable on return."""
        number = self.bd_seq_ahead()
        with self._db:
            self._db.execute("UPDATE meta SET value = ? WHERE name = 'bd_seq'", (number,))
        return number

    def bd_seq_ahead(self) -> int:
        """The bdSeq that the next CONNECT will carry, without taking it."""
        return int(self._meta("bd_seq") + 1) % 256

    def _read(self, where: str, values: tuple[int, ...]) -> tuple[list[Batch], dict[int, Lost]]:
        """Batches by a condition, and the damaged ones among them by position."""
        read = dict(self._each(where, values))
        found = [one for one in read.values() if isinstance(one, Batch)]
        return found, {place: one for place, one in read.items() if isinstance(one, Lost)}

    def _each(self, where: str, values: tuple[int, ...]) -> Iterator[tuple[int, Batch | Lost]]:
        """The batches that a condition picks by position; of a damaged one what is lost."""
        for row in self._db.execute(f"SELECT {COLUMNS} FROM batch WHERE {where}", values):
            try:
                yield row[0], Batch.from_row(row)
            except Corrupt:
                named = judged(row, self.all_tags())
                if named is not None:
                    yield row[0], named
                else:
                    self.suspect = f"nothing of batch {row[0]} can be believed"

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
        before = self._batches, self._samples, self._bytes, self._gone
        try:
            with self._db:
                yield
        except BaseException:
            self._batches, self._samples, self._bytes, self._gone = before
            raise

    def _remove(self, ranges: Sequence[tuple[int, int]]) -> int:
        """Delete batches in a transaction of `_deleting`; returns how many samples."""
        removed = 0
        for span in ranges:
            batches, samples, size = self._count("position BETWEEN ? AND ?", span)
            self._db.execute("DELETE FROM batch WHERE position BETWEEN ? AND ?", span)
            self._batches -= batches
            self._samples -= samples
            self._bytes -= size
            removed += samples
        if ranges:
            self._gone = self._gone.and_these(ranges, self._position)
            self._gone.save(self._db)
        return removed

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
