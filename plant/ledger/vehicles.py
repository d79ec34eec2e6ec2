"""Which vehicle a visit is: the only place of a VIN, and the pseudonym under which it is shown."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from plant.ledger.migrations import pseudonym
from plant.ledger.schema import IDENTITY


def name(connection: Connection, visit: str, vin: str) -> None:
    """Say which vehicle a visit is. ValueError when the visit has another VIN already."""
    known = vin_of(connection, visit)
    if known not in (None, vin):
        raise ValueError(f"the visit {visit} is that of another vehicle")
    if known is None:
        statement = select(IDENTITY.c.vehicle).where(IDENTITY.c.vin == vin).limit(1)
        vehicle = connection.scalar(statement) or pseudonym()
        connection.execute(insert(IDENTITY).values(visit=visit, vin=vin, vehicle=vehicle))


def vin_of(connection: Connection, visit: str) -> str | None:
    """The VIN of a visit, None when it is not known or was erased."""
    return connection.scalar(select(IDENTITY.c.vin).where(IDENTITY.c.visit == visit))


def pseudonym_of(connection: Connection, visit: str) -> str | None:
    """What the views call the vehicle of a visit, None when it is not known or was erased."""
    return connection.scalar(select(IDENTITY.c.vehicle).where(IDENTITY.c.visit == visit))


def visits_of(connection: Connection, vin: str) -> list[str]:
    """The visits of a vehicle, in alphabetical order."""
    statement = select(IDENTITY.c.visit).where(IDENTITY.c.vin == vin)
    return sorted(connection.scalars(statement))


def forget(connection: Connection, vin: str) -> int:
    """Erase a VIN and its pseudonym; how many visits had it."""
    return connection.execute(delete(IDENTITY).where(IDENTITY.c.vin == vin)).rowcount
