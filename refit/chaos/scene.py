"""What a fault can do to the plant, and the random numbers that it may use."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from refit.chaos.chaos_plant import MACHINES, ChaosPlant
from refit.chaos.ledgers import waiting_records
from refit.chaos.small_site import AGENT
from refit.chaos.waiting import until
from wire import topics
from wire.mqtt import Message, Session
from wire.sparkplug import commands

OURS = (AGENT, "historian", "broker", "store", MACHINES)
ASKER_S = 10.0


@dataclass(slots=True)
class Scene:
    """One fault's view of the plant. `longest_s` bounds what a fault may choose to last."""

    plant: ChaosPlant
    random: Random
    longest_s: float = 20.0
    notes: list[str] = field(default_factory=list)

    def between(self, low_s: float, high_s: float) -> float:
        """A random number of seconds, `longest_s` at most."""
        return self.random.uniform(low_s, max(low_s, min(high_s, self.longest_s)))

    def pause(self, low_s: float, high_s: float | None = None) -> None:
        """Let a random time pass, or exactly `low_s`."""
        time.sleep(low_s if high_s is None else self.between(low_s, high_s))

    def has(self, name: str) -> bool:
        """Whether a process of this name runs."""
        return name in self.plant.processes.children

    def kill(self, name: str) -> None:
        """SIGKILL; for the agent what waits on its disk is noted."""
        gone_ms = self.plant.kill(name)
        if name == AGENT:
            self.plant.agent_kills.append(gone_ms)
            self.plant.record_ids |= waiting_records(self.plant)
        if name == "broker":
            self.plant.wait_for_broker(gone=True)

    def start(self, name: str) -> None:
        """Start a process again; returns at once, but for servers when they listen."""
        self.plant.start(name)
        if name == "broker":
            self.plant.wait_for_broker()
        elif name == "store":
            self.plant.wait_for_store()
        elif name == MACHINES:
            self.plant.wait_for_machines()

    def until_agent(self, holds: Callable[[dict[str, Any]], bool], seconds: float) -> bool:
        """Wait until something holds of the agent's health; False when it never does."""

        def is_so() -> bool:
            health = self.plant.waiting()
            return health is not None and holds(health)

        with suppress(TimeoutError):
            until(is_so, "the agent says so", seconds)
            return True
        return False

    def ask_for_births(self) -> None:
        """Ask the agent for its births, as any host may (NCMD Node Control/Rebirth)."""
        site = self.plant.site
        session = Session(site.broker, f"chaos-{self.random.getrandbits(32):08x}")
        session.start()
        try:
            with suppress(TimeoutError):
                until(lambda: session.connected, "the broker lets us in", ASKER_S)
                topic = topics.node(site.name, topics.Verb.NCMD, AGENT)
                session.publish(Message(topic, commands.rebirth(round(time.time() * 1000)), 0))
                until(lambda: session.status().queued == 0, "the request is sent", ASKER_S)
        finally:
            session.disconnect()
