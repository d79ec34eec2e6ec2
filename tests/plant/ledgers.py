"""Ledgers for tests, in SQLite or in PostgreSQL, and what somebody does to them who may not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from plant.ledger import Ledger
from tests.plant.records import HandClock
from tests.servers import Postgres


class FilePlace:
    """A ledger in a file of SQLite."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.file = folder / "var" / "ledger.db"
        self.url = f"sqlite:{self.file}"
        self.head = Path(f"{self.file}.head")

    def open(self, **how: Any) -> Ledger:
        """The ledger, opened anew."""
        return Ledger(self.url, HandClock(), **how)

    def change(self, statement: str, *values: object) -> None:
        """What somebody does who has the database and no scruples."""
        with closing(sqlite3.connect(self.file)) as connection, connection:
            assert connection.execute(statement, values).rowcount

    def script(self, statements: str) -> None:
        """Run statements on what may not be a ledger yet."""
        self.file.parent.mkdir(exist_ok=True)
        with closing(sqlite3.connect(self.file)) as connection:
            connection.executescript(statements)


class ServerPlace:
    """A ledger in a database of a PostgreSQL, which it has for itself."""

    name = "postgresql"

    def __init__(self, folder: Path, server: Postgres) -> None:
        self.server = server
        self.url = server.emptied()
        self.database = self.url.rpartition("/")[2]
        self.head = folder / "var" / "ledger.head"

    def open(self, **how: Any) -> Ledger:
        """The ledger, opened anew."""
        given = {"head": self.head, "password": lambda: self.server.password} | how
        return Ledger(self.url, HandClock(), **given)

    def change(self, statement: str, *values: object) -> None:
        """What somebody does who has the database and no scruples."""
        spelled = statement.replace("?", "%s").replace("x'00'", r"'\x00'::bytea")
        with self.server.connect(self.database) as connection:
            assert connection.execute(spelled.encode(), values).rowcount

    def script(self, statements: str) -> None:
        """Run statements on what may not be a ledger yet."""
        with self.server.connect(self.database) as connection:
            connection.execute(statements.encode())


Place = FilePlace | ServerPlace
