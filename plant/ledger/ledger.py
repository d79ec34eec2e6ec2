"""The ledger itself: appends records, finds them, gives them out, and can be verified."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import Connection, func, or_, select

from plant.ledger import grants, migrations, projection, vehicles
from plant.ledger.appending import append, refuse
from plant.ledger.chain import Head, HeadFile, beginning
from plant.ledger.engine import Database, check_server
from plant.ledger.facts import (
    Appended,
    Entry,
    LedgerDamaged,
    LedgerUnavailable,
    LedgerUnusable,
    Refusal,
)
from plant.ledger.projection import Progress, silent
from plant.ledger.schema import ENTRY, REFUSAL, VERSION
from plant.ledger.verify import Verdict, entries, verify
from stations.records import Record
from wire.clock import Clock

ROWS_MAX = 10_000
EXPORT_VERSION = 1

log = structlog.get_logger("ledger")


class Ledger:
    """Append-only and chained; the same record twice is one entry. Any thread may use it.

    `url` is `sqlite:FILE` or one of PostgreSQL; `head` is the second place of the chain's head
    (FILE.head beside a SQLite file). With `create` false the ledger must be there. One of an older
    version is brought up with `migrate` (else as `create`), which tells `progress`; without, it can
    only be read. With `later`, a server that is away is no error yet: the ledger is opened when it
    is used. `password` and `tls` are those of `engine.Database`. Raises LedgerUnusable for what is
    no ledger or a newer one, LedgerUnavailable for what may pass.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        head: Path | None = None,
        create: bool = True,
        migrate: bool | None = None,
        later: bool = False,
        password: Callable[[], str | None] = lambda: None,
        tls: Mapping[str, str] | None = None,
        progress: Progress = silent,
    ) -> None:
        self._database = Database(url, create=create, password=password, tls=tls)
        if head is None and self._database.file is None:
            raise LedgerUnusable("a ledger that is no file needs a path for its head")
        self.head_file = HeadFile(head or Path(f"{self._database.file}.head"))
        self._clock = clock
        self._lock = threading.RLock()
        self._head: Head | None = None
        self._opened = self._is_new = False
        self._open = partial(
            self._opening, create, create if migrate is None else migrate, progress
        )
        try:
            self._ensure_open()
        except LedgerUnavailable as error:
            if later and self._database.file is None:
                log.warning("the ledger is opened later", why=str(error))
                return
            self._database.close()
            raise
        except BaseException:
            self._database.close()
            raise

    def append(self, records: Sequence[Record]) -> Appended:
        """Add records in this order, all in one transaction that is on disk on return.

        What is known is not added again; the same id with other bytes is refused and kept among
        the refusals. LedgerDamaged when entries that were there are gone: nothing is added then.
        """
        with self._lock:
            with self._writing() as connection:
                head = self._checked_head(connection)
                appended, head = append(connection, head, records, self._clock.now_ms())
            if head != self._head:
                self.head_file.advance(head)
                self._head = head
            return appended

    def refuse(self, agent: str, body: bytes, why: str, id: str = "") -> None:
        """Keep bytes that are no record (the first REFUSED_BYTES_MAX of them), and the reason."""
        with self._writing() as connection:
            refuse(connection, agent, body, why, id, self._clock.now_ms())

    def refusals(self, limit: int = ROWS_MAX) -> list[Refusal]:
        """What was refused, the latest first."""
        columns = [column for column in REFUSAL.c if column is not REFUSAL.c.digest]
        statement = select(*columns).order_by(REFUSAL.c.last_ms.desc()).limit(limit)
        with self.reading() as connection:
            return [Refusal(**row._mapping) for row in connection.execute(statement)]

    def find(
        self,
        *,
        visit: str | None = None,
        station: str | None = None,
        kind: str | None = None,
        before: int | None = None,
        limit: int = ROWS_MAX,
    ) -> list[Entry]:
        """Entries of a visit, a station, a kind (`inspection` means `inspection.report` too).

        The latest first, at most `limit`; with `before` those of smaller numbers.
        """
        statement = select(ENTRY).order_by(ENTRY.c.number.desc()).limit(limit)
        if visit is not None:
            statement = statement.where(ENTRY.c.visit == visit)
        if station is not None:
            statement = statement.where(ENTRY.c.station == station)
        if before is not None:
            statement = statement.where(ENTRY.c.number < before)
        if kind is not None:
            below = ENTRY.c.kind.startswith(kind + ".", autoescape=True)
            statement = statement.where(or_(ENTRY.c.kind == kind, below))
        with self.reading() as connection:
            return [Entry(**row._mapping) for row in connection.execute(statement)]

    def get(self, id: str) -> Entry | None:
        """The entry of a record; None when there is none of this id."""
        with self.reading() as connection:
            row = connection.execute(select(ENTRY).where(ENTRY.c.id == id)).one_or_none()
        return None if row is None else Entry(**row._mapping)

    def counts(self) -> Mapping[str, int]:
        """How many entries each station has."""
        statement = select(ENTRY.c.station, func.count()).group_by(ENTRY.c.station)
        with self.reading() as connection:
            return {station: count for station, count in connection.execute(statement)}

    def __len__(self) -> int:
        with self.reading() as connection:
            return connection.scalar(select(func.count()).select_from(ENTRY)) or 0

    def export(self) -> Iterator[bytes]:
        """JSON lines: first what the chain begins with, then each entry in order, body unchanged.

        With `chain.link` over them anybody can verify the lines without the database.
        """
        with self.reading() as connection:
            yield b'{"ledger":"%s","version":%d}\n' % (self.identity.encode(), EXPORT_VERSION)
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
        with self.reading() as connection:
            return verify(connection, self.identity, kept, progress)

    def anchor(self) -> Head:
        """Take the ledger as it is: write its present head to the second place.

        For somebody who knows why the two differ, say after a backup was restored.
        """
        self._ensure_open()
        with self._lock, self._database.writing() as connection:
            self._head = self._last(connection)
            self.head_file.write(self._head)
            log.warning("the head of the ledger was accepted", number=self._head.number)
            return self._head

    def name_vehicle(self, visit: str, vin: str) -> None:
        """Say which vehicle a visit is. ValueError when the visit has another VIN already."""
        with self._writing() as connection:
            vehicles.name(connection, visit, vin)

    def vin(self, visit: str) -> str | None:
        """The VIN of a visit, None when it is not known or was erased."""
        with self.reading() as connection:
            return vehicles.vin_of(connection, visit)

    def pseudonym(self, visit: str) -> str | None:
        """What the views call the vehicle of a visit, None when it is not known or was erased."""
        with self.reading() as connection:
            return vehicles.pseudonym_of(connection, visit)

    def visits(self, vin: str) -> list[str]:
        """The visits of a vehicle, in alphabetical order."""
        with self.reading() as connection:
            return vehicles.visits_of(connection, vin)

    def forget_vehicle(self, vin: str) -> int:
        """Erase a VIN; its visits and their records stay. Returns how many visits had it."""
        with self._writing() as connection:
            return vehicles.forget(connection, vin)

    def grant(self, account: str) -> list[str]:
        """Let an account of the server read the views (`plant.ledger.grants.grant`)."""
        with self._writing() as connection:
            return grants.grant(connection, account)

    def rebuild(self, progress: Progress = silent) -> int:
        """Make what the views show anew from the entries; how many entries there are."""
        with self._writing() as connection:
            return projection.rebuild(connection, progress)

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection that sees one state, to read the views by SQL."""
        self._ensure_open()
        return self._database.reading()

    def close(self) -> None:
        """Close every connection to the database."""
        self._database.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ensure_open(self) -> None:
        with self._lock:
            if not self._opened:
                self.identity, self.version = self._open()
                self._opened = True
                if self._is_new and self.head_file.read() is None:
                    self.head_file.write(Head(self.identity, 0, beginning(self.identity)))

    def _opening(self, create: bool, migrate: bool, progress: Progress) -> tuple[str, int]:
        writes = create or migrate
        with (self._database.writing if writes else self._database.reading)() as connection:
            if create:
                check_server(connection, self._database.name)
            version = migrations.version_of(connection, self._database.name)
            if version is None and not create:
                raise LedgerUnusable(f"{self._database.name}: there is no ledger")
            # Without an entry, too: the power may have gone before its head was written.
            first = select(ENTRY.c.number).limit(1)
            self._is_new = version is None or (create and connection.execute(first).first() is None)
            if version is None:
                migrations.create(connection)
            elif version < VERSION and migrate:
                migrations.migrate(connection, version, progress)
            if version is None or migrate:
                version = VERSION
            return migrations.identity(connection), version

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        self._ensure_open()
        if self.version < VERSION:
            raise LedgerUnusable(
                f"{self._database.name} has version {self.version}, this program writes {VERSION}:"
                " bring it up with `refit ledger migrate`"
            )
        with self._lock, self._database.writing() as connection:
            yield connection

    def _last(self, connection: Connection) -> Head:
        statement = select(ENTRY.c.number, ENTRY.c.hash).order_by(ENTRY.c.number.desc()).limit(1)
        row = connection.execute(statement).first()
        if row is None:
            return Head(self.identity, 0, beginning(self.identity))
        return Head(self.identity, row.number, row.hash)

    def _checked_head(self, connection: Connection) -> Head:
        """The last entry, once it is sure that the one known as the last before is still there."""
        last = self._last(connection)
        kept = [one for one in (self._head, self.head_file.read()) if one is not None]
        if not kept and last.number:
            raise LedgerDamaged(f"{self.head_file.path} is gone; verify, then anchor the ledger")
        for one in kept:
            if not self._holds(connection, one):
                raise LedgerDamaged(
                    f"entry {one.number} is gone or is another one than {self.head_file.path} says;"
                    " verify, then restore the ledger or anchor it as it is"
                )
        return last

    def _holds(self, connection: Connection, kept: Head) -> bool:
        if kept.ledger != self.identity:
            return False
        if kept.number == 0:
            return True
        found = connection.scalar(select(ENTRY.c.hash).where(ENTRY.c.number == kept.number))
        return found == kept.hash
