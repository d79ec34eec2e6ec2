"""A simulated day of a site in a store and a ledger, as a historian would have written it.

The samples come from `simulators.day`, the records from the kinds' own rules, and everything else
(states, cycles, stops, hours) from the historian's own code; only MQTT and the waiting are left
out. The health of the agents is made up: there are no agents.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from edge.health import METRICS
from edge.lane import Lane
from edge.sources.source import Gap
from plant.kpi.facts import Facts
from plant.kpi.follower import Follower
from plant.kpi.hours import Hours
from plant.kpi.marks import Mark
from plant.ledger import Ledger
from plant.points import Model
from plant.stores.store import Points, Store
from simulators.day import Beat, day
from stations.kpi import HOUR_MS
from stations.records import AgentInfo, Record
from stations.samples import Samples, concat
from stations.watch import Watch
from wire.site import Site, StationConfig
from wire.sparkplug.datatypes import DATATYPE
from wire.sparkplug.effects import EdgeId, Health, Online, Received
from wire.sparkplug.lookup import Device, Known
from wire.sparkplug.metrics import MetricName

SAMPLES_A_WRITE = 50_000
RECORDS_A_WRITE = 500
RESTARTED = "agent restarted"


@dataclass(frozen=True, slots=True)
class Filled:
    """What was written: samples of the stations, refused ones, records, and when the day was."""

    start_ms: int
    end_ms: int
    samples: int
    refused: int
    records: int
    own: int
    stations: tuple[str, ...]
    seconds: dict[str, float]


def fill(
    store: Store,
    ledger: Ledger | None,
    site: Site,
    end_ms: int,
    *,
    hours: float = 24.0,
    seed: int = 1,
) -> Filled:
    """Write the hours before `end_ms`, which begin with a full hour."""
    start_ms = (end_ms - round(hours * HOUR_MS)) // HOUR_MS * HOUR_MS
    filling = _Filling(store, ledger, site, end_ms)
    began = time.perf_counter()
    filling.begin(start_ms)
    for beat in day(site, start_ms, hours=(end_ms - start_ms) / HOUR_MS, seed=seed):
        filling.take(beat)
    filling.end(start_ms)
    seconds = filling.seconds | {"all": time.perf_counter() - began}
    return Filled(
        start_ms, end_ms, filling.counts["samples"], filling.counts["refused"],
        filling.counts["records"], filling.counts["own"], tuple(filling.lanes), seconds,
    )  # fmt: skip


@dataclass
class _Filling:
    store: Store
    ledger: Ledger | None
    site: Site
    end_ms: int
    counts: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.model = Model(self.site)
        self.follower, self.facts = Follower(self.model), Facts(self.site, self.model)
        self.lanes = {one.name: lane_of(self.site, one) for one in self.site.stations}
        self.devices = {one.name: device_of(self.site, one) for one in self.site.stations}
        self.marks: set[Mark] = set()
        self._waiting: dict[str, list[Samples]] = {}
        self._own: list[Points] = []
        self._records: list[Record] = []
        self._rows = 0
        self._away: set[str] = set()
        self._sent: Counter[str] = Counter()

    def begin(self, time_ms: int) -> None:
        """Every agent is born."""
        for agent in self.site.agents:
            self._come(agent.name, time_ms)

    def take(self, beat: Beat) -> None:
        """What a historian does until the end of this beat."""
        for agent, time_ms in beat.gone:
            self._away.add(agent)
            self._say(self.model.agent(agent, False, "NDEATH", time_ms))
            for one in self.site.stations_of(agent):
                self._say(self.follower.linked(one.name, False, "NDEATH", time_ms))
        for agent, time_ms in beat.back:
            self._away.discard(agent)
            self._come(agent, time_ms)
        for station, start_ms, end_ms in beat.gaps:
            lane = self.lanes[station]
            gap = Gap((), start_ms, end_ms, None, RESTARTED)
            self._record(lane.gap("", gap, start_ms), beat.time_ms)
        for part in beat.parts:
            self._receive(part.station, part.samples, part.historical, beat.time_ms)
        for points in self.follower.beat(beat.time_ms):
            self._say(points)
        for agent_config in self.site.agents:
            if agent_config.name not in self._away:
                self._say(self.model.health(self._health(agent_config.name, beat), beat.time_ms))
        if self._rows >= SAMPLES_A_WRITE:
            self._write(beat.time_ms)

    def end(self, start_ms: int) -> None:
        """Write what waits, then work out the hours, those that came late among them."""
        self._write(self.end_ms)
        hours = Hours(self.site, self.store, self.model)
        late = {(one.line, one.hour_ms) for one in self.marks if one.fill}
        all_hours = range(start_ms, self.end_ms, HOUR_MS)
        with self._timed("hours"):
            for line in sorted({one.line for one in hours.planned.values()}):
                fill = [hour for name, hour in late if name == line]
                for points in hours.points(line, all_hours, self.end_ms, fill):
                    self._say(points)
        self._write(self.end_ms)

    def _come(self, agent: str, time_ms: int) -> None:
        edge = EdgeId(self.site.name, agent)
        self._say(self.model.agent(agent, True, "", time_ms))
        for one in self.site.stations_of(agent):
            birth = Online(edge, one.name, time_ms, self.devices[one.name])
            self._say(self.follower.linked(one.name, True, "", time_ms, birth))

    def _receive(self, station: str, samples: Samples, historical: bool, now_ms: int) -> None:
        edge = EdgeId(self.site.name, self.site.station(station).agent)
        device = self.devices[station]
        received = Received(edge, station, samples, None, "", historical, device)
        own, marks = self.follower.received(received, now_ms)
        self.marks.update(marks)
        self._own += own
        self._waiting.setdefault(station, []).append(samples)
        self._rows += len(samples)
        self._sent[edge.agent] += len(samples)
        with self._timed("rules"):
            for record in self.lanes[station].judge(samples):
                self._record(record, now_ms)

    def _record(self, record: Record, now_ms: int) -> None:
        self._records.append(record)
        for fact in self.facts.of(record, now_ms):
            self._own.append(fact.points)
        if len(self._records) >= RECORDS_A_WRITE:
            self._keep()

    def _say(self, points: Points | None) -> None:
        if points is not None:
            self._own.append(points)

    def _write(self, now_ms: int) -> None:
        waiting, self._waiting = self._waiting, {}
        own, self._own, self._rows = self._own, [], 0
        points = [
            self._points(station, concat(parts), now_ms) for station, parts in waiting.items()
        ]
        with self._timed("store"):
            refused = self.store.write([*points, *own])
        self.counts["refused"] += sum(map(len, refused))
        self.counts["samples"] += sum(len(one.samples) for one in points)
        self.counts["own"] += sum(len(one.samples) for one in own)
        self._keep()

    def _points(self, station: str, samples: Samples, now_ms: int) -> Points:
        edge = EdgeId(self.site.name, self.site.station(station).agent)
        received = Received(edge, station, samples, None, "", False, self.devices[station])
        return self.model.samples(received, now_ms)

    def _keep(self) -> None:
        records, self._records = self._records, []
        self.counts["records"] += len(records)
        if self.ledger is not None and records:
            with self._timed("ledger"):
                self.ledger.append(records)

    def _health(self, agent: str, beat: Beat) -> Health:
        """Numbers such as an agent says; what came late was waiting until now."""
        late = [part for part in beat.parts if part.historical]
        waiting = sum(len(part.samples) for part in late if self._agent(part.station) == agent)
        oldest = [int(part.samples.time[0]) for part in late if self._agent(part.station) == agent]
        sent = self._sent[agent]
        known: dict[str, Any] = {
            "backlog_samples": waiting + 10,
            "backlog_batches": waiting // 100 + 3,
            "backlog_bytes": 40 * waiting + 400,
            "backlog_age": (beat.time_ms - min(oldest)) / 1000 if oldest else 0.3,
            "samples": sent,
            "acknowledged": max(sent - waiting - 10, 0),
            "records": self.counts["records"],
            "cpu": 6.0 + sent % 17 / 4,
            "memory": 150_000_000 + sent % 1_000_000,
            "disk_free": 40_000_000_000 - sent,
            "certificate_left": 400.0 * 86_400,
            "opcua_certificate_left": 400.0 * 86_400,
            "problem": "",
        }
        values = {one.name: known.get(one.name, 0) for one in METRICS}
        return Health(EdgeId(self.site.name, agent), beat.time_ms, values)

    def _agent(self, station: str) -> str:
        return self.site.station(station).agent

    def _timed(self, what: str) -> _Timed:
        return _Timed(
            lambda spent: self.seconds.__setitem__(what, self.seconds.get(what, 0) + spent)
        )


@dataclass
class _Timed:
    add: Callable[[float], None]
    began: float = 0.0

    def __enter__(self) -> None:
        self.began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.add(time.perf_counter() - self.began)


def lane_of(site: Site, config: StationConfig) -> Lane:
    """A station's way through its agent: its rules and their records."""
    tags = dict(enumerate(config.declaration.tags, 1))
    watch = None if config.kind_parts is None else Watch(config.kind_parts, tags)
    about = AgentInfo(name=config.agent, version="0.1.0")
    return Lane(site.name, config.line, config.name, about, tags, {"": ()}, watch)


def device_of(site: Site, config: StationConfig) -> Device:
    """What the birth of a station says; tags are numbered as declared, from 1."""
    path = f"{site.name}/{config.line}/{config.name}"
    device = Device(config.name, path, config.kind)
    for number, tag in enumerate(config.declaration.tags, 1):
        device.names[number] = MetricName(number, config.name, tag.name, tag.value_type)
        datatype = DATATYPE[tag.value_type]
        device.by_name[tag.name] = Known(number, int(datatype), tag.value_type)
    return device
