"""Which series there are, and what was last written to each.

The list stands in the store itself: measurement `refit_series`, one series for each of ours, tags
`site`, `line`, `station`, `of` (measurement) and `signal` (tag), integer field `type`. InfluxDB
knows texts and arrays only as strings; the earliest entry of a field says for good what it is, to
all historians and after every restart. Each entry is written anew once a day, so that retention
leaves it as long as its samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from plant.stores.influx.lines import Keys, Rows, is_writable, line
from plant.stores.store import OWN_MEASUREMENTS, Series
from stations.declare import Type
from stations.status import GOOD

MEASUREMENT = "refit_series"
QUERY = f'SELECT first("type") FROM "{MEASUREMENT}"'
DAY_MS, MINUTE_MS = 86_400_000, 60_000
NEVER = -1


class Place(NamedTuple):
    """What shares lines in the store: one station in one measurement."""

    site: str
    line: str
    station: str
    measurement: str


class Key(NamedTuple):
    """What names a series."""

    site: str
    line: str
    station: str
    measurement: str
    tag: str

    @property
    def is_writable(self) -> bool:
        """Whether all of it can stand in a line."""
        return all(map(is_writable, self)) and bool(self.measurement) and bool(self.tag)


class Catalog:
    """Series by number. `since_ms` is when this process began to write.

    Up to then another may have written statuses that we do not know, so that each sample of those
    times is written with its own.
    """

    def __init__(self, since_ms: int) -> None:
        self.keys = Keys()
        self.numbers: dict[Key, int] = {}
        self.places: dict[int, Place] = {}
        self._of_station: dict[str, list[Key]] = {}
        self._since_ms = since_ms
        self._first: dict[tuple[str, str], tuple[int, Type]] = {}
        self._newest = np.empty(0, np.int64)
        self._code = np.empty(0, np.int64)
        self._entered_ms: list[int] = []

    def __len__(self) -> int:
        return len(self.numbers)

    def learn(self, answer: Iterable[Mapping[str, Any]]) -> None:
        """Take what the store answers to QUERY."""
        for table in answer:
            tags = table["tags"]
            time_ms, kind = table["values"][0][:2]
            if kind not in set(Type):
                continue
            key = Key(
                *(tags.get(name) or "" for name in ("site", "line", "station", "of")),
                tags["signal"],
            )
            self.add(key, time_ms, Type(kind))

    def add(self, key: Key, time_ms: int, kind: Type) -> None:
        """A series that the store has, with the time and the type of its earliest entry."""
        field = (key.measurement, key.tag)
        self._first[field] = min(self._first.get(field, (time_ms, kind)), (time_ms, kind))
        if key in self.numbers:
            return
        tags = {"site": key.site, "line": key.line, "station": key.station}
        number = self.numbers[key] = self.keys.add(key.measurement, tags, key.tag)
        self._of_station.setdefault(key.station, []).append(key)
        self.places[self.keys.group(number)] = Place(*key[:4])
        self._entered_ms.append(NEVER)
        if number >= len(self._newest):
            more = max(64, len(self._newest))
            self._newest = np.append(self._newest, np.full(more, NEVER))
            self._code = np.append(self._code, np.full(more, NEVER))

    def kind(self, measurement: str, tag: str) -> Type | None:
        """The type that a field has for good; None when it has none yet."""
        found = self._first.get((measurement, tag))
        return None if found is None else found[1]

    def entry(self, key: Key, kind: Type, now_ms: int) -> bytes:
        """The line by which a series is entered in the store's own list."""
        tags = {"site": key.site, "line": key.line, "station": key.station}
        tags |= {"of": key.measurement, "signal": key.tag}
        return line(MEASUREMENT, tags, {"type": int(kind)}, now_ms)

    def due(self, keys: Iterable[Key], now_ms: int) -> list[Key]:
        """Which of these known series have to be entered anew."""
        return [
            key for key in keys if not 0 <= now_ms - self._entered_ms[self.numbers[key]] < DAY_MS
        ]

    def entered(self, keys: Iterable[Key], now_ms: int) -> None:
        """These stand in the store's list."""
        for key in keys:
            self._entered_ms[self.numbers[key]] = now_ms

    def tell(self, rows: Rows) -> None:
        """Decide which statuses are written: where one is not Good, where it changes, and where
        another may stand already, so that a status missing in the store always means Good."""
        order = np.argsort(rows.series, kind="stable")
        series, code, time = rows.series[order], rows.code[order], rows.samples.time[order]
        begins = np.ones(len(order), np.bool_)
        begins[1:] = series[1:] != series[:-1]
        before = np.empty_like(code)
        before[1:] = code[:-1]
        before[begins] = self._code[series[begins]]
        known_ms = np.maximum(self._newest[series], self._since_ms)
        rows.told[order] = (code != GOOD) | (code != before) | (time <= known_ms)
        ends = np.append(begins[1:], True)
        ends &= time > self._newest[series]
        self._newest[series[ends]] = time[ends]
        self._code[series[ends]] = code[ends]

    def minutes(self, rows: Rows) -> Iterator[tuple[Place, int]]:
        """The places and minutes since 1970 that these rows touch."""
        groups = self.keys.columns()[0][rows.series]
        pairs = np.unique(groups << 32 | rows.samples.time // MINUTE_MS)
        for group, minute in zip(
            (pairs >> 32).tolist(), (pairs & 0xFFFF_FFFF).tolist(), strict=True
        ):
            yield self.places[group], minute

    def find(self, station: str | None, tag: str | None, measurement: str | None) -> list[Series]:
        """The series that a reader asks for, in the order of station, measurement and tag."""
        keys = self.numbers if station is None else self._of_station.get(station, ())
        return self._series(
            key
            for key in keys
            if tag in (None, key.tag)
            and (key.measurement == measurement or measurement is None)
            and (measurement is not None or key.measurement not in OWN_MEASUREMENTS)
        )

    def at(self, place: Place) -> list[Series]:
        """The series of one station and measurement."""
        keys = self._of_station.get(place.station, ())
        return self._series(key for key in keys if key[:4] == place)

    def series(self) -> list[Series]:
        """All series in the order of station, measurement and tag."""
        return self._series(self.numbers)

    def _series(self, keys: Iterable[Key]) -> list[Series]:
        order = sorted(keys, key=lambda one: (one.station, one.measurement, one.tag))
        kinds = [self.kind(key.measurement, key.tag) for key in order]
        return [Series(*key, kind) for key, kind in zip(order, kinds, strict=True) if kind]
