"""What a machine showed and nobody was told: no sample, no gap record, no Bad status says so.

Of an OPC UA tag every change counts. Of a Modbus tag what stood between two polls may be missed by
design, but no two polls lie further apart than `unseen_ms`, or it is said: by a gap record, or by a
Bad sample, which holds until the next sample.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.agent import connection_of
from plant.stores.store import Store
from refit.accounts import EVER, Fact, events
from refit.chaos.reckoning import (
    OF_POLLS,
    TICKS_PER_MS,
    Offer,
    Offers,
    is_small,
    read_offers,
)
from refit.chaos.spans import Span, gaps
from stations.declare import Node, Tag
from stations.samples import build
from wire.site import Site
from wire.site.connections import ModbusConfig

STOOD_MS = 3_000  # of the agent's own time, and of a busy machine's, in which no poll is due
PATIENCE = 3  # time-outs that one request may take
Interval = tuple[int, int]
Rows = Sequence[tuple[int, Fact]]


def unsaid(
    site: Site, log: Path, store: Store, station: str, offers: Offers | None = None
) -> list[str]:
    """What one station showed that is told nowhere; what it showed before it was read is left out.

    Behind a clock that was set back the agent's times stand in: `reckon` has those values.
    """
    spans = gaps(site)
    tags = {tag.name: tag for tag in site.station(station).declaration.tags}
    stored = {name: rows_of(store, station, name) for name in tags}
    changes: dict[str, list[Offer]] = {}
    first: set[str] = set()
    for event in events(log):
        if event.get("station") != station or "tag" not in event:
            continue
        name = event["tag"]
        if event["event"] == "item":
            first.add(name)
        if event["event"] == "change":
            sample = build([(0, 0, event["status"], tags[name].value_type, event["value"])])
            fact = event["status"], repr(sample.row(0))
            ms = event["ticks"] // TICKS_PER_MS
            one = Offer(event["n"], ms, ms, fact, event["value"], has_time=True)
            changes.setdefault(name, []).append(one)
    found: list[str] = []
    offers = read_offers(site, log) if offers is None else offers
    for name, tag in tags.items():
        mine = [one for one in spans if one.covers(station, tag, one.from_ms, one.to_ms)]
        where = f"{station}.{name}"
        if isinstance(tag.at, Node):
            told = changes.get(name, []) if name in first else []
            for number, ms in untold(tag, told, stored[name], mine):
                found.append(f"{where}: the change {number} at {ms} is told nowhere")
            continue
        reads = [(one.from_ms, one.to_ms) for one in offers.get((station, name), [])]
        config = site.station(station).modbus[connection_of(tag)]
        last_ms = changes[name][-1].to_ms if name in changes else 0
        for begin, end in unpolled(
            reads, last_ms, said(stored[name], mine), unseen_ms(config, tag)
        ):
            found.append(f"{where}: not polled from {begin} to {end}, and that is told nowhere")
    return found


def rows_of(store: Store, station: str, tag: str) -> list[tuple[int, Fact]]:
    """Time and fact of every stored sample of a tag, in the order of time."""
    samples = store.range(station, tag, -EVER, EVER)
    return [
        (int(samples.time[row]), (int(samples.status[row]), repr(samples.row(row))))
        for row in range(len(samples))
    ]


def untold(
    tag: Tag[Any], changes: Iterable[Offer], stored: Rows, spans: Sequence[Span]
) -> Iterator[Interval]:
    """Changes of an OPC UA tag of which nothing is said: number, ms.

    The first that is stored is the first that counts. Within the deadband of what is stored, or of
    the change that was told last, a change says nothing new.
    """
    times = [ms for ms, _ in stored]
    there = set(times)
    newest_ms = 0
    last: Fact | None = None
    for change in changes:
        ms = change.from_ms
        newest_ms = max(newest_ms, ms)
        if ms in there or ms < newest_ms or not times or ms < times[0]:
            last = change.fact
            continue
        before = stored[bisect_right(times, ms) - 1][1]
        if before == change.fact or is_small(tag, change, before):
            continue
        if last is not None and is_small(tag, change, last):
            continue  # the agent's time stood in for the last one, behind a clock set back
        if not any(one.from_ms <= ms <= one.to_ms for one in spans):
            yield change.number, ms


def unseen_ms(config: ModbusConfig, tag: Tag[Any]) -> int:
    """How far apart two polls of a tag may lie."""
    return round(2.5 * (tag.every_ms or config.every_ms)) + PATIENCE * config.timeout_ms + STOOD_MS


def said(stored: Rows, spans: Sequence[Span]) -> list[Interval]:
    """When the records say that a polled tag was not, or could not be, read."""
    bad = [
        (ms, stored[place + 1][0] if place + 1 < len(stored) else EVER)
        for place, (ms, fact) in enumerate(stored)
        if fact[0] in OF_POLLS
    ]
    return sorted([*bad, *((one.from_ms, one.to_ms) for one in spans)])


def unpolled(
    reads: Sequence[Interval], last_ms: int, told: Sequence[Interval], limit_ms: int
) -> Iterator[Interval]:
    """Stretches longer than the limit in which a tag changed, was not read, and nothing says so.

    `reads`: each between two times; `last_ms`: the last change; `told`: when something says so.
    """
    if not reads:
        return
    ends = [*(begin for begin, _ in reads[1:]), last_ms]
    for (_, begin), end in zip(reads, ends, strict=True):
        at = begin
        for since, upto in told:
            if since <= at + limit_ms and upto > at:
                at = max(at, upto)
        if end - at > limit_ms:
            yield begin, end


def kills_unsaid(
    site: Site, polled: Mapping[str, Sequence[str]], kills: Iterable[int]
) -> Iterator[str]:
    """While an agent is dead nobody polls: each connection has a gap record over that moment."""
    spans = gaps(site)
    for gone_ms in kills:
        for station, connections in polled.items():
            for connection in connections:
                if not any(
                    (one.station, one.connection) == (station, connection)
                    and one.from_ms <= gone_ms <= one.to_ms
                    for one in spans
                ):
                    yield f"no gap record of {station} {connection!r} covers the kill at {gone_ms}"
