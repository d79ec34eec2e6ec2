"""From columns to rules: keeps what a station's rules need, and asks them at each trigger's sample.

The agent feeds it what it has just kept, the golden cases feed it timelines: the same samples in
give the same drafts out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stations.declare import Tag, Type
from stations.judge import Now, Reading
from stations.kinds import Kind
from stations.records import Draft
from stations.samples import EMPTY, Samples, concat
from stations.status import SEVERITY

ROWS_MAX = 200_000


class Watch:
    """The rules of one station at work. `tags` says which tag each number in the columns means.

    At most ROWS_MAX rows are kept between two looks; older ones are forgotten and counted.
    """

    def __init__(self, kind: Kind, tags: Mapping[int, Tag[Any]], known: Samples = EMPTY) -> None:
        self.kind = kind
        self.memory = kind.memory()
        self.forgotten = 0
        self._tags = dict(tags)
        self._numbers = {tag.name: number for number, tag in self._tags.items()}
        self._triggers = np.array(
            [self._numbers[tag.name] for tag in kind.triggers if tag.name in self._numbers],
            np.uint32,
        )
        self._readings: dict[str, Reading[Any]] = {}
        self._waiting: list[Samples] = []
        self._rows = 0
        self._apply(known)

    def feed(self, samples: Samples) -> list[Draft]:
        """What the rules say about these samples; rows are taken in the order of their times."""
        ordered = samples[np.argsort(samples.time, kind="stable")]
        cuts = np.flatnonzero(np.isin(ordered.tag, self._triggers))
        drafts: list[Draft] = []
        start = 0
        for cut in cuts.tolist():
            self._keep(ordered[start : cut + 1])
            drafts += self._look(int(ordered.time[cut]), int(ordered.tag[cut]))
            start = cut + 1
        self._keep(ordered[start:])
        return drafts

    def _keep(self, samples: Samples) -> None:
        if not len(samples):
            return
        self._waiting.append(samples)
        self._rows += len(samples)
        while self._rows > ROWS_MAX and len(self._waiting) > 1:
            oldest = self._waiting.pop(0)
            self._apply(oldest)
            self._rows -= len(oldest)
            self.forgotten += len(oldest)

    def _look(self, time_ms: int, trigger: int) -> list[Draft]:
        since = concat(self._waiting)
        self._waiting, self._rows = [], 0
        self._apply(since)
        columns = _Columns(since, self._numbers)
        now = Now(time_ms, self._tags[trigger].name, self._readings, columns)
        self.memory, drafts = self.kind.judge(self.memory, now)
        return drafts

    def _apply(self, samples: Samples) -> None:
        """Make the last row of each tag its reading."""
        reversed_tags = samples.tag[::-1]
        _, last = np.unique(reversed_tags, return_index=True)
        for index in (len(samples) - 1 - last).tolist():
            tag = self._tags.get(int(samples.tag[index]))
            if tag is not None:
                self._readings[tag.name] = Reading(
                    samples.row(index), int(samples.time[index]), int(samples.status[index])
                )


class _Columns(Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]):
    """Times and values of the Good samples of a number, cut out of the columns when a rule asks."""

    def __init__(self, samples: Samples, numbers: Mapping[str, int]) -> None:
        self._samples = samples
        self._numbers = numbers

    def __getitem__(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        samples = self._samples
        rows = (samples.tag == self._numbers[name]) & (samples.status & SEVERITY == 0)
        rows &= np.isin(samples.type, (Type.BOOL, Type.INT, Type.FLOAT))
        picked = samples[rows]
        numbers = np.where(picked.type == Type.FLOAT, picked.floats, picked.ints.astype(np.float64))
        return picked.time, numbers

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)
