"""Whether gap records say more than was missing: each is held against what is stored inside it.

A gap reaches from the last that was heard to the first after. What an OPC UA server says first
after an absence may lie inside (`reckoning` holds that against the notifications). Of the others:

| reason | what may be stored inside of it, from the first to the last sample |
|---|---|
| of a Modbus connection | one poll: two and a half intervals, the time-outs of a request |
| queue overflow, notification lost | what waited in queues: the bridge, a keep-alive |
| outbox full, outbox damaged | what was read for some seconds into other batches |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from plant.stores.store import Store
from refit.accounts import OWN
from refit.chaos.reckoning import ABSENCES, OF_POLLS
from refit.chaos.spans import Span, gaps
from refit.chaos.unsaid import Interval, rows_of, unseen_ms
from stations.declare import Node, Tag
from wire.site import Site

GIVEN_UP = frozenset(("outbox full", "outbox damaged"))
KEEP_ALIVE_MS = 2_000
SLACK_MS = 3_000


def too_wide(
    site: Site, store: Store, stills: Sequence[Interval] = (), *, is_spoiled: bool = False
) -> Iterator[str]:
    """Gap records in which more is stored than may be; `stills`: when the agent stood still.

    `is_spoiled`: of what was in the outbox then nobody knows what had gone out before.
    """
    spans = gaps(site)
    for station in site.stations:
        for tag in station.declaration.tags:
            mine = [one for one in spans if one.covers(station.name, tag, one.from_ms, one.to_ms)]
            if not mine:
                continue
            is_polled = not isinstance(tag.at, Node)
            own = OF_POLLS if is_polled else OWN
            rows = rows_of(store, station.name, tag.name)
            times = [ms for ms, fact in rows if fact[0] not in own]
            for span in mine:
                allowed_ms = _allowed_ms(station, tag, span)
                if allowed_ms is None or (is_spoiled and span.reason in GIVEN_UP):
                    continue
                for begin, end in stills:
                    if begin <= span.to_ms and span.from_ms <= end:
                        allowed_ms += end - begin
                if inside := stored_inside(times, span, allowed_ms):
                    yield (
                        f"{station.name}.{tag.name}: samples from {inside[0]} to {inside[1]} lie in"
                        f" the gap {span}"
                    )


def stored_inside(times: Sequence[int], span: Span, allowed_ms: int) -> Interval | None:
    """The first and the last sample in a gap, when they lie further apart than is allowed."""
    inside = [ms for ms in times if span.from_ms < ms < span.to_ms]
    if inside and inside[-1] - inside[0] > allowed_ms:
        return inside[0], inside[-1]
    return None


def _allowed_ms(station: Any, tag: Tag[Any], span: Span) -> int | None:
    """How far apart samples in such a gap may lie; None where `reckoning` looks."""
    if span.reason in GIVEN_UP:
        return KEEP_ALIVE_MS + SLACK_MS
    if not isinstance(tag.at, Node):
        return unseen_ms(station.modbus[tag.at.on], tag)
    if span.reason in ABSENCES:
        return None
    return int(station.opcua.bridge_ms) + KEEP_ALIVE_MS + SLACK_MS
