"""The columns behind `latest.py`: one row for each tag, whose index is the host's number of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stations.declare import Type
from stations.samples import Samples

RECENT = 32  # numbers of each tag that are kept
NEVER = np.iinfo(np.int64).min
SIZE_MIN = 1_024
Recent = NDArray[np.float32]
EMPTY = {"time": NEVER, "recent": np.nan}
_COLUMNS = ("time", "status", "type", "value", "count", "changed", "recent")


class LatestColumns:
    """Latest sample, number of samples, revision of the last change, and a ring of numbers."""

    def __init__(self, size_max: int) -> None:
        self._size_max = size_max
        self.time = np.full(0, NEVER, np.int64)
        self.status = np.zeros(0, np.uint32)
        self.type = np.zeros(0, np.uint8)
        self.value = np.zeros(0, np.uint64)
        self.count = np.zeros(0, np.int64)
        self.changed = np.zeros(0, np.int64)
        self.recent = np.zeros((0, RECENT), np.float32)

    def inside(self, samples: Samples) -> Samples:
        """The rows for which there is room, which is made up to the bound."""
        highest = int(samples.tag.max()) if len(samples) else -1
        if highest < len(self.time):
            return samples
        self._grow(min(max(highest + 1, 2 * len(self.time), SIZE_MIN), self._size_max))
        return samples if highest < len(self.time) else samples[samples.tag < len(self.time)]

    def _grow(self, size: int) -> None:
        more = size - len(self.time)
        for name in _COLUMNS:
            old = getattr(self, name)
            fresh = np.full((more, *old.shape[1:]), EMPTY.get(name, 0), old.dtype)
            setattr(self, name, np.concatenate((old, fresh)))

    def take(self, samples: Samples, revision: int, *, newer_alone: bool) -> NDArray[np.int64]:
        """Take in rows; the indexes of those that are the latest of their tag now.

        Of two rows with one time the later one counts, unless `newer_alone`.
        """
        order = np.lexsort((samples.time, samples.tag))
        held = self.time[samples.tag[order]]
        time = samples.time[order]
        order = order[time > held if newer_alone else time >= held]
        if not len(order):
            return order
        tag = samples.tag[order]
        starts = np.flatnonzero(np.concatenate(([True], tag[1:] != tag[:-1])))
        sizes = np.diff(np.append(starts, len(tag)))
        self._remember(samples, order, starts, sizes)
        last = order[starts + sizes - 1]
        number = samples.tag[last]
        self.time[number] = samples.time[last]
        self.status[number] = samples.status[last]
        self.type[number] = samples.type[last]
        self.value[number] = samples.value[last]
        self.count[number] += sizes
        self.changed[number] = revision
        return last

    def _remember(
        self, samples: Samples, order: NDArray[np.int64], starts: NDArray[np.int64],
        sizes: NDArray[np.int64],
    ) -> None:  # fmt: skip
        """The numbers of the rows into the rings; NaN where a row has no number."""
        rank = np.arange(len(order)) - np.repeat(starts, sizes)
        is_kept = rank >= np.repeat(sizes, sizes) - RECENT
        rows, rank = order[is_kept], rank[is_kept]
        tag, kind = samples.tag[rows], samples.type[rows]
        whole = (kind == Type.INT) | (kind == Type.BOOL)
        numbers = np.where(whole, samples.ints[rows], samples.floats[rows])
        numbers[~whole & (kind != Type.FLOAT)] = np.nan
        with np.errstate(over="ignore", invalid="ignore"):
            self.recent[tag, (self.count[tag] + rank) % RECENT] = numbers.astype(np.float32)

    def changed_since(self, revision: int) -> NDArray[np.int64]:
        """The numbers of the tags that have changed after a revision."""
        return np.flatnonzero(self.changed > revision)

    def rows(self, numbers: NDArray[np.int64]) -> Samples:
        """The latest samples of some tags; the side list is the caller's."""
        return Samples(
            numbers.astype(np.uint32), self.time[numbers], self.status[numbers],
            self.type[numbers], self.value[numbers],
        )  # fmt: skip

    def recent_of(self, numbers: NDArray[np.int64], most: int | None) -> list[Recent]:
        """The last numbers of some tags, oldest first; none of a tag that never had a number."""
        size = RECENT if most is None else min(max(most, 0), RECENT)
        count = self.count[numbers]
        at = (count[:, None] - size + np.arange(size)) % RECENT
        found = self.recent[numbers[:, None], at]
        # What a tag does not have yet is left out at the front, all of it where no number is.
        skipped = np.where(
            np.isfinite(found).any(axis=1), size - np.minimum(count, size), size
        ).tolist()
        return [row[skip:] for row, skip in zip(found, skipped, strict=True)]
