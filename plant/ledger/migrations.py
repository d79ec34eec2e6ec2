"""From an older version of the tables to the present one, in one transaction.

A step is a function that changes the tables in which something stands that stands nowhere else; it
is written in SQL of its time and never changed again. The derived tables and the views are then
made anew as they are now. To add a version: write a step, add it to STEPS, raise `schema.VERSION`.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping

import structlog
from sqlalchemy import Connection, insert, inspect, select, text, update

from plant.ledger import grants, projection, views
from plant.ledger.facts import LedgerDamaged, LedgerUnusable
from plant.ledger.schema import ABOUT, CHAINED, DERIVED, METADATA, VERSION
from plant.ledger.troubles import DAMAGED

PSEUDONYM_BYTES = 8

log = structlog.get_logger("ledger")


def pseudonym() -> str:
    """A new name for a vehicle: random, so that nobody finds its way back to the VIN."""
    return secrets.token_hex(PSEUDONYM_BYTES)


def version_of(connection: Connection, name: str) -> int | None:
    """The version of the tables; None where there are none yet.

    LedgerUnusable where the tables are somebody else's, or of a newer program.
    """
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return None
    if ABOUT.name not in tables:
        raise LedgerUnusable(f"{name} is no ledger; name another one")
    about = _about(connection)
    if not about.keys() >= {"version", "ledger"} or not about["version"].isdecimal():
        raise LedgerDamaged(f"{name} does not say its version or which ledger it is: {DAMAGED}")
    version = int(about["version"])
    if version > VERSION:
        raise LedgerUnusable(
            f"{name} has version {version}, this program knows {VERSION}: use a newer one"
        )
    return version


def identity(connection: Connection) -> str:
    """Which ledger this is."""
    return _about(connection)["ledger"]


def create(connection: Connection) -> None:
    """Make the tables and views of a new ledger."""
    METADATA.create_all(connection)
    views.create_views(connection)
    new = {"version": str(VERSION), "ledger": str(uuid.uuid4())}
    connection.execute(insert(ABOUT), [{"key": key, "value": value} for key, value in new.items()])


def migrate(
    connection: Connection, version: int, progress: projection.Progress = projection.silent
) -> None:
    """Bring the tables from an older version to the present one."""
    log.warning("the ledger is brought to a newer version", found=version, made=VERSION)
    for number in range(version, VERSION):
        STEPS[number](connection)
    readers = grants.readers(connection)
    views.drop_views(connection)
    METADATA.drop_all(connection, tables=DERIVED)
    METADATA.create_all(connection, tables=DERIVED)
    views.create_views(connection)
    for reader in readers:
        grants.grant(connection, reader)
    entries = projection.follow(connection, progress)
    connection.execute(update(ABOUT).where(ABOUT.c.key == "version").values(value=str(VERSION)))
    log.info("the ledger has the newer version", version=VERSION, entries=entries)


def _about(connection: Connection) -> Mapping[str, str]:
    return {row.key: row.value for row in connection.execute(select(ABOUT.c.key, ABOUT.c.value))}


def _identity_from_vehicle(connection: Connection) -> None:
    """Version 2: a view is named `vehicle`; the VINs stand in `identity`, with a pseudonym."""
    connection.exec_driver_sql(
        "CREATE TABLE identity (visit TEXT NOT NULL, vin TEXT NOT NULL, vehicle TEXT NOT NULL,"
        " PRIMARY KEY (visit))"
    )
    rows = connection.exec_driver_sql("SELECT visit, vin FROM vehicle").all()
    names = {row.vin: pseudonym() for row in rows}
    if rows:
        connection.execute(
            text("INSERT INTO identity (visit, vin, vehicle) VALUES (:visit, :vin, :vehicle)"),
            [{"visit": row.visit, "vin": row.vin, "vehicle": names[row.vin]} for row in rows],
        )
    connection.exec_driver_sql("DROP TABLE vehicle")
    connection.exec_driver_sql("CREATE INDEX identity_vin ON identity (vin)")
    connection.exec_driver_sql("CREATE INDEX identity_vehicle ON identity (vehicle)")


STEPS: Mapping[int, Callable[[Connection], None]] = {1: _identity_from_vehicle}
assert set(STEPS) == set(range(1, VERSION))
assert {*CHAINED, *DERIVED} == set(METADATA.tables.values())
