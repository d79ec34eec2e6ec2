"""What the gap records of a site say: of which tags samples may be missing, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from edge.agent import connection_of
from plant.ledger import open_ledger
from stations.declare import Tag
from wire.clock import SystemClock
from wire.site import Site


@dataclass(frozen=True, slots=True)
class Span:
    """What a gap record says: of which tags of which connection, from when to when, and why."""

    station: str
    connection: str | None
    tags: frozenset[str]
    from_ms: int
    to_ms: int
    reason: str

    def covers(self, station: str, tag: Tag[Any], from_ms: int, to_ms: int) -> bool:
        """True when values of this tag between these times may be missing."""
        return (
            self.station == station
            and (self.connection is None or self.connection == connection_of(tag))
            and (not self.tags or tag.name in self.tags)
            and self.from_ms <= to_ms
            and from_ms <= self.to_ms
        )

    def is_at(self, time_ms: int) -> bool:
        """Whether it reaches over this moment."""
        return self.from_ms <= time_ms <= self.to_ms


def gaps(site: Site) -> list[Span]:
    """What the gap records in the ledger say."""
    found: list[Span] = []
    with open_ledger(site.ledger, SystemClock(), create=False) as ledger:
        before: int | None = None
        while page := ledger.find(kind="gap", before=before):  # a run of hours may have many
            found += [_span(one.station, orjson.loads(one.body)["data"]) for one in page]
            before = page[-1].number
    return found


def _span(station: str, data: dict[str, Any]) -> Span:
    began, ended = (
        round(datetime.fromisoformat(data[key]).timestamp() * 1000) for key in ("began", "ended")
    )
    tags = frozenset(data["tags"])
    return Span(station, data["connection"], tags, began, ended, data["reason"])
