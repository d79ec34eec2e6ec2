"""The numbers of tags in the outbox, and where the stations stand that have samples in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from stations.declare import Type

_PLACE = "place of "


def numbers(
    db: sqlite3.Connection, station: str, tags: Iterable[tuple[str, Type]]
) -> dict[str, int]:
    """The numbers of the tags of one station, by name: given once, never given to another."""
    query = "SELECT name, type, number FROM tag WHERE station = ?"
    wanted = [(name, int(type)) for name, type in tags]
    known = {(name, type): n for name, type, n in db.execute(query, (station,))}
    new = [(station, *key) for key in wanted if key not in known]
    if new:
        with db:
            db.executemany("INSERT INTO tag (station, name, type) VALUES (?, ?, ?)", new)
        known = {(name, type): n for name, type, n in db.execute(query, (station,))}
    return {name: known[name, type] for name, type in wanted}


def all_tags(db: sqlite3.Connection) -> dict[int, tuple[str, str, Type]]:
    """Every number ever given: station, name, type."""
    rows = db.execute("SELECT number, station, name, type FROM tag")
    return {number: (station, name, Type(type)) for number, station, name, type in rows}


def places(
    db: sqlite3.Connection, stations: Iterable[tuple[str, str, str]]
) -> dict[str, tuple[str, str]]:
    """Line and kind of every station ever named; `stations` (name, line, kind) are noted."""
    with db:
        notes = [(f"{_PLACE}{name}", f"{line}/{kind}") for name, line, kind in stations]
        db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", notes)
    query = "SELECT name, value FROM meta WHERE substr(name, 1, ?) = ?"
    found = db.execute(query, (len(_PLACE), _PLACE)).fetchall()
    split = {name[len(_PLACE) :]: value.rpartition("/") for name, value in found}
    return {name: (line, kind) for name, (line, _, kind) in split.items()}
