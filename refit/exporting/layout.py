"""How samples become rows: one for each sample (long), one for each time (wide), or means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plant.stores.store import Store
from refit.exporting.choose import Chosen
from refit.exporting.reading import Window, means, values_of, windows
from refit.status_words import words
from stations.declare import Type
from stations.samples import Samples

TIME, NAME, VALUE, STATUS = "time", "name", "value", "status"
Kind = str | Type


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file. `kind`: time, name (a text that repeats), value (of any type), status
    (an unsigned number), or the one type that all of it has. `about` is told of the tag in it.
    """

    name: str
    kind: Kind
    unit: str = ""
    about: Chosen | None = None


Told = Callable[[int], None]  # how many more milliseconds of series are done


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows: for each column its values, None where there is none.

    `kind` is the one type that the values in a column of kind value have here.
    """

    columns: list[list[Any]]
    kind: Type = Type.NONE


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a file, and its rows batch by batch."""

    columns: list[Column]
    batches: Iterator[Batch]
    types: tuple[Type, ...] = ()  # that a column of kind value has


def long(store: Store, chosen: Sequence[Chosen], start_ms: int, end_ms: int, told: Told) -> Layout:
    """A row for each sample, series after series, in the order of time."""
    titles = [
        Column("time", TIME), Column("station", NAME), Column("tag", NAME),
        Column("value", VALUE), Column("unit", NAME), Column("quality", NAME),
        Column("status", STATUS),
    ]  # fmt: skip

    def batches() -> Iterator[Batch]:
        for one in chosen:
            for window in windows(store, [one], start_ms, end_ms):
                told(window.end_ms - window.start_ms)
                samples = window.samples[0]
                if size := len(samples):
                    about = [[text] * size for text in (one.series.station, one.series.tag)]
                    columns = [
                        samples.time.tolist(), *about, values_of(samples), [one.unit] * size,
                        qualities(samples), samples.status.tolist(),
                    ]  # fmt: skip
                    yield Batch(columns, one.series.type)

    types = sorted({one.series.type for one in chosen})
    return Layout(titles, batches(), tuple(types))


def wide(store: Store, chosen: Sequence[Chosen], start_ms: int, end_ms: int, told: Told) -> Layout:
    """A row for each time at which a series has a sample, with two columns for each series.

    A series without a sample at that time has neither a value nor a quality there.
    """
    columns = [Column("time", TIME)]
    for one in chosen:
        columns.append(Column(one.name, one.series.type, one.unit, one))
        columns.append(Column(f"{one.name} quality", NAME))

    def batches() -> Iterator[Batch]:
        for window in windows(store, chosen, start_ms, end_ms):
            told((window.end_ms - window.start_ms) * len(chosen))
            if window.rows:
                yield _side_by_side(window)

    return Layout(columns, batches())


def _side_by_side(window: Window) -> Batch:
    times = np.unique(np.concatenate([one.time for one in window.samples]))
    columns: list[list[Any]] = [times.tolist()]
    for samples in window.samples:
        at = np.searchsorted(times, samples.time).tolist()
        columns.append(_spread(values_of(samples), at, len(times)))
        columns.append(_spread(qualities(samples), at, len(times)))
    return Batch(columns)


def _spread(values: list[Any], at: list[int], size: int) -> list[Any]:
    spread: list[Any] = [None] * size
    for index, value in zip(at, values, strict=True):
        spread[index] = value
    return spread


def long_means(
    store: Store, chosen: Sequence[Chosen], start_ms: int, end_ms: int, every_ms: int, told: Told
) -> Layout:
    """A row for each window of each series that has Good numbers."""
    titles = [
        Column("time", TIME), Column("station", NAME), Column("tag", NAME),
        Column("mean", Type.FLOAT), Column("unit", NAME), Column("count", Type.INT),
    ]  # fmt: skip

    def batches() -> Iterator[Batch]:
        for one in chosen:
            done = start_ms
            for end, found in means(store, one, start_ms, end_ms, every_ms):
                told(max(min(end, end_ms) - done, 0))
                done = end
                if size := len(found):
                    about = [[text] * size for text in (one.series.station, one.series.tag)]
                    columns = [
                        found.time.tolist(), *about, found.mean.tolist(), [one.unit] * size,
                        found.count.tolist(),
                    ]  # fmt: skip
                    yield Batch(columns)

    return Layout(titles, batches())


def wide_means(
    store: Store, chosen: Sequence[Chosen], start_ms: int, end_ms: int, every_ms: int, told: Told
) -> Layout:
    """A row for each window in which a series has Good numbers, with a column for each series."""
    columns = [
        Column("time", TIME),
        *(Column(one.name, Type.FLOAT, one.unit, one) for one in chosen),
    ]

    def batches() -> Iterator[Batch]:
        steps = max(50_000 // len(chosen), 100)
        every = [means(store, one, start_ms, end_ms, every_ms, steps) for one in chosen]
        done = start_ms
        for parts in zip(*every, strict=True):
            told(max(min(parts[0][0], end_ms) - done, 0) * len(chosen))
            done = parts[0][0]
            times = np.unique(np.concatenate([found.time for _, found in parts]))
            if len(times):
                spread = [
                    _spread(
                        found.mean.tolist(), np.searchsorted(times, found.time).tolist(), len(times)
                    )
                    for _, found in parts
                ]
                yield Batch([times.tolist(), *spread])

    return Layout(columns, batches())


def qualities(samples: Samples) -> list[str]:
    """The StatusCodes of samples by their names."""
    codes, where = np.unique(samples.status, return_inverse=True)
    names = [words(code) for code in codes.tolist()]
    return [names[at] for at in where.tolist()]
