"""Means of windows: those that a server computed and those of samples that were read, joined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stations.declare import Type
from stations.samples import Samples
from stations.status import SEVERITY


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Windows of one series that have Good numbers, in the order of time.

    Begin in UTC ms, then mean, least and greatest, and how many.
    """

    time: NDArray[np.int64]
    mean: NDArray[np.float64]
    least: NDArray[np.float64]
    greatest: NDArray[np.float64]
    count: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.time)


def windows(rows: Sequence[Sequence[Any]]) -> Windows:
    """Of rows (begin, mean, least, greatest, count) as a server gives them."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5
    return Windows(
        np.array(columns[0], np.int64),
        *(np.array(column, np.float64) for column in columns[1:4]),
        np.array(columns[4], np.int64),
    )


def merge(one: Windows, other: Windows) -> Windows:
    """Both, in the order of time; two of the same time become one."""
    if not len(one) or not len(other):
        return other if len(one) == 0 else one
    time = np.concatenate([one.time, other.time])
    order = np.argsort(time, kind="stable")
    mean, least, greatest, count = (
        np.concatenate([getattr(one, name), getattr(other, name)])[order]
        for name in ("mean", "least", "greatest", "count")
    )
    time, begins = np.unique(time[order], return_index=True)
    total = np.add.reduceat(count, begins)
    share = mean * (count / np.repeat(total, np.diff(np.append(begins, len(count)))))
    return Windows(
        time,
        np.add.reduceat(share, begins),
        np.minimum.reduceat(least, begins),
        np.maximum.reduceat(greatest, begins),
        total,
    )


def of_samples(samples: Samples, window_ms: int) -> Windows:
    """Windows of the Good numbers among samples of one series in the order of time."""
    is_number = np.isin(samples.type, (Type.BOOL, Type.INT, Type.FLOAT))
    good = samples[((samples.status & SEVERITY) == 0) & is_number]
    if not len(good):
        return windows([])
    values = np.where(good.type == Type.FLOAT, good.floats, good.ints.astype(np.float64))
    time, begins, count = np.unique(
        good.time // window_ms * window_ms, return_index=True, return_counts=True
    )
    return Windows(
        time,
        np.add.reduceat(values, begins) / count,
        np.minimum.reduceat(values, begins),
        np.maximum.reduceat(values, begins),
        count,
    )


def spans(begins: Iterable[int], window_ms: int) -> Iterator[tuple[int, int]]:
    """Begin and end of runs of windows that follow one another; `begins` is in order."""
    first = last = None
    for begin in begins:
        if last is not None and first is not None and begin != last + window_ms:
            yield first, last + window_ms
            first = begin
        first, last = begin if first is None else first, begin
    if first is not None and last is not None:
        yield first, last + window_ms
