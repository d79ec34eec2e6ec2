"""The embedded store: one SQLite file, upserted in the order of its key.

Columns go in by one `executemany` over lists that NumPy makes. `benchmarks/sqlite_store.py`
measures it against rows made in Python and against JSON that SQLite takes apart. Readers use the
view `sample`; `settle.py` says what lies behind it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from plant.stores import settle
from plant.stores.aging import Aging
from plant.stores.check import NO_ROOM, sift
from plant.stores.database import Database
from plant.stores.store import (
    OWN_MEASUREMENTS,
    ROWS_MAX,
    Last,
    Means,
    Points,
    Refusal,
    Sample,
    Series,
    StoreUnavailable,
    TooManyRows,
)
from stations.declare import Type
from stations.samples import EMPTY, Samples, build
from stations.status import SEVERITY
from wire.sparkplug.metrics import MetricName

APPLICATION_ID = 0x52465453  # "RFTS"
VERSION = 1
SERIES_MAX = 200_000
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS field (
    measurement TEXT NOT NULL, name TEXT NOT NULL, type INTEGER NOT NULL,
    PRIMARY KEY (measurement, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY, site TEXT NOT NULL, line TEXT NOT NULL, station TEXT NOT NULL,
    measurement TEXT NOT NULL, name TEXT NOT NULL,
    UNIQUE (station, name, measurement, line, site)
);
{settle.SCHEMA}
"""
_UPSERT = (
    "INSERT INTO recent (series, time, status, value) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (time, series) DO UPDATE SET status = excluded.status, value = excluded.value"
)
_GOOD = f"status & {SEVERITY} = 0"
Key = tuple[str, str, str, str, str]

log = structlog.get_logger("store")


@dataclass(frozen=True, slots=True)
class _Rows:
    """The columns of one transaction."""

    series: NDArray[np.int64]
    samples: Samples


