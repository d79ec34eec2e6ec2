"""The one place that knows which database the ledger is in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

from plant.ledger.facts import LedgerUnavailable, LedgerUnusable

BUSY_S = 10.0


def engine_of(url: str, *, create: bool) -> tuple[Engine, Path | None]:
    """An engine for `sqlite:FILE` or a PostgreSQL url, and the file where there is one.

    Every commit is on disk when it returns. Raises LedgerUnusable for any other url, or when there
    is no such file and none is to be created.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite":
        file = Path(rest)
        if not create and not file.exists():
            raise LedgerUnusable(f"{file}: there is no ledger")
        return _sqlite(file), file
    if scheme in ("postgresql", "postgres"):
        parsed = make_url(url).set(drivername="postgresql+psycopg")
        return create_engine(parsed, pool_pre_ping=True), None
    raise LedgerUnusable(f'"{url}" is no ledger: write "sqlite:FILE" or "postgresql://..."')


def _sqlite(file: Path) -> Engine:
    file.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        URL.create("sqlite", database=str(file)), connect_args={"timeout": BUSY_S}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say so, below
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").fetchall()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one state; LedgerUnavailable for what the database cannot do."""
    try:
        with engine.connect() as connection, connection.begin():
            yield connection
    except DBAPIError as error:
        raise LedgerUnavailable(f"{_place(engine)}: {error.orig}") from error


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction of which all is on disk afterwards, or nothing is."""
    try:
        connection = engine.connect().execution_options(writes=True)
        with connection, connection.begin():
            yield connection
    except DBAPIError as error:
        raise LedgerUnavailable(f"{_place(engine)}: {error.orig}") from error


def _place(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True)
