"""The tables of the ledger; plain SQL that SQLite and PostgreSQL both know.

Only `entry` is chained. `refusal` is a help for people, and `vehicle` can be erased, as the law on
personal data may demand: it is the only table in which a VIN stands.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

VERSION = 1
METADATA = MetaData()

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
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
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
