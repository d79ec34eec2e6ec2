"""The derived tables, kept beside the entries: `follow` brings them up to the last entry.

Every append does so in its own transaction, so they are never behind for long; what an older
program appended, or a restored backup brought, is made up for with the next append. `rebuild` makes
them from nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import structlog
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from plant.ledger.derive import CycleFact, Fact, Place, Tour, derived, toured
from plant.ledger.schema import CYCLE, DERIVED, ENTRY, FACT, TOUR

ROWS_AT_ONCE = 1_000
VISITS_AT_ONCE = 500
PLACE = (
    ENTRY.c.number, ENTRY.c.site, ENTRY.c.line, ENTRY.c.station, ENTRY.c.visit, ENTRY.c.time,
    ENTRY.c.recorded_ms,
)  # fmt: skip
Progress = Callable[[int, int], None]

log = structlog.get_logger("ledger")


def silent(done: int, of: int) -> None:
    """The progress that nobody wants to see."""


def follow(connection: Connection, progress: Progress = silent) -> int:
    """Derive what entries have come since the last time; how many those were."""
    last = connection.scalar(select(func.max(FACT.c.number))) or 0
    beyond = ENTRY.c.number > last
    total = connection.scalar(select(func.max(ENTRY.c.number))) or 0
    if total <= last:
        return 0
    done = 0
    while rows := connection.execute(
        select(*PLACE, ENTRY.c.body).where(beyond).order_by(ENTRY.c.number).limit(ROWS_AT_ONCE)
    ).all():
        add(connection, [(Place(*row[:-1]), row.body) for row in rows])
        beyond = ENTRY.c.number > rows[-1].number
        done += len(rows)
        progress(done, total - last)
    return done


def catch_up(connection: Connection) -> None:
    """Make the derived tables agree with the entries; costs two searches when they do."""
    last = connection.scalar(select(func.max(FACT.c.number))) or 0
    entries = connection.scalar(select(func.max(ENTRY.c.number))) or 0
    if last > entries:
        log.warning("the derived tables have entries that are gone; they are made anew")
        rebuild(connection)
    elif last < entries:
        follow(connection)


def rebuild(connection: Connection, progress: Progress = silent) -> int:
    """Make the derived tables from nothing; how many entries there are."""
    for table in DERIVED:
        connection.execute(delete(table))
    return follow(connection, progress)


def add(connection: Connection, entries: Sequence[tuple[Place, bytes]]) -> None:
    """Derive these entries, which must be the next ones in their order."""
    made = [(place, *derived(place, body)) for place, body in entries]
    _insert(connection, FACT, [_row(fact) for _, fact, _ in made])
    _insert(connection, CYCLE, [_row(cycle) for _, _, cycle in made if cycle is not None])
    _count_in(connection, [one for one in made if one[0].visit])


def _count_in(connection: Connection, made: Sequence[tuple[Place, Fact, CycleFact | None]]) -> None:
    known = _tours(connection, {place.visit for place, _, _ in made if place.visit})
    tours: dict[str, Tour] = dict(known)
    for place, fact, cycle in made:
        visit = place.visit or ""
        tours[visit] = toured(tours.get(visit), place, fact, cycle)
    _insert(connection, TOUR, [_row(tour) for visit, tour in tours.items() if visit not in known])
    changed = [_change(tour) for visit, tour in tours.items() if visit in known]
    if changed:
        statement = update(TOUR).where(TOUR.c.visit == bindparam("the_visit"))
        values = {one.name: bindparam(one.name) for one in TOUR.c if one is not TOUR.c.visit}
        connection.execute(statement.values(values), changed)


def _row(derived: Fact | CycleFact | Tour) -> dict[str, Any]:
    return {name: getattr(derived, name) for name in derived.__slots__}


def _change(tour: Tour) -> dict[str, Any]:
    row = _row(tour)
    return row | {"the_visit": row.pop("visit")}


def _tours(connection: Connection, visits: Iterable[str]) -> dict[str, Tour]:
    found: dict[str, Tour] = {}
    for some in _parts(sorted(visits)):
        for row in connection.execute(select(TOUR).where(TOUR.c.visit.in_(some))):
            found[row.visit] = Tour(**row._mapping)
    return found


def _parts(visits: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(visits)
    while some := list(islice(rest, VISITS_AT_ONCE)):
        yield some


def _insert(connection: Connection, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)
