"""A SQLite file of ours: opened durably, known as ours, with a version that is checked."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from plant.kept import Identity, identity, is_damage, is_ours, rescue
from plant.stores.store import StoreUnavailable, StoreUnusable
from wire.disk import made_durably

BUSY_S = 5.0
# A checkpoint writes each changed page once: the rarer it is, the fewer pages are written.
CHECKPOINT_PAGES = 8_000
DAMAGED = "database disk image is malformed"
CACHE_KIB = 32 * 1024

log = structlog.get_logger("store")


class Database:
    """One connection that is opened when it is needed and again after an error.

    Every commit is on disk when it returns (`synchronous=FULL`): an acknowledgement depends on it.
    One that `is_small` is read as a whole when it is opened, and refused when it is damaged.
    """

    def __init__(
        self, path: Path, schema: str, application_id: int, version: int, *, is_small: bool = False
    ) -> None:
        self.path, self._is_small = path, is_small
        self._schema = schema
        self._identity = (application_id, version)
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._file: Identity = ()
        self.opened = 0

    def check(self) -> None:
        """Open the file now: StoreUnusable when it is none of ours, a warning when it cannot be."""
        try:
            with self.reading():
                pass
        except StoreUnavailable as error:
            log.warning("a database cannot be opened yet", why=str(error))

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone; StoreUnavailable for what SQLite cannot do."""
        with self._lock:
            try:
                yield self._open()
            except sqlite3.DatabaseError as error:
                self._drop()
                raise StoreUnavailable(f"{self.path}: {error}") from error
            except UnicodeDecodeError as error:  # SQLite quotes what is damaged
                self._drop()
                raise StoreUnavailable(f"{self.path}: {DAMAGED}") from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is on disk afterwards, or nothing is."""
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            self._drop()

    def _open(self) -> sqlite3.Connection:
        """The connection to the file that lies at `path` now.

        One that was deleted or replaced behind our back would take what nobody can ever read.
        """
        if self._connection is not None:
            if is_ours(self._file, identity(self.path)):
                return self._connection
            self._rescue(self._connection)
        self._drop()
        try:
            made_durably(self.path.parent)
        except OSError as error:
            raise StoreUnavailable(f"{self.path}: {error}") from error
        connection = sqlite3.connect(
            self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._file = connection, identity(self.path)
        self.opened += 1
        return connection

    def _rescue(self, connection: sqlite3.Connection) -> None:
        """What was stored is in the file that is gone; it is let go once all of it is in another.

        Of a file that is damaged, too, there is nothing to be had.
        """
        try:
            what = rescue(connection, self.path, self._file)
        except (OSError, sqlite3.Error) as error:
            if isinstance(error, sqlite3.DatabaseError) and is_damage(error):
                log.error("a database was deleted or replaced, and is damaged", why=str(error))
                return
            raise StoreUnavailable(f"{self.path} was deleted or replaced: {error}") from error
        log.error("a database was deleted or replaced while in use", why=what)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        try:
            found = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if self._is_small:
                self._check_whole(connection)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise StoreUnusable(f"{self.path}: {error}; name another file") from error
        except UnicodeDecodeError as error:
            raise StoreUnusable(f"{self.path}: {DAMAGED}; name another file") from error
        application_id, known = self._identity
        if tables and found != application_id:
            raise StoreUnusable(f"{self.path} is a database of something else; name another file")
        if version > known:
            raise StoreUnusable(
                f"{self.path} has version {version}, this program knows {known}: use a newer one"
            )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        if not tables:
            # Two processes may open a new file at once: the second finds it made.
            connection.executescript(
                f"BEGIN IMMEDIATE; {self._schema}"
                f"PRAGMA application_id={application_id}; PRAGMA user_version={known}; COMMIT;"
            )

    def _check_whole(self, connection: sqlite3.Connection) -> None:
        (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if said != "ok":
            raise StoreUnusable(f"{self.path} is damaged ({said}); move it away")

    def _drop(self) -> None:
        connection, self._connection, self._file = self._connection, None, ()
        if connection is not None:
            connection.close()
