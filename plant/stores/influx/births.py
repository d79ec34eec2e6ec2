"""What the tag numbers of samples stand for in the store, looked up once for each birth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from plant.stores.check import NO_ROOM
from plant.stores.influx.catalog import DAY_MS, Key, Place
from plant.stores.store import Points
from stations.declare import Type
from stations.samples import Samples
from wire.sparkplug.metrics import MetricName

TABLES_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Table:
    """Of one place and birth: the type that each tag number keeps, and its series."""

    names: Mapping[int, MetricName]
    day: int
    kinds: dict[int, int] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)

    def series(self, samples: Samples) -> NDArray[np.int64]:
        """The series of each row; all of these have one."""
        tags, places = np.unique(samples.tag, return_inverse=True)
        return np.array([self.numbers[tag] for tag in tags.tolist()], np.int64)[places]


class Births:
    """Remembers a table for each place, for a day: so long an entry in the store's list lasts."""

    def __init__(self) -> None:
        self._tables: dict[Place, Table] = {}

    def tables(
        self,
        points: Sequence[Points],
        now_ms: int,
        enter: Callable[[Mapping[Key, Type]], None],
        resolve: Callable[[Key], tuple[int, int]],
    ) -> list[Table]:
        """The table of each of `points`. `enter` is called once, with the series that are new here;

        `resolve` gives type and number of one, or why there is none.
        """
        tables = [self._table(one, now_ms // DAY_MS) for one in points]
        new = [_names(one, table) for one, table in zip(points, tables, strict=True)]
        wanted = {key: kind for names in new for key, kind in names.values()}
        if wanted:
            enter(wanted)
        for row, names in enumerate(new):
            for tag, (key, _) in names.items():
                kind, number = resolve(key)
                if kind == NO_ROOM:  # there may be some the next time
                    one = tables[row]
                    tables[row] = Table(one.names, one.day, one.kinds | {tag: kind}, one.numbers)
                else:
                    tables[row].kinds[tag], tables[row].numbers[tag] = kind, number
        return tables

    def _table(self, points: Points, day: int) -> Table:
        place = Place(points.site, points.line, points.station, points.measurement)
        known = self._tables.get(place)
        if known is None or known.names is not points.names or known.day != day:
            if len(self._tables) >= TABLES_MAX:
                self._tables.clear()
            known = self._tables[place] = Table(points.names, day)
        return known


def _names(points: Points, table: Table) -> dict[int, tuple[Key, Type]]:
    """The key and the declared type of each tag number that is new in a table."""
    found = {}
    for tag in np.unique(points.samples.tag).tolist():
        name = None if tag in table.kinds else points.names.get(tag)
        if name is not None:
            key = Key(points.site, points.line, points.station, points.measurement, name.name)
            found[tag] = (key, name.type)
    return found
