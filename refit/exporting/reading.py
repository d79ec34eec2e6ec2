"""Long ranges out of a store in bounded memory: windows that fit what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plant.stores.store import Means, Store, TooManyRows
from refit.exporting.choose import Chosen
from stations.declare import Type
from stations.samples import Samples

ROWS_MAX = 50_000
GROWTH_MAX = 8


@dataclass(frozen=True, slots=True)
class Window:
    """What some series have from `start_ms` to before `end_ms`, in their order."""

    start_ms: int
    end_ms: int
    samples: list[Samples]

    @property
    def rows(self) -> int:
        """How many samples it has."""
        return sum(len(one) for one in self.samples)


def windows(
    store: Store, chosen: Sequence[Chosen], start_ms: int, end_ms: int, rows_max: int = ROWS_MAX
) -> Iterator[Window]:
    """All samples of some series, window after window, about `rows_max` rows in each at most.

    TooManyRows when one millisecond alone has more, which only a wrong store says.
    """
    at, span, share = start_ms, end_ms - start_ms, max(rows_max // max(len(chosen), 1), 100)
    while at < end_ms:
        end = min(at + span, end_ms)
        try:
            found = [_range(store, one, at, end, share) for one in chosen]
        except TooManyRows:
            if end - at <= 1:
                raise
            span = (end - at) // 2
            continue
        window = Window(at, end, found)
        yield window
        fullest = max((len(one) for one in found), default=0)
        span = max((end - at) * min(share // max(2 * fullest, 1), GROWTH_MAX), (end - at) // 2, 1)
        at = end


def _range(store: Store, one: Chosen, start_ms: int, end_ms: int, rows_max: int) -> Samples:
    series = one.series
    return store.range(series.station, series.tag, start_ms, end_ms, series.measurement, rows_max)


def means(
    store: Store, one: Chosen, start_ms: int, end_ms: int, every_ms: int, rows_max: int = ROWS_MAX
) -> Iterator[tuple[int, Means]]:
    """The means of a series in whole windows of `every_ms`, with the time up to which they are."""
    at, series = start_ms // every_ms * every_ms, one.series
    last = -(-end_ms // every_ms) * every_ms
    while at < last:
        end = min(at + rows_max * every_ms, last)
        yield end, store.mean(series.station, series.tag, at, end, every_ms, series.measurement)
        at = end


def values_of(samples: Samples) -> list[Any]:
    """The values as Python objects, None where there is none; whole columns at a time."""
    values = np.full(len(samples), None, object)
    for kind, column in (
        (Type.FLOAT, samples.floats), (Type.INT, samples.ints), (Type.BOOL, samples.ints != 0),
    ):  # fmt: skip
        rows = samples.type == kind
        values[rows] = column[rows]
    listed: list[Any] = values.tolist()
    for row in np.flatnonzero(samples.in_side).tolist():
        listed[row] = samples.row(row)
    return listed
