"""Machines without a protocol: models whose values a source in memory reads directly.

For runs of hours, where a real protocol would cost too much. What goes over OPC UA is reported at
every change, what goes over Modbus is polled.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from edge.agent import Agent, connection_of
from edge.sessions import OPCUA
from edge.sources.source import Gap, Item, Report, Sink, SourceStatus
from simulators.device import DeviceModel
from simulators.line import SimulatedLine, arrivals
from stations.model import Model, Values
from stations.samples import build
from stations.status import GOOD
from tests.world.clock import VirtualClock
from tests.world.network import Network
from tests.world.witness import Name
from wire.site import Site, StationConfig

QUEUE_MAX = 50  # rounds of values that a machine keeps for a client that does not take them

Row = tuple[str, int, Any]  # tag name, 100 ns since 1970, value


class Wire:
    """One connection of one machine: what it has to say, kept while nobody takes it."""

    def __init__(self, station: str, name: str) -> None:
        self.station, self.name = station, name
        self.is_cut = False
        self.overflowed = False
        self.rounds: deque[list[Row]] = deque()
        self.news = asyncio.Event()

    def say(self, rows: list[Row]) -> None:
        """New values; the oldest are lost when there are too many."""
        if len(self.rounds) >= QUEUE_MAX:
            self.rounds.popleft()
            self.overflowed = True
        self.rounds.append(rows)
        self.news.set()

    def cut(self) -> None:
        """Nothing passes until `restore`."""
        self.is_cut = True
        self.news.set()

    def restore(self) -> None:
        """Everything passes again."""
        self.is_cut = False
        self.news.set()


class Machines:
    """The stations of a site as models, on one clock."""

    def __init__(
        self, net: Network, site: Site, seed: str, clock: VirtualClock, tick_s: float
    ) -> None:
        self.net, self.clock, self.tick_s = net, clock, tick_s
        self.values: dict[str, Values] = {}
        self.models: dict[str, Model] = {}
        self.wires: dict[tuple[str, str], Wire] = {}
        self.changes: dict[Name, list[int]] = {}
        self._shown: dict[str, dict[str, Any]] = {}
        self._tags = {
            config.name: [(tag, connection_of(tag)) for tag in config.declaration.tags]
            for config in site.stations
        }
        for config in site.stations:
            self._add(config, random.Random(f"{seed}/{config.name}"))
        on_line = [self.models[one.name] for one in site.stations if one.kind_parts is not None]
        year = datetime.fromtimestamp(clock.now_ms() / 1000, UTC).year
        rng = random.Random(f"{seed}/vehicles")
        self.line = SimulatedLine(on_line, arrivals(rng, year, all_electric=True))

    def _add(self, config: StationConfig, rng: random.Random) -> None:
        parts, declaration = config.kind_parts, config.declaration
        model: Model = DeviceModel(rng, declaration) if parts is None else parts.model(rng)
        self.models[config.name], self.values[config.name] = model, Values(declaration)
        self._shown[config.name] = {}
        for name in sorted({connection for _, connection in self._tags[config.name]}):
            self.wires[config.name, name] = Wire(config.name, name)

    async def run(self) -> None:
        """Let time pass until cancelled."""
        due_s = self.net.time()
        while True:
            self.tick(self.tick_s)
            due_s += self.tick_s
            await asyncio.sleep(due_s - self.net.time())

    def tick(self, seconds: float) -> None:
        """A step of every model and of the line; what has changed is said."""
        for name, model in self.models.items():
            model.step(seconds, self.values[name])
        self.line.step()
        ticks = self.clock.ticks()
        for name in self.models:
            self._show(name, ticks)

    def _show(self, station: str, ticks: int) -> None:
        shown, said = self._shown[station], dict[str, list[Row]]()
        values = dict(self.values[station].items())
        for tag, connection in self._tags[station]:
            value = values[tag.name]
            if tag.name in shown and shown[tag.name] == value:
                continue
            shown[tag.name] = value
            said.setdefault(connection, []).append((tag.name, ticks, value))
            if connection == OPCUA and not tag.deadband:
                self.changes.setdefault((station, tag.name), []).append(ticks // 10_000)
        for connection, rows in said.items():
            self.wires[station, connection].say(rows)

    def all_of(self, wire: Wire) -> list[Row]:
        """The present values of a connection, as a new subscription reports them first."""
        shown, ticks = self._shown[wire.station], self.clock.ticks()
        tags = self._tags[wire.station]
        return [(t.name, ticks, shown[t.name]) for t, on in tags if on == wire.name]

    def fit(self, agent: Agent) -> None:
        """Let an agent read these machines instead of those of its site file."""
        for link in agent.links:
            wire = self.wires[link.lane.station, link.name]
            numbers = link.lane.connections[link.name]
            items = [Item(number, link.lane.tags[number]) for number in numbers]
            link.source = MemorySource(link.source.name, items, wire, self, agent.clock)


class MemorySource:
    """A `Source` that reads a wire: repeats and time it leaves to the pipeline, as all do."""

    def __init__(
        self, name: str, items: list[Item], wire: Wire, machines: Machines, clock: Any
    ) -> None:
        self.name, self.status = name, SourceStatus()
        self.acknowledged: list[tuple[Name, int]] = []
        self._items: Mapping[str, Item] = {item.tag.name: item for item in items}
        self._wire, self._machines, self._clock = wire, machines, clock
        self._is_polled = wire.name != OPCUA
        self._lost_ms: int | None = None

    async def run(self, sink: Sink) -> None:
        """Read for ever."""
        while True:
            while self._wire.is_cut:
                await self._news()
            await self._visit(sink)
            self.status.connected = False
            self._lost_ms = self.status.last_heard_ms
            self.status.reconnects += 1
            sink.link(False, "cut")

    async def _visit(self, sink: Sink) -> None:
        self.status.connected = True
        sink.link(True, "connected")
        wire, is_first = self._wire, True
        wire.rounds.clear()
        wire.overflowed = False
        rows = self._machines.all_of(wire)
        while not wire.is_cut:
            if rows:
                await self._report(rows, is_first, sink)
                is_first = False
            while not wire.rounds and not wire.is_cut:
                await self._news()
            rows = [row for part in wire.rounds for row in part]
            wire.rounds.clear()
            if wire.is_cut:
                return
            if wire.overflowed:
                wire.overflowed = False
                await self._gap("queue overflow", self.status.last_heard_ms, sink)

    async def _news(self) -> None:
        self._wire.news.clear()
        await self._wire.news.wait()

    async def _gap(self, reason: str, from_ms: int | None, sink: Sink) -> None:
        numbers = tuple(item.number for item in self._items.values())
        await sink.gap(Gap(numbers, from_ms, self._clock.now_ms(), None, reason))

    async def _report(self, rows: list[Row], is_first: bool, sink: Sink) -> None:
        now_ms = self._clock.now_ms()
        if self._lost_ms is not None:
            from_ms, self._lost_ms = self._lost_ms, None
            await self._gap("link down", from_ms, sink)
        self.status.last_heard_ms = now_ms
        ticks = [now_ms * 10_000 if self._is_polled else at for _, at, _ in rows]
        samples = build(
            (item.number, at // 10_000, GOOD, item.tag.value_type, value)
            for (name, _, value), at in zip(rows, ticks, strict=True)
            for item in (self._items[name],)
        )
        names = [((self._wire.station, name), at) for name, at, _ in rows]

        def done() -> None:
            self.acknowledged += names

        times = np.array(ticks, np.int64)
        await sink.report(Report(samples, times, now_ms, self._is_polled, is_first, done))
