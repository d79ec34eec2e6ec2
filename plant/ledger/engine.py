"""The one place that knows which database the ledger is in, and how it is spoken to."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, TimeoutError

from plant.kept import Identity, identity, is_ours, rescue
from plant.ledger.facts import LedgerUnavailable, LedgerUnusable
from plant.ledger.troubles import BUSY_S, DAMAGED, trouble
from wire.disk import made_durably

CONNECT_S = 10
SILENCE_S = 20  # after which a server that does not answer counts as gone
IDLE_S = 60  # after which the server ends a writer that hangs, and with it its lock
SESSION = {"TimeZone": "UTC", "synchronous_commit": "on", "lock_timeout": f"{BUSY_S:g}s"}
# One writer at a time, from its first look at the head to its commit; readers do not wait.
LOCK = (
    f"SELECT set_config('idle_in_transaction_session_timeout', '{IDLE_S}s', true),"
    " pg_advisory_xact_lock(hashtext('refit ledger ' || current_schema()))"
)

log = structlog.get_logger("ledger")


class Database:
    """A file of SQLite (`sqlite:FILE`) or a database of PostgreSQL (`postgresql://...`).

    Every commit is on disk when it returns. Raises LedgerUnusable for any other url, or when there
    is no such file and none is to be created. `password` is asked for at each connection; `tls` are
    `sslmode` and `sslrootcert` of PostgreSQL.
    """

    def __init__(
        self,
        url: str,
        *,
        create: bool,
        password: Callable[[], str | None] = lambda: None,
        tls: Mapping[str, str] | None = None,
    ) -> None:
        scheme, _, rest = url.partition(":")
        self.file: Path | None = None
        self._lock = threading.Lock()
        self._held: sqlite3.Connection | None = None
        self._files: Identity = ()
        if scheme == "sqlite":
            self.file = Path(rest)
            if not create and not self.file.exists():
                raise LedgerUnusable(f"{self.file}: there is no ledger")
            self.name = str(self.file)
            self._engine = _sqlite(self.file)
            self._reading = self._engine
        elif scheme in ("postgresql", "postgres"):
            self._engine = _postgresql(url, password, tls or {})
            self._reading = self._engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            self.name = _shown(self._engine.url)
        else:
            raise LedgerUnusable(f'"{url}" is no ledger: write "sqlite:FILE" or "postgresql://..."')

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state; LedgerError for what the database cannot do."""
        with self._troubles(), self._reading.connect() as connection, connection.begin():
            self._hold()
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction of which all is on disk afterwards, or nothing is; one writer at a time."""
        with self._troubles():
            connection = self._engine.connect().execution_options(writes=True)
            with connection, connection.begin():
                if self.file is None:
                    connection.exec_driver_sql(LOCK)
                self._hold()
                yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()
        with self._lock:
            self._let_go()

    def _hold(self) -> None:
        """Have the file open in any case: what was deleted or replaced can be had from that."""
        with self._lock:
            if self.file is None or self._held is not None:
                return
            held = sqlite3.connect(self.file, timeout=BUSY_S, check_same_thread=False)
            held.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            self._held, self._files = held, identity(self.file)

    def _look(self) -> None:
        """Whether the file is still ours; else what it had is put back, or beside what lies there.

        A commit into a file that nobody sees any more would be nowhere.
        """
        with self._lock:
            if self.file is None or self._held is None:
                return
            if is_ours(self._files, identity(self.file)):
                return
            try:
                what = rescue(self._held, self.file, self._files)
            except OSError as error:
                raise LedgerUnavailable(f"{self.file} was deleted or replaced: {error}") from error
            log.error("the ledger was deleted or replaced while in use", why=what)
            self._engine.dispose()
            self._let_go()

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()

    @contextmanager
    def _troubles(self) -> Iterator[None]:
        try:
            self._look()
            yield
        except (DBAPIError, sqlite3.Error) as error:
            raise trouble(error, self.name, self._engine.url) from error
        except UnicodeDecodeError as error:  # SQLite quotes what is damaged
            raise LedgerUnavailable(f"{self.name}: malformed: {DAMAGED}") from error
        except TimeoutError as error:
            raise LedgerUnavailable(f"{self.name}: every connection is in use") from error


def _sqlite(file: Path) -> Engine:
    made_durably(file.parent)
    engine = create_engine(
        URL.create("sqlite", database=str(file)), connect_args={"timeout": BUSY_S}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say so, below
        # With secure_delete a VIN that was erased is gone from the file, too.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}").fetchall()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _postgresql(url: str, password: Callable[[], str | None], tls: Mapping[str, str]) -> Engine:
    try:
        parsed = make_url(url).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError) as error:
        raise LedgerUnusable(f'"{url}" is no url of PostgreSQL: {error}') from error
    engine = create_engine(
        parsed,
        pool_pre_ping=True,
        connect_args={
            "application_name": "refit ledger",
            "connect_timeout": CONNECT_S,
            "keepalives_idle": SILENCE_S // 2,
            "keepalives_interval": SILENCE_S // 4,
            "keepalives_count": 2,
            "tcp_user_timeout": SILENCE_S * 1000,
            "options": " ".join(f"-c {name}={value}" for name, value in SESSION.items()),
            **tls,
        },
    )

    @event.listens_for(engine, "do_connect")
    def say_password(_: Any, __: Any, ___: Any, arguments: dict[str, Any]) -> None:
        try:
            said = password()
        except ValueError as error:
            raise LedgerUnusable(f"{_shown(parsed)}: {error}") from error
        if said is not None:
            arguments["password"] = said

    return engine


def check_server(connection: Connection, name: str) -> None:
    """Say so when the server is set up to lose what it has confirmed.

    LedgerUnusable when its database cannot keep every character.
    """
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
    if encoding != "UTF8":
        raise LedgerUnusable(
            f"{name} keeps texts as {encoding}: make the database with ENCODING 'UTF8' TEMPLATE"
            " template0"
        )
    for setting in ("fsync", "full_page_writes"):
        if connection.exec_driver_sql(f"SHOW {setting}").scalar() != "on":
            log.warning("the server of the ledger may lose records with its power", setting=setting)


def _shown(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=True)
