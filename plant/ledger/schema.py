"""The tables of the ledger; plain SQL that SQLite and PostgreSQL both know.

Only `entry` is chained. `refusal` is a help for people, and `vehicle` can be erased, as the law on
personal data may demand: it is the only table in which a VIN stands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

VERSION = 1
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

VEHICLE = Table(
    "vehicle",
    METADATA,
    Column("visit", Text, primary_key=True),
    Column("vin", Text, nullable=False),
    Index("vehicle_vin", "vin"),
)
