"""All machines of a site, simulated: servers, models, lines, faults, and the log of the truth."""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import random
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulators.control import Control, Request
from simulators.device import DeviceModel
from simulators.faults import DELAY_MS, Fault, problem
from simulators.line import SimulatedLine, arrivals, first_visit
from simulators.modbus import ModbusServer
from simulators.opcua import OpcuaServer, Ticks, wall_ticks
from simulators.station import SimulatedStation
from simulators.triggers import Triggers
from simulators.truth import TruthLog
from stations.model import Model
from wire.clock import Clock, SystemClock
from wire.site import OpcuaConfig, Site, StationConfig

TICK_S = 0.1
TICKS_PER_S = 10_000_000
DRAIN_S = 0.3
# A model is not asked to jump further than this at once.
STEP_S_MAX = 2.5
# A machine that cannot keep up simulates more slowly instead of falling ever further behind.
STEPS_MAX = 20
ONCE = ("drop", "reset", "unsubscribe")

log_ = logging.getLogger("refit.simulators")


@dataclass
class Plant:
    """The simulated machines of a site, as many of them as `names` says (None: all)."""

    site: Site
    truth: TruthLog
    names: Collection[str] | None = None
    speed: float = 1.0
    seed: int = 0
    tick_s: float = TICK_S
    clock: Clock = field(default_factory=SystemClock)
    ticks: Ticks = wall_ticks
    stations: dict[str, SimulatedStation] = field(default_factory=dict)
    lines: list[SimulatedLine] = field(default_factory=list)
    are_models_running: bool = True

    def __post_init__(self) -> None:
        self._clock_step = 0
        self._opcua: dict[tuple[str, int], OpcuaServer] = {}
        self._modbus: dict[tuple[str, int], ModbusServer] = {}
        self._turn = asyncio.Lock()
        self.triggers = Triggers(())
        self._stack = AsyncExitStack()

    @property
    def folder(self) -> Path:
        """Where the servers keep their certificates."""
        return self.site.folder / self.site.outbox.folder / "simulators"

    async def start(self) -> None:
        """Build every server and model, show the first values, then listen; OSError if taken."""
        chosen = [s for s in self.site.stations if self.names is None or s.name in self.names]
        for config in chosen:
            self.stations[config.name] = await self._build(config)
        self._form_lines(chosen)
        for station in self.stations.values():
            station.step(0.0)
            await station.show(asyncio.get_running_loop().time())
        self.triggers = Triggers(chosen)
        self._stack.push_async_callback(self.triggers.stop)
        for server in (*self._opcua.values(), *self._modbus.values()):
            await server.start()
            self._stack.push_async_callback(server.stop)

    async def stop(self) -> None:
        """Let every client go and listen no longer."""
        await self._stack.aclose()

    async def _build(self, config: StationConfig) -> SimulatedStation:
        rng = random.Random(f"{self.seed}/{config.name}")
        declaration, parts = config.declaration, config.kind_parts
        model: Model = DeviceModel(rng, declaration) if parts is None else parts.model(rng)
        model.guided = bool(config.cameras)
        opcua = None if config.opcua is None else await self._opcua_server(config.opcua)
        if opcua is not None and config.opcua is not None:
            await opcua.add(config.name, declaration, config.opcua.root, model.commanded)
        modbus: dict[str, tuple[ModbusServer, int]] = {}
        for on, connection in config.modbus.items():
            if connection.serial:
                log_.warning("%s: %s is not simulated: a serial line", config.name, connection.url)
                continue
            place = (connection.host, connection.port)
            server = self._modbus.setdefault(place, ModbusServer(*place, self.truth))
            server.unit(connection.unit).add(config.name, declaration, on)
            modbus[on] = (server, connection.unit)
        noise = random.Random(f"{self.seed}/{config.name}/noise")
        return SimulatedStation(
            config.name, config.kind, declaration, model, noise, opcua, modbus, self.ticks
        )

    async def _opcua_server(self, config: OpcuaConfig) -> OpcuaServer:
        place = (config.host, config.port)
        server = self._opcua.get(place)
        if server is None:
            server = OpcuaServer(config, self.truth, self.folder, self._stepped_ticks)
            await server.init()
            self._opcua[place] = server
        return server

    def _form_lines(self, chosen: list[StationConfig]) -> None:
        """Stations of a kind that stand on one line, in the order of the site file."""
        now_ms = self.clock.now_ms()
        year = datetime.fromtimestamp(now_ms / 1000, UTC).year
        first = first_visit(now_ms, round(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000))
        on_line = [config for config in chosen if config.kind_parts is not None]
        for name in dict.fromkeys(config.line for config in on_line):
            members = [config for config in on_line if config.line == name]
            rng = random.Random(f"{self.seed}/{name}/vehicles")
            all_electric = any(config.kind == "battery" for config in members)
            vehicles = arrivals(rng, year, first, all_electric=all_electric)
            models = [self.stations[config.name].model for config in members]
            self.lines.append(SimulatedLine(models, vehicles))
            # Lines that run at once share no visit.
            first += 25

    async def run(self) -> None:
        """Let time pass until cancelled."""
        loop = asyncio.get_running_loop()
        last_s = due_s = loop.time()
        while True:
            due_s = max(due_s + self.tick_s, loop.time())
            await asyncio.sleep(due_s - loop.time())
            now_s = loop.time()
            async with self._turn:
                await self._tick((now_s - last_s) * self.speed, now_s)
            last_s = now_s

    async def _tick(self, seconds: float, now_s: float) -> None:
        for station in self.stations.values():
            await station.pass_time(now_s)
        seconds = min(seconds, STEP_S_MAX * STEPS_MAX)
        steps = max(1, math.ceil(seconds / STEP_S_MAX)) if self.are_models_running else 0
        for _ in range(steps):
            for name, station in self.stations.items():
                station.step(seconds / steps)
                for pulse in station.model.fired():
                    self.triggers.give(name, pulse)
            for line in self.lines:
                line.step()
            for station in self.stations.values():
                await station.show(now_s)

    async def stop_models(self) -> None:
        """Let nothing change any more; the servers go on answering."""
        async with self._turn:
            self.are_models_running = False
            self.truth.flush()

    async def handle(self, request: Request) -> Request:
        """Do what the control endpoint was asked."""
        match request.get("do"):
            case "fault":
                return await self._inject(request)
            case "clear":
                return {"cleared": await self._clear(request)}
            case "stop-models":
                await self.stop_models()
                return {"events": self.truth.count}
            case "status":
                return self._status()
            case "clock":
                return await self._step_clock(float(request.get("ahead_s", 0.0)))
            case other:
                raise ValueError(f"cannot do {other!r}; fault, clear, stop-models, clock or status")

    def _stepped_ticks(self) -> int:
        return self.ticks() + self._clock_step

    async def _step_clock(self, ahead_s: float) -> Request:
        """Set the clock of every OPC UA server so far ahead of ours."""
        async with self._turn:
            self._clock_step = round(ahead_s * TICKS_PER_S)
            self.truth.add("clock", "", ahead=self._clock_step)
            for server in self._opcua.values():
                server.forget_times()
        return {"ahead_s": ahead_s}

    def _station(self, name: Any) -> SimulatedStation:
        if name not in self.stations:
            raise LookupError(f"no station {name!r}; known are {', '.join(self.stations)}")
        return self.stations[name]

    async def _inject(self, request: Request) -> Request:
        station = self._station(request.get("station"))
        name, tag = str(request.get("fault")), request.get("tag")
        wrong = problem(name, tag, {tag.name for tag in station.declaration.tags})
        if wrong:
            raise ValueError(f"{station.name}: {wrong}")
        for_ms, times = request.get("for_ms"), request.get("times")
        if name in ONCE and for_ms is None and times is None:
            times = 1
        now_s = asyncio.get_running_loop().time()
        until_s = None if for_ms is None else now_s + float(for_ms) / 1000
        delay_ms = int(request.get("delay_ms") or DELAY_MS)
        async with self._turn:
            await station.inject(Fault(name, tag, until_s, times, delay_ms))  # type: ignore[arg-type]
        return {}

    async def _clear(self, request: Request) -> int:
        name = request.get("station")
        stations = [self._station(name)] if name else list(self.stations.values())
        async with self._turn:
            return sum(
                [await one.clear(request.get("fault"), request.get("tag")) for one in stations]
            )

    def _status(self) -> Request:
        stations = {
            station.name: {
                "kind": station.kind,
                "vehicle": station.model.vehicle.visit if station.model.vehicle else None,
                "faults": [[fault.name, fault.tag] for fault in station.faults],
            }
            for station in self.stations.values()
        }
        running = self.are_models_running
        return {"models": running, "events": self.truth.count, "stations": stations}


