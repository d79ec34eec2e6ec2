"""Reports made by hand, for tests of what comes after a source."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from edge.sources.source import TICKS_PER_MS, Report
from stations.declare import Node, Register, Station, Tag, Type
from stations.samples import Samples, build
from stations.status import GOOD

START_MS = 1_790_000_000_000


class Press(Station):
    """A machine with one tag of each sort."""

    force = Tag(float, Node("Force"), unit="N", doc="Force of the ram.")
    travel = Tag(float, Node("Travel"), unit="mm", deadband=0.5, doc="Travel of the ram.")
    strokes = Tag(int, Node("Strokes"), deadband=2, doc="Strokes since the start.")
    running = Tag(bool, Node("Running"), doc="The motor runs.")
    visit = Tag(str, Node("Visit"), doc="The vehicle in the press.")
    heat = Tag(list[float], Node("Heat"), length=2, doc="Temperatures of the bearings.")
    beat = Tag(int, Register("input", 3), stale_ms=5000, doc="Counts once a second.")


TAGS: dict[int, Tag[Any]] = dict(enumerate(Press.tags, 1))
NUMBERS = {tag.name: number for number, tag in TAGS.items()}


def report(
    rows: Iterable[tuple[str, int, Any]],
    *,
    received_ms: int | None = None,
    status: int = GOOD,
    polled: bool = False,
    first: bool = False,
    done: Callable[[], None] = lambda: None,
) -> Report:
    """A report of rows (tag name, ticks after START_MS, value)."""
    rows = list(rows)
    ticks = np.array([START_MS * TICKS_PER_MS + at for _, at, _ in rows], np.int64)
    samples = build(
        (
            NUMBERS[name],
            START_MS + at // TICKS_PER_MS,
            status,
            TAGS[NUMBERS[name]].value_type,
            value,
        )
        for name, at, value in rows
    )
    last = int(ticks.max()) // TICKS_PER_MS if len(ticks) else START_MS
    received = last if received_ms is None else received_ms
    return Report(samples, ticks, received, polled, first, done)


def rows_of(samples: Samples) -> list[tuple[int, int, int, Type, Any]]:
    """Samples as plain rows, for comparing."""
    return [
        (
            int(samples.tag[i]),
            int(samples.time[i]),
            int(samples.status[i]),
            Type(int(samples.type[i])),
            samples.row(i),
        )
        for i in range(len(samples))
    ]
