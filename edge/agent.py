"""The agent: the process on a station PC that reads stations and keeps what it reads until stored.

It puts the rooms of this floor together: sources -> pipeline -> outbox -> publisher, one task each,
and ends them in that order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from edge.arrivals import Arrival
from edge.delivery import ACK_S
from edge.files.files import Files
from edge.intake import Intake
from edge.keeper import Keeper
from edge.lane import Lane
from edge.outbox import Outbox
from edge.pipeline import Pipeline
from edge.publish import Publisher
from edge.sessions import OPCUA, Ear, Sessions, made_elsewhere
from edge.sources.opcua import OpcuaSource
from edge.sources.source import Gap, Item, Past, Report, Source
from stations.declare import Node, Tag
from stations.records import AgentInfo
from stations.samples import EMPTY, Samples
from stations.status import BAD_NODE_ID_UNKNOWN
from stations.watch import Watch
from wire.clock import Clock
from wire.mqtt import Session
from wire.mqtt.connection import PACKET_OVERHEAD_MAX
from wire.site import Site, StationConfig
from wire.sparkplug import births
from wire.sparkplug.edge_node import EdgeNode
from wire.sparkplug.metrics import MetricName, NodeMetric

BLOCKING_S = 10.0
# Keep-alives after which a dead link is noticed at the latest: by the broker after 1.5 of them
# (MQTT 3.1.1, 3.1.2.10), by paho after two.
LOSS_WINDOW = 2.0


@dataclass(slots=True)
class Link:
    """One connection of a station on its way into the intake: the sink of its source."""

    lane: Lane
    name: str
    source: Source
    intake: Intake
    told: Callable[[Lane], None]
    ear: Ear | None = None
    task: asyncio.Task[None] | None = None

    async def report(self, report: Report) -> None:
        """Take a report; waits while the way to the disk is full."""
        await self.intake.put(Arrival(self.lane, self.name, report))
        if self.ear is not None:
            self.ear.hear(report)

    async def gap(self, gap: Gap) -> None:
        """Take the news that samples may be missing."""
        await self.intake.put(Arrival(self.lane, self.name, gap))

    def link(self, up: bool, why: str) -> None:
        """Take the news that the machine can or cannot be reached."""
        if self.name == OPCUA and not up:
            self.intake.pipeline.hush(self.lane.connections[self.name], True)
        if self.ear is not None:
            self.ear.link(up)
        self.told(self.lane)


class Agent:
    """All of one agent. OutboxError, TooLarge, LookupError or ValueError when it cannot begin.

    Must be made on the running event loop.
    """

    def __init__(
        self,
        site: Site,
        name: str,
        clock: Clock,
        random: Random,
        version: str,
        health: tuple[NodeMetric, ...] = (),
        make_session: Callable[..., Session] = Session,
    ) -> None:
        self._make_session = make_session
        self.site, self.name, self.clock = site, site.agent(name).name, clock
        self.broker = site.broker.of(self.name)
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self.outbox, mended = Outbox.opened(
            site.outbox.folder / f"{name}.db",
            clock.now_ms(),
            bytes_max=site.outbox.bytes_max,
            age_ms_max=site.outbox.age_ms_max,
        )
        self.pipeline = Pipeline()
        self.pipeline.state, _ = self.outbox.state()
        about, stations = AgentInfo(name=name, version=version), site.stations_of(name)
        memories = self.outbox.memories()
        self._random, self._about = random, about
        self._begin: Callable[[Link], asyncio.Task[None]] | None = None
        self._follow: Callable[[Callable[[], Any]], asyncio.Task[None]] | None = None
        self._following: dict[str, list[asyncio.Task[None]]] = {}
        self.lanes = {
            one.name: self.lane(one, self.numbers(one), memories.get(one.name)) for one in stations
        }
        lanes = list(self.lanes.values())
        self.intake = Intake(
            self.outbox, self.pipeline, lanes, clock, self.run_blocking, self._fresh
        )
        self.intake.memos = memories
        self.intake.former = {
            station: Lane(site.name, line, station, about, {}, {})
            for station, (line, _) in self.outbox.places().items()
        }
        self.outbox.say_lost()
        self.sessions = self._sessions(stations, version)
        self.links = [link for one in stations for link in self.links_of(one)]
        self.publisher = self._publisher(stations, health)
        self.publisher.caps.told = partial(setattr, self.intake, "bytes_max")
        packet_max = self.broker.packet_max  # until a session knows better
        self.publisher.caps.begin(packet_max and packet_max - PACKET_OVERHEAD_MAX)
        self.files = Files(
            site.media, self.outbox, self.intake, clock, Random(random.getrandbits(64)),
            self.run_blocking, partial(self._fresh, [], True),
        )  # fmt: skip
        self.keeper = Keeper(self.outbox, clock, self.run_blocking, self.publisher.wake, mended)

    async def run_blocking(self, work: Callable[..., Any], *args: Any) -> Any:
        """Run a call on the outbox's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._disk, partial(work, *args))

    def blocking(self, work: Callable[..., Any], *args: Any) -> Any:
        """Run a call on the outbox's own thread, from any thread but the event loop's."""
        return self._disk.submit(work, *args).result(BLOCKING_S)

    async def run(
        self, stop: asyncio.Event, *others: Callable[[], Any], drain_s: float = 0.0
    ) -> None:
        """Serve until `stop`; then end the sources, commit what came, send it if there is time."""
        client_id = f"refit-{self.site.name}-{self.name}"
        first, *spare = self.broker.servers
        make = partial(self._make_session, first, client_id, others=spare)
        self.publisher.connect(make)
        try:
            async with asyncio.TaskGroup() as group:
                rest = [self.intake.run, self.intake.tick, self.publisher.run, self.files.run]
                rest.append(self.keeper.run)
                tasks = [group.create_task(one()) for one in (*rest, *others)]
                self._follow = lambda run: group.create_task(run())
                for station in self.lanes:
                    self.follow(station)
                self._begin = lambda link: group.create_task(link.source.run(link))
                self.start(self.links)
                await stop.wait()
                self._begin = self._follow = None
                await self.end(self.links)
                until = self.clock.monotonic() + drain_s
                await self.publisher.drain(until)
                await self.files.drain(until)
                await _end([*tasks, *(one for many in self._following.values() for one in many)])
        finally:
            try:
                await self.intake.finish()
            finally:
                await self.publisher.stop()
                await self.files.stop()
                await self.run_blocking(self.outbox.close)
                self._disk.shutdown()

    def follow(self, station: str) -> None:
        """Begin what follows a station's vehicles; nothing when the agent is ending."""
        if self._follow is not None:
            runs = self.sessions.runs(station)
            self._following[station] = [self._follow(one) for one in runs]

    async def leave(self, station: str) -> None:
        """End what follows a station's vehicles."""
        await _end(self._following.pop(station, []))

    def start(self, links: Iterable[Link]) -> None:
        """Begin to read; nothing when the agent is ending."""
        for link in links:
            if self._begin is not None:
                link.task = self._begin(link)

    async def end(self, links: Iterable[Link]) -> None:
        """Read no more; what has been read is in the intake."""
        await _end([link.task for link in links if link.task is not None])

    def _fresh(self, *what: Any) -> None:
        self.publisher.fresh(*what)

    def numbers(self, station: StationConfig) -> dict[str, int]:
        """The numbers of a station's tags by name; asks the disk."""
        tags = station.declaration.tags
        return self.outbox.numbers(station.name, [(tag.name, tag.value_type) for tag in tags])

    def lane(
        self, station: StationConfig, numbers: Mapping[str, int], memory: bytes | None
    ) -> Lane:
        """A station on its way through the agent, with what its rules remember."""
        tags = {numbers[tag.name]: tag for tag in station.declaration.tags}
        self.pipeline.declare(tags)
        read: dict[str, list[int]] = {}
        for number, tag in tags.items():
            read.setdefault(connection_of(tag), []).append(number)
        connections = {name: tuple(listed) for name, listed in read.items()}
        lane = Lane(self.site.name, station.line, station.name, self._about, tags, connections)
        lane.made_elsewhere = made_elsewhere(station)
        if station.kind_parts is not None:
            lane.watch = Watch(station.kind_parts, tags, self.pipeline.state.samples(tags))
            if memory is not None:
                lane.remember(memory)
        return lane

    def links_of(self, station: StationConfig) -> Iterator[Link]:
        """A source for each connection of a station, and what it hands its reports to."""
        lane = self.lanes[station.name]
        for name, numbers in lane.connections.items():
            items = [Item(number, lane.tags[number]) for number in numbers]
            label = f"{station.name}/{name or 'modbus'}"
            rng = Random(self._random.getrandbits(64))
            source: Source
            if name == OPCUA:
                assert station.opcua is not None, "checked by the site file"
                past, commands = self._past(lane.begun, numbers), self.sessions.commands
                source = OpcuaSource(
                    label, station.opcua, items, self.clock, rng, past=past,
                    commands=commands(station.name),
                )  # fmt: skip
                self.pipeline.hush(numbers, True)
            else:
                from edge.sources.modbus import ModbusSource  # an agent without starts sooner

                source = ModbusSource(label, station.modbus[name], items, self.clock, rng)
            ear = self.sessions.ear(station.name, name)
            if ear is not None:
                tags = {number: lane.tags[number] for number in numbers}
                ear.declare(tags, self.pipeline.state.samples(tags))
            yield Link(lane, name, source, self.intake, self._told, ear)

    def _sessions(self, stations: list[StationConfig], version: str) -> Sessions:
        async def put(*given: Any, **how: Any) -> None:
            await self.files.put_record(*given, **how)

        return Sessions(stations, self.outbox.path, put, self.clock, self.site.http, version)

    def _past(self, reason: str, numbers: Iterable[int]) -> Past:
        state = self.pipeline.state
        ticks = {
            number: int(state.ticks[number])
            for number in numbers
            # That a node is not there has a time of ours, not one of the machine.
            if state.known[number] and state.reported[number] != BAD_NODE_ID_UNKNOWN
        }
        return Past(reason, self.intake.memos, ticks, self.intake.lost_since_ms)

    def _told(self, lane: Lane) -> None:
        """A link has changed: a station is up while one of its links is."""
        up = any(link.source.status.connected for link in self.links if link.lane is lane)
        self.publisher.device(lane.station, up)

    def _publisher(
        self, stations: list[StationConfig], health: tuple[NodeMetric, ...]
    ) -> Publisher:
        acknowledged = self.site.outbox.delivery == "acknowledged"
        node = EdgeNode(
            self.site.name,
            self.name,
            self.outbox.id,
            [
                births.Station(one.name, one.line, one.kind, self.lanes[one.name].tags)
                for one in stations
            ],
            last=self._last,
            names=self._names(),
            places=self.outbox.places((one.name, one.line, one.kind) for one in stations),
            health=health,
            primary=self.site.historian.name if acknowledged else self.site.outbox.host,
            walks=bool(self.broker.others),
        )
        return Publisher(
            node,
            self.outbox,
            self.clock,
            run_blocking=self.run_blocking,
            blocking=self.blocking,
            confirm=self.intake.confirm,
            lost=self.intake.lost,
            settle_s=None if acknowledged else self._window_s(),
            ack_s=ACK_S + self.site.store.settle_s,
        )

    def _window_s(self) -> float:
        """For how long what was sent is kept where the host acknowledges nothing."""
        told = self.site.outbox.window_ms
        return LOSS_WINDOW * self.site.broker.keepalive_s if told is None else told / 1000

    def _last(self, station: str) -> Samples:
        lane = self.lanes.get(station)  # None: not declared any more, its samples are history
        return EMPTY if lane is None else self.pipeline.state.samples(lane.tags)

    def _names(self) -> Mapping[int, MetricName]:
        return {
            number: MetricName(number, station, name, type)
            for number, (station, name, type) in self.outbox.all_tags().items()
        }


def connection_of(tag: Tag[Any]) -> str:
    """The name of the connection over which a tag is read: `opcua`, or that of a Modbus one."""
    return OPCUA if isinstance(tag.at, Node) else tag.at.on


async def _end(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
