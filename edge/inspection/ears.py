"""What a session hears of its station's tags, connection by connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edge.sources.source import Report
from edge.values import Values
from stations.declare import Tag
from stations.inspection.station import Inspection
from stations.inspection.tagged import LIVE, PARTS
from stations.samples import Samples

VISIT = Inspection.visit.name
MORE = (Inspection.zero_ok.name, Inspection.calibrated.name)
WATCHED = frozenset(
    (VISIT, *LIVE, *MORE, *(tag for parts in PARTS.values() for part in parts for tag in part.tags))
)
"""All tags that a session follows."""


class Ear:
    """One connection of the station: its values go on, and its silence does."""

    def __init__(self, told: Callable[[dict[str, Any]], None]) -> None:
        self._told = told
        self._values = Values(())

    def declare(self, tags: Mapping[int, Tag[Any]], last: Samples) -> None:
        """The numbers of the connection's tags, and their last values."""
        self._values = Values([tag.name for tag in tags.values() if tag.name in WATCHED])
        self._values.declare(tags, last)

    def hear(self, report: Report) -> None:
        """A source has reported."""
        if not report.historical:
            for values in self._values.of(report.samples):
                self._told(values)

    def link(self, up: bool) -> None:
        """The machine can or cannot be reached: what it showed cannot be relied on then."""
        if not up:
            self._told(self._values.nothing())
