"""The ledger itself: appends records, finds them, gives them out, and can be verified."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import structlog
from sqlalchemy import Connection, delete, func, insert, inspect, or_, select, update

from plant.ledger.chain import Head, HeadFile, beginning, link
from plant.ledger.engine import engine_of, reading, writing
from plant.ledger.facts import (
    Appended,
    Entry,
    LedgerDamaged,
    LedgerUnusable,
    Refusal,
)
from plant.ledger.schema import ABOUT, ENTRY, METADATA, REFUSAL, VEHICLE, VERSION
from plant.ledger.verify import Verdict, entries, verify
from stations.records import Record
from wire.clock import Clock

IDS_AT_ONCE = 500
REFUSALS_MAX = 10_000
REFUSED_BYTES_MAX = 64 * 1024
ROWS_MAX = 10_000

log = structlog.get_logger("ledger")


class Ledger:
    """Append-only and chained; the same record twice is one entry. Any thread may use it.

    `url` is `sqlite:FILE` or one of PostgreSQL; `head` is the second place of the chain's head
    (FILE.head beside a SQLite file). With `create` false the ledger must be there. Raises
    LedgerUnusable for what is no ledger or a newer one, LedgerUnavailable for what may pass.
    """

    def __init__(
        self, url: str, clock: Clock, *, head: Path | None = None, create: bool = True
    ) -> None:
        self._engine, file = engine_of(url, create=create)
        if head is None and file is None:
            raise LedgerUnusable("a ledger that is no file needs a path for its head")
        self.head_file = HeadFile(head or Path(f"{file}.head"))
        self._clock = clock
        self._lock = threading.Lock()
        self._head: Head | None = None
        self.identity = self._open(create)

    def append(self, records: Sequence[Record]) -> Appended:
        """Add records in this order, all in one transaction that is on disk on return.

        What is known is not added again; the same id with other bytes is refused and kept among
        the refusals. LedgerDamaged when entries that were there are gone: nothing is added then.
        """
        with self._lock:
            with writing(self._engine) as connection:
                head = self._checked_head(connection)
                appended, head = self._append(connection, head, records)
            if head != self._head:
                self.head_file.write(head)
                self._head = head
            return appended

    def refuse(self, agent: str, body: bytes, why: str, id: str = "") -> None:
        """Keep bytes that are no record (the first REFUSED_BYTES_MAX of them), and the reason."""
        with self._lock, writing(self._engine) as connection:
            self._refuse(connection, agent, body, why, id)

    def refusals(self, limit: int = ROWS_MAX) -> list[Refusal]:
        """What was refused, the latest first."""
        columns = [column for column in REFUSAL.c if column is not REFUSAL.c.digest]
        statement = select(*columns).order_by(REFUSAL.c.last_ms.desc()).limit(limit)
        with reading(self._engine) as connection:
            return [Refusal(**row._mapping) for row in connection.execute(statement)]

    def find(
        self,
        *,
        visit: str | None = None,
        station: str | None = None,
        kind: str | None = None,
        limit: int = ROWS_MAX,
    ) -> list[Entry]:
        """Entries of a visit, a station, a kind (`inspection` means `inspection.report` too).

        The latest first, at most `limit`.
        """
        statement = select(ENTRY).order_by(ENTRY.c.number.desc()).limit(limit)
        if visit is not None:
            statement = statement.where(ENTRY.c.visit == visit)
        if station is not None:
            statement = statement.where(ENTRY.c.station == station)
        if kind is not None:
            below = ENTRY.c.kind.startswith(kind + ".", autoescape=True)
            statement = statement.where(or_(ENTRY.c.kind == kind, below))
        with reading(self._engine) as connection:
            return [Entry(**row._mapping) for row in connection.execute(statement)]

    def counts(self) -> Mapping[str, int]:
        """How many entries each station has."""
        statement = select(ENTRY.c.station, func.count()).group_by(ENTRY.c.station)
        with reading(self._engine) as connection:
            return {station: count for station, count in connection.execute(statement)}

    def __len__(self) -> int:
        with reading(self._engine) as connection:
            return connection.scalar(select(func.count()).select_from(ENTRY)) or 0

    def export(self) -> Iterator[bytes]:
        """JSON lines: first what the chain begins with, then each entry in order, body unchanged.

        With `chain.link` over them anybody can verify the lines without the database.
        """
        yield b'{"ledger":"%s","version":%d}\n' % (self.identity.encode(), VERSION)
        with reading(self._engine) as connection:
            for entry in entries(connection):
                yield b'{"number":%d,"recorded_ms":%d,"hash":"%s","record":%s}\n' % (
                    entry.number,
                    entry.recorded_ms,
                    entry.hash.hex().encode(),
                    entry.body,
                )

    def verify(self, progress: Callable[[int, int], None] = lambda done, of: None) -> Verdict:
        """Read every entry and compare it with the chain and its head (`plant.ledger.verify`)."""
        try:
            kept, unreadable = self.head_file.read(), ""
        except LedgerDamaged as error:
            kept, unreadable = None, str(error)
        if unreadable:
            log.error("the head of the ledger cannot be read", why=unreadable)
        with reading(self._engine) as connection:
            return verify(connection, self.identity, kept, progress)

    def anchor(self) -> Head:
        """Take the ledger as it is: write its present head to the second place.

        For somebody who knows why the two differ, say after a backup was restored.
        """
        with self._lock, reading(self._engine) as connection:
            self._head = self._last(connection)
            self.head_file.write(self._head)
            log.warning("the head of the ledger was accepted", number=self._head.number)
            return self._head

    def name_vehicle(self, visit: str, vin: str) -> None:
        """Say which vehicle a visit is. ValueError when the visit has another VIN already."""
        with self._lock, writing(self._engine) as connection:
            statement = select(VEHICLE.c.vin).where(VEHICLE.c.visit == visit)
            known = connection.scalar(statement)
            if known is None:
                connection.execute(insert(VEHICLE).values(visit=visit, vin=vin))
            elif known != vin:
                raise ValueError(f"the visit {visit} is that of another vehicle")

    def vin(self, visit: str) -> str | None:
        """The VIN of a visit, None when it is not known or was erased."""
        with reading(self._engine) as connection:
            return connection.scalar(select(VEHICLE.c.vin).where(VEHICLE.c.visit == visit))

    def visits(self, vin: str) -> list[str]:
        """The visits of a vehicle, in alphabetical order."""
        statement = select(VEHICLE.c.visit).where(VEHICLE.c.vin == vin).order_by(VEHICLE.c.visit)
        with reading(self._engine) as connection:
            return list(connection.scalars(statement))

    def forget_vehicle(self, vin: str) -> int:
        """Erase a VIN; its visits and their records stay. Returns how many visits had it."""
        with self._lock, writing(self._engine) as connection:
            return connection.execute(delete(VEHICLE).where(VEHICLE.c.vin == vin)).rowcount

    def close(self) -> None:
        """Close every connection to the database."""
        self._engine.dispose()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, create: bool) -> str:
        with (writing if create else reading)(self._engine) as connection:
            tables = set(inspect(connection).get_table_names())
            if tables and ABOUT.name not in tables:
                raise LedgerUnusable(f"{self._engine.url} is no ledger; name another one")
            if not tables and not create:
                raise LedgerUnusable(f"{self._engine.url}: there is no ledger")
            if not tables:
                METADATA.create_all(connection)
                new = {"version": str(VERSION), "ledger": str(uuid.uuid4())}
                rows = [{"key": key, "value": value} for key, value in new.items()]
                connection.execute(insert(ABOUT), rows)
            statement = select(ABOUT.c.key, ABOUT.c.value)
            about: dict[str, str] = {row.key: row.value for row in connection.execute(statement)}
        if int(about["version"]) > VERSION:
            raise LedgerUnusable(
                f"{self._engine.url} has version {about['version']}, this program knows {VERSION}: "
                "use a newer one"
            )
        return about["ledger"]

    def _append(
        self, connection: Connection, head: Head, records: Sequence[Record]
    ) -> tuple[Appended, Head]:
        known = self._known(connection, [record.id for record in records])
        taken: list[str] = []
        repeated: list[str] = []
        refused: dict[str, str] = {}
        rows: list[dict[str, object]] = []
        now_ms = self._clock.now_ms()
        for record in records:
            body = record.canonical()
            if record.id not in known:
                head = Head(
                    head.ledger, head.number + 1, link(head.hash, head.number + 1, now_ms, body)
                )
                rows.append(_row(record, body, head, now_ms))
                known[record.id] = body
                taken.append(record.id)
            elif known[record.id] == body:
                repeated.append(record.id)
            else:
                refused[record.id] = "the ledger has this id with other bytes"
                self._refuse(connection, record.agent.name, body, refused[record.id], record.id)
        if rows:
            connection.execute(insert(ENTRY), rows)
        return Appended(tuple(taken), tuple(repeated), refused), head

    def _known(self, connection: Connection, ids: Sequence[str]) -> dict[str, bytes]:
        known: dict[str, bytes] = {}
        for start in range(0, len(ids), IDS_AT_ONCE):
            some = ids[start : start + IDS_AT_ONCE]
            statement = select(ENTRY.c.id, ENTRY.c.body).where(ENTRY.c.id.in_(some))
            known.update({row.id: row.body for row in connection.execute(statement)})
        return known

    def _refuse(self, connection: Connection, agent: str, body: bytes, why: str, id: str) -> None:
        digest, now_ms = hashlib.sha256(body).digest(), self._clock.now_ms()
        again = (
            update(REFUSAL)
            .where(REFUSAL.c.digest == digest)
            .values(count=REFUSAL.c.count + 1, last_ms=now_ms, why=why, agent=agent)
        )
        if connection.execute(again).rowcount:
            return
        kept = connection.scalar(select(func.count()).select_from(REFUSAL)) or 0
        if kept >= REFUSALS_MAX:
            log.error("a refusal is not kept, there are too many", agent=agent, id=id, why=why)
            return
        connection.execute(
            insert(REFUSAL).values(
                digest=digest, id=id, why=why, agent=agent, first_ms=now_ms, last_ms=now_ms,
                count=1, size=len(body), body=body[:REFUSED_BYTES_MAX],
            )
        )  # fmt: skip

    def _last(self, connection: Connection) -> Head:
        statement = select(ENTRY.c.number, ENTRY.c.hash).order_by(ENTRY.c.number.desc()).limit(1)
        row = connection.execute(statement).first()
        if row is None:
            return Head(self.identity, 0, beginning(self.identity))
        return Head(self.identity, row.number, row.hash)

    def _checked_head(self, connection: Connection) -> Head:
        """The last entry, once it is sure that the one known as the last before is still there."""
        last = self._last(connection)
        kept = self._head or self.head_file.read()
        if kept is None:
            if last.number:
                raise LedgerDamaged(
                    f"{self.head_file.path} is gone; verify, then anchor the ledger"
                )
        elif not self._holds(connection, kept):
            raise LedgerDamaged(
                f"entry {kept.number} is gone or is another one than {self.head_file.path} says; "
                "verify, then restore the ledger or anchor it as it is"
            )
        return last

    def _holds(self, connection: Connection, kept: Head) -> bool:
        if kept.ledger != self.identity:
            return False
        if kept.number == 0:
            return True
        found = connection.scalar(select(ENTRY.c.hash).where(ENTRY.c.number == kept.number))
        return found == kept.hash


def _row(record: Record, body: bytes, head: Head, now_ms: int) -> dict[str, object]:
    return {
        "number": head.number,
        "id": record.id,
        "kind": record.kind,
        "site": record.site,
        "line": record.line,
        "station": record.station,
        "visit": record.visit,
        "time": record.time,
        "recorded_ms": now_ms,
        "body": body,
        "hash": head.hash,
    }
