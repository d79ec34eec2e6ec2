"""The small world with unmodified asyncua and pymodbus between the machines and the agent.

The machines are the product's own simulators on the network in memory; what they offered and what
was acknowledged to them stands in their truth log, which is held against the store in the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from edge.agent import Agent
from plant.stores.store import Refusal
from refit.chaos.reckoning import reckon
from refit.chaos.unsaid import unsaid
from simulators.opcua import OpcuaServer
from simulators.plant import Plant
from simulators.truth import TruthLog
from stations.declare import Node
from stations.status import GOOD
from tests.world.judge import Judge
from tests.world.operations import Disk
from tests.world.small import SmallWorld
from tests.world.small_parts import SmallNet
from tests.world.small_site import SITE, Meter, Press, in_folder
from wire.site import Site, load

TICK_S = 0.5
TELL_S = 12.0  # a session that was given up is noticed and made anew
OPCUA_PORT, MODBUS_PORT = 4840, 5020
ROOTS = (
    ('"opc.tcp://127.0.0.1:4840" }', '"opc.tcp://127.0.0.1:4840", root = "nsu=urn:press;Press" }'),
    ('"opc.tcp://127.0.0.1:4841" }', '"opc.tcp://127.0.0.1:4840", root = "nsu=urn:meter;Meter" }'),
)


@cache
def real_site() -> Site:
    """The site of the small world with both stations on one OPC UA server."""
    text = SITE
    for before, after in ROOTS:
        text = text.replace(before, after)
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "empty.csv").write_text("name,address,type\nnothing,Nothing,float\n")
        (folder / "site.toml").write_text(text)
        site = load(folder / "site.toml")
        for config, declaration in zip(site.stations, (Press, Meter), strict=True):
            vars(config)["declaration"] = declaration
    return site


class RealWorld(SmallWorld):
    """Machines that are servers."""

    warm_s = 3.0  # before a station was ever known nothing can be missing of it
    tasks_max = 60

    def __init__(
        self, net: SmallNet, folder: Path, seed: int, disk: Disk, *, bytes_max: int = 1 << 30
    ) -> None:
        super().__init__(net, folder, seed, disk, bytes_max=bytes_max)
        self.machines = []
        self.site = self.agent.site = self.historian.site = in_folder(
            real_site(), folder, bytes_max
        )
        self.truth_file = folder / "truth.jsonl"
        self.truth = TruthLog(self.truth_file)
        self.plant = Plant(
            self.site, self.truth, None, 1.0, seed, TICK_S,
            clock=self.machine_clock, ticks=self.machine_clock.ticks,
        )  # fmt: skip
        self._other: OpcuaServer | None = None
        self._moves = 0

    def _fit(self, agent: Agent) -> None:
        """Leave it its own sources; count what they bring."""
        self._count(agent, "above", "committed")
        put = agent.intake.put

        async def counted(arrival: Any) -> None:
            self.operations.hit("report")
            await put(arrival)

        vars(agent.intake)["put"] = counted

    async def start_machines(self, stack: ExitStack) -> list[asyncio.Task[None]]:
        """The simulators of the site."""
        await self.plant.start()
        stack.callback(self.truth.close)
        return [self.net.create_task(self.plant.run())]

    async def mend_machines(self) -> None:
        """Of the simulators, and of the ways to them."""
        await self.plant.handle({"do": "clear"})
        for port in (OPCUA_PORT, MODBUS_PORT):
            self.net.restore(port)
            self.net.mangle.pop(port, None)
        server, number = self.plant.stations["press-1"].modbus[""]
        server.unit(number).codes.clear()

    async def end_machines(self, tasks: list[asyncio.Task[None]]) -> None:
        """When every session that was given up has been made anew."""
        await asyncio.sleep(TELL_S)
        await self.plant.stop_models()
        await asyncio.sleep(3.0)
        await super().end_machines(tasks)
        self.truth.flush()

    async def close_machines(self) -> None:
        """They listen no longer."""
        if self._other is not None:
            await self._other.stop()
        await self.plant.stop()

    async def restart(self, *, moved: bool) -> None:
        """Stop the OPC UA server and start it anew: without memory, perhaps with other indexes."""
        config = self.site.stations[0].opcua
        assert config is not None
        old = self.plant.stations["press-1"].opcua
        assert old is not None
        await old.stop()
        await asyncio.sleep(self.net.rng.uniform(0.1, 3.0))
        made = OpcuaServer(config, self.truth, self.plant.folder, self.machine_clock.ticks)
        await made.init()
        self._moves += moved
        for number in range(self._moves):
            await made.server.register_namespace(f"urn:moved:{number}")
        for name, station in self.plant.stations.items():
            root = next(one.opcua.root for one in self.site.stations
                        if one.name == name and one.opcua is not None)  # fmt: skip
            await made.add(name, station.declaration, root)
            values = dict(station.values.items())
            for tag in station.declaration.tags:
                if isinstance(tag.at, Node):
                    await made.show(name, tag, GOOD, values[tag.name])
            station.opcua = made
        await made.start()
        self._other = made


class RealJudge(Judge):
    """Holds the store against the truth log of the simulators."""

    def problems(self) -> list[str]:
        """Everything that is wrong."""
        return [*super().problems(), *self._reckoned()]

    def _reckoned(self) -> Iterator[str]:
        world = self.world
        assert isinstance(world, RealWorld)
        letters: dict[tuple[str, str], dict[int, tuple[int, str]]] = {}
        for letter in world.historian.letters.read():
            one: Refusal = letter.refusal
            letters.setdefault((one.station, one.tag), {})[one.time_ms] = one.status, one.value
        found = reckon(world.site, world.truth_file, world.store, letters)
        if found.lost or found.duplicates or found.inside:
            yield f"{found.lost} lost, {found.duplicates} twice, {found.inside} inside a gap"
            yield from found.examples[:6]
        if not self.steps and not letters:
            for station in world.site.stations:
                yield from unsaid(world.site, world.truth_file, world.store, station.name)[:3]