async def simulate(
    site: Site,
    *,
    stations: Collection[str] | None = None,
    speed: float = 1.0,
    seed: int = 0,
    log: Path | None = None,
    control_port: int | None = None,
    stop: asyncio.Event,
    ready: Callable[[], None],
    tick_s: float = TICK_S,
    drain_s: float = DRAIN_S,
    clock: Clock | None = None,
    ticks: Ticks = wall_ticks,
) -> None:
    """Serve the machines of a site until `stop` is set; `ready` is called when all listen.

    At the end the models stop first; the servers answer for `drain_s` more, so that clients can
    fetch what is queued for them.
    """
    with TruthLog(log, survives=True) as truth:
        plant = Plant(site, truth, stations, speed, seed, tick_s, clock or SystemClock(), ticks)
        control = Control(plant.handle)
        try:
            await plant.start()
            if control_port is not None:
                await control.start(control_port)
            # The address spaces stay for good: the collector need not walk them again and again.
            gc.freeze()
            await _serve(plant, truth, stop, ready, drain_s)
        finally:
            gc.unfreeze()
            await control.stop()
            await plant.stop()


async def _serve(
    plant: Plant, truth: TruthLog, stop: asyncio.Event, ready: Callable[[], None], drain_s: float
) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(plant.run()), group.create_task(truth.flush_often())]
        ready()
        await stop.wait()
        await plant.stop_models()
        await asyncio.sleep(drain_s)
        for task in tasks:
            task.cancel()
