"""The smallest plant that has everything: one agent, two stations, a broker, a historian.

Built for speed, so that thousands of seeds can be run: the machines are in memory, and so are the
files of the databases (a folder in /dev/shm, where a sync costs nothing). All code between a source
and the store is the product's own.
"""

from __future__ import annotations

import asyncio
import contextvars
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

from edge.agent import Agent
from edge.outbox_file import OutboxError
from edge.sources.source import Item
from stations.declare import Node, Register, Station
from tests.world.broker import PORT, Broker
from tests.world.clock import VirtualClock
from tests.world.machine import Machine, MemorySource
from tests.world.operations import Disk
from tests.world.programs import HistorianProgram, Program
from tests.world.small_parts import SmallAgent, SmallNet, SmallStore
from tests.world.small_site import AGENT, VALUES, Meter, Press, in_folder, new_databases, small_site
from tests.world.witness import Witness

SETTLE_S = 300.0
AGAIN_S = 0.5
TURN_S = 0.2
LOOK_S = 0.5


class SmallWorld:
    """All of it, on one seed."""

    warm_s = 0.0  # for so long nothing is broken
    tasks_max = 30

    def __init__(
        self, net: SmallNet, folder: Path, seed: int, disk: Disk, *, bytes_max: int = 1 << 30
    ) -> None:
        self.net, self.folder, self.disk = net, folder, disk
        self.operations = net.operations = disk.operations
        self.site = in_folder(small_site(), folder, bytes_max)
        self.witness = Witness(net.time)
        self.machine_clock = VirtualClock(net)
        self.broker = Broker(net, (PORT, PORT + 1))
        self.broker.taps += [self.witness.heard, self._heard]
        agent = SmallAgent(net, AGENT, PORT + 1, f"{seed}", self.site, self.witness)
        agent.prepare = lambda made: self._count(made, "commit", "written")
        agent.fit = self._fit
        self.agent, self.agents = agent, {AGENT: agent}
        shutil.copytree(new_databases(), folder, dirs_exist_ok=True)
        self.historian = HistorianProgram(net, PORT, f"{seed}", self.site, folder, SmallStore)
        self.historian.turn_s = TURN_S
        self.store.operations = self.operations
        self._tap_ledger()
        self.machines = [
            self._machine(seed, *which)
            for which in (("press-1", "opcua", Press), ("press-1", "", Press),
                          ("meter-1", "opcua", Meter))
        ]  # fmt: skip
        self._outside = contextvars.copy_context()
        self._burials: set[asyncio.Task[None]] = set()
        self._is_settling = False
        self.remains: list[str] = []

    @property
    def store(self) -> SmallStore:
        """The store of its historian."""
        store = self.historian.store
        assert isinstance(store, SmallStore)
        return store

    @property
    def programs(self) -> list[Program]:
        """What can be killed."""
        return [self.historian, self.agent]

    def _machine(self, seed: int, station: str, name: str, kind: type[Station]) -> Machine:
        wanted = Register if not name else Node
        tags = {tag.name: VALUES[tag.name] for tag in kind.tags if isinstance(tag.at, wanted)}
        rng = Random(f"{seed}/{station}/{name}")
        machine = Machine(station, name, tags, self.machine_clock, rng, is_polled=not name)
        machine.asked = lambda: self.operations.hit("report", machine)
        return machine

    def _fit(self, agent: Agent) -> None:
        """Let the agent read these machines instead of those of its site file."""
        self._count(agent, "above", "committed")
        for link in agent.links:
            machine = next(
                one for one in self.machines
                if (one.station, one.name) == (link.lane.station, link.name)
            )  # fmt: skip
            numbers = link.lane.connections[link.name]
            items = [Item(number, link.lane.tags[number]) for number in numbers]
            rng = Random(f"{self.agent.seed}/{machine.station}/{machine.name}/{self.agent.starts}")
            link.source = MemorySource(link.source.name, items, machine, agent.clock, rng)

    def _count(self, agent: Agent, before: str, after: str) -> None:
        """Count the commits; the dead do not hear that theirs came to pass."""
        commit = agent.outbox.commit

        def counted(*arguments: Any, **named: Any) -> Any:
            self.operations.hit(before, agent)
            done = commit(*arguments, **named)
            self.operations.hit(after, agent)
            return done

        vars(agent.outbox)["commit"] = counted

    def _tap_ledger(self) -> None:
        append, add = self.historian.ledger.append, self.historian.letters.add

        def appended(records: Any) -> Any:
            self.operations.hit("append")
            done = append(records)
            self.operations.hit("appended")
            return done

        def added(refused: Any, now_ms: int) -> None:
            listed = [(agent, list(refusals)) for agent, refusals in refused]
            if any(refusals for _, refusals in listed):
                self.operations.hit("letters")
            add(listed, now_ms)

        vars(self.historian.ledger)["append"] = appended
        vars(self.historian.letters)["add"] = added

    def _heard(self, heard: Any) -> None:
        self.operations.hit("message", heard)

    def die(self, program: Program, away_s: float) -> None:
        """Kill a program now, from wherever this is called, and start it again later."""
        if program.is_running and program.process is not None and not program.process.is_dead:
            program.strike()
            self.keep(self._bury(program, away_s))

    def keep(self, coroutine: Any) -> None:
        """Let something run beside, in nobody's name; the world does not end before it."""
        task = self.net.create_task(coroutine, context=self._outside.copy())
        self._burials.add(task)
        task.add_done_callback(self._burials.discard)

    def later(self, seconds: float, mend: Callable[[], None]) -> None:
        """Mend something after a while, unless all is mended before."""
        self.net.call_later(
            seconds, lambda: None if self._is_settling else mend(), context=self._outside.copy()
        )

    async def _bury(self, program: Program, away_s: float) -> None:
        # A program that dies goes down with its tasks before anybody starts it anew.
        await program.kill()
        self.witness.trouble(f"{program.name} is dead")
        await asyncio.sleep(away_s)
        while True:
            try:
                program.start()
            except (OutboxError, sqlite3.Error) as error:
                self.witness.trouble(f"{program.name} cannot begin: {error}")
                await asyncio.sleep(AGAIN_S)  # as a service manager does
            else:
                return

    async def run(
        self, script: Callable[[SmallWorld], Awaitable[Any]], judge: Callable[[], None]
    ) -> None:
        """Start all, follow the script, mend all, wait until all is delivered; then judge."""
        with ExitStack() as stack:
            stack.callback(self.historian.close)
            await self.broker.start()
            for program in self.programs:
                program.start()
            changing = await self.start_machines(stack)
            await script(self)
            await self._settle()
            await self.end_machines(changing)
            await self.until(self.is_delivered, "all is delivered")
            self.remains = self._remains()
            await self.agent.stop()
            await self.historian.stop()
            self.broker.stop()
            await self.close_machines()
            judge()

    async def start_machines(self, stack: ExitStack) -> list[asyncio.Task[None]]:
        """Let them live: the tasks in which they do."""
        return [self.net.create_task(machine.run()) for machine in self.machines]

    async def mend_machines(self) -> None:
        """Whatever is broken of them is well again."""
        for machine in self.machines:
            machine.mend()

    async def end_machines(self, tasks: list[asyncio.Task[None]]) -> None:
        """Nothing changes any more, and what did has had the time to be read."""
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(1.7)  # a poll more, and what is queued

    async def close_machines(self) -> None:
        """They are objects of ours: nothing is to be closed."""

    async def _settle(self) -> None:
        """Whatever is broken or away comes back."""
        self.witness.note("settle")
        self._is_settling = True
        self.operations.disarm()
        await self.mend_machines()
        for port in self.broker.ports:
            self.net.restore(port)
        self.disk.mend()
        store = self.store
        store.is_gone = store.refuses_all = False
        store.slow_s = 0.0
        store.refuse, store.after = lambda points: 0, lambda: None
        if not self.broker.is_running:
            await self.broker.start()
        while self._burials:
            await asyncio.wait(self._burials)
        for task in self._burials:
            task.result()
        await self.until(self._is_connected, "every source has its machine again")
        await asyncio.sleep(1.7)

    def is_delivered(self) -> bool:
        """Nothing waits for the disk, and nothing on it for the plant."""
        agent = self.agent.agent
        return agent is not None and agent.intake.idle and self.agent.waiting() == (0, 0)

    def _remains(self) -> list[str]:
        """What is still held when there is nothing left to do: it would grow for ever."""
        agent, historian = self.agent.agent, self.historian.historian
        assert agent is not None and historian is not None
        held = {
            "batches under way": len(agent.publisher.delivery.under_way),
            "messages in the inbox": len(historian.inbox),
            "points to be written": len(historian.writer),
            "tasks": max(0, len(asyncio.all_tasks()) - self.tasks_max),
        }
        return [f"{count} {what} in the end" for what, count in held.items() if count]

    def _is_connected(self) -> bool:
        agent = self.agent.agent
        return agent is not None and all(link.source.status.connected for link in agent.links)

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait in virtual time; AssertionError when it never comes to pass."""
        deadline = self.net.time() + SETTLE_S
        while not holds():
            late = f"waited {SETTLE_S:g} s until {what}; waiting: {self.agent.waiting()}"
            assert self.net.time() < deadline, late
            await asyncio.sleep(LOOK_S)
