"""What breaks in a run, when and for how long: all of it drawn from the seed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from tests.world.line import World
from tests.world.programs import AgentProgram

Trouble = Callable[["Troubles"], Awaitable[None]]

STEP_MS_MAX = 90_000


class Troubles:
    """A script for `World.run`: trouble after trouble until the time is over."""

    def __init__(
        self, seed: int, duration_s: float, mean_s: float, *, with_steps: bool = False
    ) -> None:
        self.rng = Random(f"{seed}/troubles")
        self.duration_s, self.mean_s = duration_s, mean_s
        self.kinds = [*KINDS, *STEPS] if with_steps else list(KINDS)

    async def __call__(self, world: World) -> None:
        """Break things for as long as it was said; every kind of trouble comes before any again."""
        self.world = world
        end_s = world.net.time() + self.duration_s
        waiting: list[Trouble] = []
        async with asyncio.TaskGroup() as group:
            while (pause_s := self.rng.expovariate(1 / self.mean_s)) < end_s - world.net.time():
                await asyncio.sleep(pause_s)
                if not waiting:
                    waiting = self.rng.sample(self.kinds, len(self.kinds))
                group.create_task(waiting.pop()(self))
            await asyncio.sleep(max(0.0, end_s - world.net.time()))

    def say(self, what: str) -> None:
        """Write it down."""
        self.world.witness.trouble(what)

    async def some_time(self, longest_s: float) -> None:
        """Short times are as likely as long ones."""
        await asyncio.sleep(longest_s * self.rng.random() ** 2)

    def an_agent(self) -> AgentProgram:
        """One of the agents."""
        return self.rng.choice(list(self.world.agents.values()))


async def machine_cut(of: Troubles) -> None:
    """A machine cannot be reached; in memory as on the network."""
    net = of.world.net
    wire = of.rng.choice(list(of.world.machines.wires.values()))
    port = of.rng.choice(of.world.machine_ports)
    of.say(f"machine cut: port {port}, {wire.station}/{wire.name}")
    net.cut(port)
    wire.cut()
    await of.some_time(90.0)
    net.restore(port)
    wire.restore()
    of.say(f"machine back: port {port}, {wire.station}/{wire.name}")


async def machine_stalls(of: Troubles) -> None:
    """A machine hears everything and nothing that it says arrives: half-open."""
    port = of.rng.choice(of.world.machine_ports)
    of.say(f"machine stalls: port {port}")
    of.world.net.stall(port)
    await of.some_time(60.0)
    of.world.net.restore(port)
    of.say(f"machine heard again: port {port}")


async def machine_reset(of: Troubles) -> None:
    """Something on the way resets a connection."""
    port = of.rng.choice(of.world.machine_ports)
    of.say(f"machine reset: port {port}, {of.world.net.reset(port)} connections")


async def broker_cut(of: Troubles) -> None:
    """One client has no way to the broker."""
    port = of.rng.choice(of.world.broker.ports)
    of.say(f"way to the broker cut: port {port}")
    of.world.net.cut(port)
    await of.some_time(60.0)
    of.world.net.restore(port)
    of.say(f"way to the broker back: port {port}")


async def broker_stalls(of: Troubles) -> None:
    """The broker hears a client, and the client not the broker."""
    port = of.rng.choice(of.world.broker.ports)
    of.say(f"broker stalls: port {port}")
    of.world.net.stall(port)
    await of.some_time(60.0)
    of.world.net.restore(port)
    of.say(f"broker heard again: port {port}")


async def broker_reset(of: Troubles) -> None:
    """A session is reset."""
    port = of.rng.choice(of.world.broker.ports)
    of.say(f"session reset: port {port}, {of.world.net.reset(port)} connections")


async def broker_away(of: Troubles) -> None:
    """The broker dies; when it comes back it may have forgotten what was retained."""
    broker, keep = of.world.broker, of.rng.random() < 0.5
    if not broker.is_running:
        return
    of.say(f"broker dies, {'keeps' if keep else 'forgets'} what was retained")
    broker.stop(keep=keep)
    await of.some_time(60.0)
    await broker.start()
    of.say("broker is back")


async def historian_killed(of: Troubles) -> None:
    """The historian is killed, perhaps with samples that its store has not taken."""
    historian = of.world.historian
    historian.store.is_gone = of.rng.random() < 0.8
    await of.some_time(5.0)
    if not historian.is_running:
        return
    of.say(f"historian killed, store {'away' if historian.store.is_gone else 'there'}")
    await historian.kill()
    historian.store.is_gone = False
    await of.some_time(60.0)
    historian.start()
    of.say("historian started")


async def historian_stopped(of: Troubles) -> None:
    """The historian ends politely and is started again later."""
    historian = of.world.historian
    if not historian.is_running:
        return
    of.say("historian stops")
    await historian.stop()
    await of.some_time(60.0)
    historian.start()
    of.say("historian started")


async def store_away(of: Troubles) -> None:
    """The store takes nothing for a while."""
    of.say("store away")
    of.world.historian.store.is_gone = True
    await of.some_time(40.0)
    of.world.historian.store.is_gone = False
    of.say("store back")


async def agent_killed(of: Troubles) -> None:
    """An agent is killed and started again on the same outbox."""
    agent = of.an_agent()
    if not agent.is_running:
        return
    of.say(f"{agent.name} killed")
    await agent.kill()
    await of.some_time(30.0)
    agent.start()
    of.say(f"{agent.name} started")


async def agent_stopped(of: Troubles) -> None:
    """An agent ends politely and is started again."""
    agent = of.an_agent()
    if not agent.is_running:
        return
    of.say(f"{agent.name} stops")
    await agent.stop()
    await of.some_time(30.0)
    agent.start()
    of.say(f"{agent.name} started")


async def clock_steps(of: Troubles) -> None:
    """The clock of a program or of all machines is set forward or back."""
    by_ms = of.rng.randint(-STEP_MS_MAX, STEP_MS_MAX)
    name, clock = of.rng.choice(
        [("machines", of.world.machine_clock), *((p.name, p.clock) for p in of.world.programs)]
    )
    of.say(f"clock of {name} steps by {by_ms} ms")
    clock.step(by_ms)


KINDS: tuple[Trouble, ...] = (
    machine_cut, machine_stalls, machine_reset, broker_cut, broker_stalls, broker_reset,
    broker_away, historian_killed, historian_stopped, store_away, agent_killed, agent_stopped,
)  # fmt: skip
STEPS: tuple[Trouble, ...] = (clock_steps,)
