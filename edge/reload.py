"""A changed site file, taken up while the agent runs: only stations that changed are touched."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from edge.agent import Agent
from edge.arrivals import Exchange
from wire.site import Site, StationConfig
from wire.sparkplug import births

CHANGED = "site file changed"
FIXED = ("name", "broker", "media", "outbox")  # of a site: what a running agent cannot exchange

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Change:
    """What a new site file changes for one agent; `restart` names what only a restart takes up."""

    gone: tuple[str, ...]
    changed: tuple[StationConfig, ...]
    new: tuple[StationConfig, ...]
    restart: tuple[str, ...]


def compare(old: Site, new: Site, agent: str) -> Change:
    """The stations of an agent that are gone, changed or new. LookupError when it is not in it."""
    before = {one.name: one for one in old.stations_of(agent)}
    after = {one.name: one for one in new.stations_of(agent)}
    restart = [f"[{name if name != 'name' else 'site'}]" for name in FIXED
               if getattr(old, name) != getattr(new, name)]  # fmt: skip
    if old.store.settle_s != new.store.settle_s:  # how long it may forget
        restart.append("[store] version")
    if old.historian.name != new.historian.name:
        restart.append("[historian] name")
    if old.agent(agent) != new.agent(agent):
        restart.append(f"[[agent]] {agent}")
    restart += [f"[station.cameras] of {name}" for name, one in after.items()
                if name in before and _cameras(before[name]) != _cameras(one)]  # fmt: skip
    restart += [f"[station.machines] of {name}" for name, one in after.items()
                if name in before and _machines(before[name]) != _machines(one)]  # fmt: skip
    return Change(
        tuple(name for name in before if name not in after),
        tuple(one for name, one in after.items()
              if name in before and not _same(before[name], one)),
        tuple(one for name, one in after.items() if name not in before),
        tuple(restart),
    )  # fmt: skip


def _cameras(config: StationConfig) -> tuple[object, ...]:
    return config.cameras, config.capture, config.opcua and config.opcua.writes


def _machines(config: StationConfig) -> tuple[object, ...]:
    return config.machines, config.inspection


def _same(old: StationConfig, new: StationConfig) -> bool:
    return old == new and old.declaration.tags == new.declaration.tags


class Reload:
    """Exchanges stations of a running agent, one change after the other."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._lock = asyncio.Lock()

    async def take(self, site: Site) -> Change:
        """Take up another site file; what it does not change goes on undisturbed.

        TooLarge, LookupError, OSError or Wrong when it cannot be taken up: nothing has changed.
        """
        async with self._lock:
            change = compare(self._agent.site, site, self._agent.name)
            await self._exchange(site, change)
        for what in change.restart:
            log.warning("a change waits for a restart", what=what)
        names = [*change.gone, *(one.name for one in (*change.changed, *change.new))]
        log.info("the site file has been taken up", stations=names)
        return change

    async def _exchange(self, site: Site, change: Change) -> None:
        agent, node = self._agent, self._agent.publisher.node
        fresh = (*change.changed, *change.new)
        numbers = {one.name: await agent.run_blocking(agent.numbers, one) for one in fresh}
        born = {}
        for one in fresh:
            tags = {numbers[one.name][tag.name]: tag for tag in one.declaration.tags}
            born[one.name] = births.Station(one.name, one.line, one.kind, tags)
            births.check(born[one.name], node.group, node.outbox, node.bytes_max)
        sessions = {
            one.name: await asyncio.to_thread(agent.sessions.make, one) for one in change.new
        }
        memories = await agent.run_blocking(agent.outbox.memories)
        places = [(one.name, one.line, one.kind) for one in fresh]
        await agent.run_blocking(agent.outbox.places, places)
        out = {*change.gone, *(one.name for one in change.changed)}
        ended = [link for link in agent.links if link.lane.station in out]
        await agent.end(ended)
        for name in change.gone:
            await agent.leave(name)
            agent.sessions.drop(name)
        applied = asyncio.Event()

        def apply() -> None:
            for name in out:
                lane = agent.lanes.pop(name)
                agent.pipeline.retire(lane.tags)
                memories[name] = lane.remembered
                agent.intake.former[name] = lane
            for name, made in sessions.items():
                agent.sessions.add(name, made)
                agent.follow(name)
            for one in fresh:
                lane = agent.lane(one, numbers[one.name], memories.get(one.name) or None)
                lane.begun = CHANGED
                agent.lanes[one.name] = lane
            agent.intake.lanes = dict(agent.lanes)
            started = [link for one in fresh for link in agent.links_of(one)]
            agent.links = [link for link in agent.links if link not in ended] + started
            agent.site = site
            agent.publisher.exchange(out, [born[one.name] for one in fresh])
            agent.start(started)
            applied.set()

        await agent.intake.put(Exchange(apply))
        await applied.wait()
