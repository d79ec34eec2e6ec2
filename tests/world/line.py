"""A whole site in one world: machines, agents, broker and historian, from one seed."""

from __future__ import annotations

import asyncio
import re
import shutil
import tomllib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import orjson
import tomli_w

import config
from simulators.plant import Plant
from simulators.truth import TruthLog
from tests.world.broker import PORT, Broker
from tests.world.clock import VirtualClock, virtual_time
from tests.world.machines import Machines
from tests.world.network import Network
from tests.world.programs import AgentProgram, HistorianProgram, Program
from tests.world.witness import Name, Witness
from wire.site import Site, load

SETTLE_S = 400.0  # a backlog goes out after the longest back-off of everything on its way
LOOK_S = 1.0
TELL_S = 8.0  # a source that has its machine again has told by then what it missed
DEMO = Path(config.__file__).parent / "demo" if config.__file__ else Path("config/demo")


def demo_site(folder: Path) -> Site:
    """The demo's site file, copied to a folder where its databases may lie, polling once a second.

    As often as the demo polls, most of a run would be the same Modbus request again. It has neither
    cameras nor files: those are processes and threads, which no virtual time moves.
    """
    shutil.copytree(DEMO, folder / "site", dirs_exist_ok=True)
    file = folder / "site" / "site.toml"
    values = tomllib.loads(re.sub(r'every = "\d+ ms"', 'every = "1 s"', file.read_text()))
    del values["media"]
    for station in values["station"]:
        for name in ("cameras", "capture"):
            station.pop(name, None)
    file.write_text(tomli_w.dumps(values))
    return load(file)


class World:
    """The demo line. `with_protocols`: over OPC UA and Modbus; otherwise models are read."""

    def __init__(
        self, net: Network, folder: Path, seed: int, *, with_protocols: bool, tick_s: float = 1.0
    ) -> None:
        self.net, self.folder, self.with_protocols = net, folder, with_protocols
        self.site = demo_site(folder)
        self.witness = Witness(net.time)
        self.machine_clock = VirtualClock(net)
        names = [agent.name for agent in self.site.agents]
        ports = tuple(range(PORT, PORT + len(names) + 1))
        self.broker = Broker(net, ports)
        self.broker.taps.append(self.witness.heard)
        self.agents = {
            name: AgentProgram(net, name, port, f"{seed}", self.site, self.witness)
            for name, port in zip(names, ports[1:], strict=True)
        }
        self.historian = HistorianProgram(net, ports[0], f"{seed}", self.site, folder)
        self.truth_file = folder / "truth.jsonl"
        self.truth = TruthLog(self.truth_file if with_protocols else None)
        self.plant = Plant(
            self.site, self.truth, None, 1.0, seed, tick_s,
            clock=self.machine_clock, ticks=self.machine_clock.ticks,
        )  # fmt: skip
        self.machines = Machines(net, self.site, f"{seed}", self.machine_clock, tick_s)

    @property
    def programs(self) -> list[Program]:
        """Everything that can be killed."""
        return [self.historian, *self.agents.values()]

    @property
    def machine_ports(self) -> list[int]:
        """The ports on which machines listen."""
        ports = [one.opcua.port for one in self.site.stations if one.opcua is not None]
        modbus = [link.port for one in self.site.stations for link in one.modbus.values()]
        return sorted({*ports, *modbus})

    async def run(self, script: Callable[[World], Awaitable[Any]]) -> None:
        """Start everything, follow the script, mend everything, wait until all is delivered."""
        async with AsyncExitStack() as stack:
            stack.callback(self.historian.close)
            stack.callback(self.truth.close)
            await self.broker.start()
            machines = await self._start_machines(stack)
            for program in self.programs:
                program.start()
            await script(self)
            await self._settle()
            machines.cancel()
            await asyncio.gather(machines, return_exceptions=True)
            await self._delivered()
            for agent in self.agents.values():
                await agent.stop()
            await self.historian.stop()
            self.broker.stop()

    async def _start_machines(self, stack: AsyncExitStack) -> asyncio.Task[None]:
        if not self.with_protocols:
            for program in self.agents.values():
                program.fit = self.machines.fit
            return self.net.create_task(self.machines.run())
        await self.plant.start()
        stack.push_async_callback(self.plant.stop)
        return self.net.create_task(self.plant.run())

    async def _settle(self) -> None:
        """Whatever is broken or away comes back."""
        self.witness.note("settle")
        for port in [*self.machine_ports, *self.broker.ports]:
            self.net.restore(port)
        for wire in self.machines.wires.values():
            wire.restore()
        self.historian.store.is_gone = False
        if not self.broker.is_running:
            await self.broker.start()
        for program in self.programs:
            if not program.is_running:
                program.start()
        await self._until(self._connected, "every source has its machine again")
        await asyncio.sleep(TELL_S)

    async def _delivered(self) -> None:
        """Until nothing waits any more; AssertionError when something never gets through."""
        agents = self.agents.values()
        await self._until(
            lambda: all(one.waiting() == (0, 0) for one in agents), "all is delivered"
        )

    def _connected(self) -> bool:
        agents = [one.agent for one in self.agents.values()]
        return all(
            one is not None and all(link.source.status.connected for link in one.links)
            for one in agents
        )

    async def _until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = self.net.time() + SETTLE_S
        await asyncio.sleep(LOOK_S)
        while not holds():
            waiting = {name: agent.waiting() for name, agent in self.agents.items()}
            late = f"waited {SETTLE_S:g} s until {what} (batches, records waiting: {waiting})"
            assert self.net.time() < deadline, f"{late}\n{self.witness.story()}"
            await asyncio.sleep(LOOK_S)

    def changes(self) -> dict[Name, list[int]]:
        """When each tag without deadband that is read over OPC UA changed (UTC ms)."""
        if not self.with_protocols:
            return self.machines.changes
        wanted = {
            (one.name, tag.name)
            for one in self.site.stations
            for tag in one.declaration.tags
            if not tag.deadband and not hasattr(tag.at, "table")
        }
        found: dict[Name, list[int]] = {}
        self.truth.flush()
        for line in self.truth_file.read_bytes().splitlines():
            event = orjson.loads(line)
            name = (event["station"], event.get("tag", ""))
            if event["event"] == "change" and name in wanted:
                found.setdefault(name, []).append(event["ticks"] // 10_000)
        return found


def run(
    folder: Path,
    seed: int,
    script: Callable[[World], Awaitable[Any]],
    *,
    with_protocols: bool,
    tick_s: float = 1.0,
) -> World:
    """One run from its beginning to the last delivery; its files are in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    net = Network(seed)
    with virtual_time(net, seed) as runner:

        async def whole() -> World:
            world = World(net, folder, seed, with_protocols=with_protocols, tick_s=tick_s)
            await world.run(script)
            return world

        return runner.run(whole())
