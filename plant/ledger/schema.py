"""The tables of the ledger; plain SQL that SQLite and PostgreSQL both know.

Only `entry` is chained. `refusal` is a help for people, and `identity` can be erased, as the law on
personal data may demand: it is the only table in which a VIN stands. `fact`, `cycle` and `tour` say
again, in columns that the views can search, what the entries say; they can be made anew.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

VERSION = 2
METADATA = MetaData()


class Bytes(TypeDecorator[bytes]):
    """Bytes that can be read even where somebody has put a value of another type in their place."""

    impl = LargeBinary
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """What is no bytes comes as the bytes of its text, for `verify` to compare."""
        return lambda value: value if isinstance(value, bytes) else _raw(value)


def _raw(value: Any) -> bytes | None:
    if value is None:
        return None
    return bytes(value) if isinstance(value, memoryview) else str(value).encode()


class Moment(TypeDecorator[datetime]):
    """A time in UTC: timestamptz in PostgreSQL, elsewhere the text that the records have."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """The column's type in this database."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """The value as the column has it."""
        if value is None or dialect.name == "postgresql":
            return value
        return f"{value.isoformat(timespec='milliseconds').partition('+')[0]}Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """The time, aware."""
        return datetime.fromisoformat(value) if isinstance(value, str) else value


ABOUT = Table(
    "about",
    METADATA,
    Column("key", Text, primary_key=True),  # version, ledger (its identity)
    Column("value", Text, nullable=False),
)

ENTRY = Table(
    "entry",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("station", Text, nullable=False),
    Column("visit", Text),
    Column("time", Text, nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("body", Bytes, nullable=False),
    Column("hash", Bytes, nullable=False),
    Index("entry_visit", "visit", "number"),
    Index("entry_station", "station", "number"),
    Index("entry_kind", "kind", "number"),
)

REFUSAL = Table(
    "refusal",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),  # SHA-256 of the bytes
    Column("id", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

IDENTITY = Table(
    "identity",
    METADATA,
    Column("visit", Text, primary_key=True),
    Column("vin", Text, nullable=False),
    Column("vehicle", Text, nullable=False),  # the pseudonym of the VIN
    Index("identity_vin", "vin"),
    Index("identity_vehicle", "vehicle"),
)

# What follows is derived from the entries (`plant.ledger.derive`), for the views alone.
FACT = Table(
    "fact",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("time", Moment),
    Column("recorded_at", Moment),
    Column("version", BigInteger),
    Column("agent", Text),
    Column("agent_version", Text),
    Column("files", BigInteger, nullable=False),
    Index("fact_time", "time"),
    Index("fact_recorded_at", "recorded_at"),
)

CYCLE = Table(
    "cycle",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("entered_at", Moment, nullable=False),
    Column("left_at", Moment, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("flaws", Text, nullable=False),
    Column("result", Text),
    Index("cycle_entered_at", "entered_at"),
    Index("cycle_left_at", "left_at"),
)

TOUR = Table(
    "tour",
    METADATA,
    Column("visit", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("began", Moment),
    Column("ended", Moment),
    Column("station_visits", BigInteger, nullable=False),
    Column("incomplete", BigInteger, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("last_station", Text, nullable=False),
    Column("last_time", Moment),
    Index("tour_began", "began"),
    Index("tour_ended", "ended"),
)

CHAINED = (ABOUT, ENTRY, REFUSAL, IDENTITY)
DERIVED = (FACT, CYCLE, TOUR)