class SqliteStore:
    """A `Store` in one file, which other processes may read and write at the same time."""

    def __init__(
        self,
        path: Path,
        series_max: int = SERIES_MAX,
        settling: settle.Settling | None = None,
        aging: Aging | None = None,
    ) -> None:
        self._database = Database(path, _SCHEMA, APPLICATION_ID, VERSION)
        self._series_max = series_max
        self._known: dict[Key, tuple[int, int]] = {}
        self._known_of = 0
        self._settling = settling or settle.Settling()
        self._aging = aging or Aging(None)
        self._database.check()

    def write(self, points: Sequence[Points]) -> list[list[Refusal]]:
        """Keep all that can be kept in one transaction; for each of `points` its refusals."""
        try:
            with self._database.writing() as connection:
                if self._known_of != self._database.opened:
                    self._known.clear()
                    self._settling.forget()
                    self._known_of = self._database.opened
                self._aging.see(connection, points)
                parts, refusals = [], []
                for one in points:
                    rows, refused = self._rows(connection, one)
                    parts.append(rows)
                    refusals.append(refused)
                connection.executemany(_UPSERT, _in_key_order(parts))
        except BaseException:
            self._known.clear()  # it may name series that were rolled back
            raise
        self._settle(sum(len(part.series) for part in parts))
        return refusals

    def _settle(self, rows: int) -> None:
        """Settle for what was written, and let old samples go; a write stays when this fails."""
        try:
            if self._aging.is_due:
                with self._database.writing() as connection:
                    self._aging.step(connection)
            for _ in range(self._settling.steps_for(rows)):
                with self._database.writing() as connection:
                    if not self._settling.step(connection):
                        break
        except StoreUnavailable as error:
            self._settling.forget()
            log.warning("samples could not be settled now", why=str(error))

    def _rows(self, connection: sqlite3.Connection, points: Points) -> tuple[_Rows, list[Refusal]]:
        tags = np.unique(points.samples.tag)
        ids, types = np.zeros(len(tags), np.int64), {}
        for index, tag in enumerate(tags.tolist()):
            name = points.names.get(tag)
            if name is not None:
                ids[index], types[tag] = self._series(connection, points, name)
        good, refused = sift(points, types, self._aging.oldest_ms)
        return _Rows(ids[np.searchsorted(tags, good.tag)], good), refused

    def _series(
        self, connection: sqlite3.Connection, points: Points, name: MetricName
    ) -> tuple[int, int]:
        """The id of a series, made now if it is new, and the type that its field has for good."""
        key = (points.station, name.name, points.measurement, points.line, points.site)
        known = self._known.get(key)
        if known is None:
            known = _find(connection, key) or self._make(connection, key, name.type)
            self._known[key] = known
        return known

    def _make(self, connection: sqlite3.Connection, key: Key, kind: Type) -> tuple[int, int]:
        newest = connection.execute("SELECT max(id) FROM series").fetchone()[0] or 0
        if newest >= self._series_max:  # none is ever deleted
            return 0, NO_ROOM
        field = (key[2], key[1])
        connection.execute("INSERT OR IGNORE INTO field VALUES (?, ?, ?)", (*field, int(kind)))
        connection.execute(
            "INSERT INTO series (station, name, measurement, line, site) VALUES (?, ?, ?, ?, ?)",
            key,
        )
        found = _find(connection, key)
        assert found is not None
        return found

    def last(self, station: str, tag: str, measurement: str | None = None) -> Last:
        """The latest sample and the latest Good one."""
        return Last(
            self._latest(station, tag, measurement, "1"),
            self._latest(station, tag, measurement, _GOOD),
        )

    def _latest(self, station: str, tag: str, measurement: str | None, which: str) -> Sample | None:
        found: list[tuple[int, int, int, Any]] = []
        with self._database.reading() as connection:
            for series, kind in _series_of(connection, station, tag, measurement):
                row = connection.execute(
                    f"SELECT time, status, value FROM sample WHERE series = ? AND {which} "
                    "ORDER BY time DESC LIMIT 1",
                    (series,),
                ).fetchone()
                if row is not None:
                    found.append((row[0], row[1], kind, row[2]))
        if not found:
            return None
        time, status, kind, value = max(found, key=lambda row: row[0])
        return Sample(time, status, _rows_of([(time, status, value)], kind).row(0))

    def range(
        self,
        station: str,
        tag: str,
        start_ms: int,
        end_ms: int,
        measurement: str | None = None,
        rows_max: int = ROWS_MAX,
    ) -> Samples:
        """The samples from `start_ms` to before `end_ms` in the order of time."""
        parts: list[tuple[int, list[tuple[int, int, Any]]]] = []
        with self._database.reading() as connection:
            for series, kind in _series_of(connection, station, tag, measurement):
                rows = connection.execute(
                    "SELECT time, status, value FROM sample WHERE series = ? AND time >= ? "
                    "AND time < ? ORDER BY time LIMIT ?",
                    (series, start_ms, end_ms, rows_max + 1),
                ).fetchall()
                parts.append((kind, rows))
        if sum(len(rows) for _, rows in parts) > rows_max:
            raise TooManyRows(f"{station} {tag}: more than {rows_max} samples; shorten the range")
        if len(parts) == 1:
            return _rows_of(parts[0][1], parts[0][0])
        mixed = [(0, t, s, Type(kind), _value(v, kind)) for kind, rows in parts for t, s, v in rows]
        return build(sorted(mixed, key=lambda row: row[1])) if mixed else EMPTY

    def mean(
        self, station: str, tag: str, start_ms: int, end_ms: int, window_ms: int,
        measurement: str | None = None,
    ) -> Means:  # fmt: skip
        """Means of the Good numbers; windows begin at multiples of `window_ms` since 1970."""
        if window_ms < 1:
            raise ValueError(f"a window has at least 1 ms, not {window_ms}")
        with self._database.reading() as connection:
            series = [one for one, _ in _series_of(connection, station, tag, measurement)]
            rows = connection.execute(
                f"SELECT time / ?1 * ?1 AS begin, avg(value), count(*) FROM sample "
                f"WHERE series IN ({_numbers(series)}) AND time >= ?2 AND time < ?3 AND {_GOOD} "
                "AND typeof(value) IN ('integer', 'real') GROUP BY begin ORDER BY begin LIMIT ?4",
                (window_ms, start_ms, end_ms, ROWS_MAX + 1),
            ).fetchall()
        if len(rows) > ROWS_MAX:
            raise TooManyRows(f"{station} {tag}: more than {ROWS_MAX} windows; widen them")
        begins, means, counts = zip(*rows, strict=True) if rows else ((), (), ())
        return Means(
            np.array(begins, np.int64), np.array(means, np.float64), np.array(counts, np.int64)
        )

    def count(
        self, station: str | None = None, tag: str | None = None, measurement: str | None = None
    ) -> int:
        """How many samples there are: of all, of one station, of one tag."""
        with self._database.reading() as connection:
            series = [one for one, _ in _series_of(connection, station, tag, measurement)]
            return int(
                connection.execute(
                    f"SELECT count(*) FROM sample WHERE series IN ({_numbers(series)})"
                ).fetchone()[0]
            )

    def series(self) -> list[Series]:
        """All series, in the order of station and tag."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT site, line, station, measurement, name, type FROM series "
                "JOIN field USING (measurement, name) ORDER BY station, measurement, name"
            ).fetchall()
        return [
            Series(site, line, station, measurement, name, Type(kind))
            for site, line, station, measurement, name, kind in rows
        ]

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _find(connection: sqlite3.Connection, key: Key) -> tuple[int, int] | None:
    row: tuple[int, int] | None = connection.execute(
        "SELECT id, type FROM series JOIN field USING (measurement, name) WHERE station = ? "
        "AND name = ? AND measurement = ? AND line = ? AND site = ?",
        key,
    ).fetchone()
    return row


def _series_of(
    connection: sqlite3.Connection, station: str | None, tag: str | None, measurement: str | None
) -> list[tuple[int, int]]:
    """Ids and types of what a reader asked for."""
    own = ", ".join(f"'{name}'" for name in OWN_MEASUREMENTS)
    return connection.execute(
        "SELECT id, type FROM series JOIN field USING (measurement, name) "
        "WHERE (?1 IS NULL OR station = ?1) AND (?2 IS NULL OR name = ?2) "
        f"AND CASE WHEN ?3 IS NULL THEN measurement NOT IN ({own}) ELSE measurement = ?3 END",
        (station, tag, measurement),
    ).fetchall()


def _numbers(series: Iterable[int]) -> str:
    """Ids as SQL: there may be more of them than a statement has parameters."""
    return ", ".join(map(str, series))


def _in_key_order(parts: Sequence[_Rows]) -> Iterable[tuple[int, int, int, Any]]:
    """Rows in the order of `recent`, so that each page is touched once.

    Of two with the same key the one written last stays last.
    """
    series = np.concatenate([part.series for part in parts]) if parts else np.empty(0, np.int64)
    time = np.concatenate([part.samples.time for part in parts]) if parts else series
    status = np.concatenate([part.samples.status for part in parts]) if parts else series
    values = np.concatenate([_values(part.samples) for part in parts]) if parts else series
    order = np.lexsort((series, time))
    return zip(
        series[order].tolist(), time[order].tolist(), status[order].tolist(),
        values[order].tolist(), strict=True,
    )  # fmt: skip


def _values(samples: Samples) -> NDArray[np.object_]:
    """The values as SQLite takes them; NumPy makes them, whole columns at a time."""
    values = np.full(len(samples), None, object)
    for kind, column in ((Type.FLOAT, samples.floats), (Type.INT, samples.ints)):
        rows = samples.type == kind
        values[rows] = column[rows]
    rows = samples.type == Type.BOOL
    values[rows] = (samples.value[rows] != 0).astype(np.int64)
    if samples.side:
        for row in np.flatnonzero(samples.in_side).tolist():
            entry = samples.side[int(samples.value[row])]
            values[row] = entry.decode() if samples.type[row] == Type.TEXT else entry
    return values


def _value(value: Any, kind: int) -> Any:
    if isinstance(value, bytes):
        return np.frombuffer(value, "<i8" if kind == Type.INTS else "<f8").tolist()
    return value


def _rows_of(rows: list[tuple[int, int, Any]], kind: int) -> Samples:
    """Columns of what SQLite gave, all of one type but for those without a value."""
    size = len(rows)
    present = np.fromiter((row[2] is not None for row in rows), np.bool_, size)
    side: list[bytes] = []
    if kind in (Type.TEXT, Type.INTS, Type.FLOATS):
        values = np.where(present, np.cumsum(present) - 1, 0).astype(np.uint64)
        side = [v.encode() if isinstance(v, str) else v for _, _, v in rows if v is not None]
    else:
        code = np.float64 if kind == Type.FLOAT else np.int64
        values = np.array([row[2] or 0 for row in rows], code).view(np.uint64)
    return Samples(
        np.zeros(size, np.uint32),
        np.fromiter((row[0] for row in rows), np.int64, size),
        np.fromiter((row[1] for row in rows), np.uint32, size),
        np.where(present, kind, Type.NONE).astype(np.uint8),
        values,
        tuple(side),
    )
