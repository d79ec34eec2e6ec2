"""Looking at all machines of a site at once: a dead one costs no other anything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from edge.agent import connection_of
from edge.live import modbus, opcua
from edge.live.findings import Checked, sorted_findings
from edge.sessions import OPCUA
from edge.sources.fault import MachineFault
from edge.sources.source import Item
from wire.site import StationConfig

TOGETHER = 16


@dataclass(frozen=True, slots=True)
class Manner:
    """How to look: what counts as slow, and when a machine is given up."""

    slow_ms: float = 500.0
    timeout_s: float = 30.0


@dataclass(slots=True)
class _Look:
    """One connection to be looked at, and what was found there so far."""

    station: StationConfig
    connection: str
    items: list[Item]
    checked: Checked


async def check(
    stations: Iterable[StationConfig],
    manner: Manner,
    told: Callable[[Checked], None],
) -> list[Checked]:
    """What each connection of these stations has, in their order; `told` hears of each that ends.

    Modbus connections of one address take turns: many devices serve one at a time.
    """
    looks = [look for station in stations for look in _looks(station)]
    places = {look.checked.url: asyncio.Lock() for look in looks}
    room = asyncio.Semaphore(TOGETHER)
    async with asyncio.TaskGroup() as group:
        for look in looks:
            lock = None if look.connection == OPCUA else places[look.checked.url]
            group.create_task(_one(look, manner, room, lock, told))
    return [look.checked for look in looks]


def _looks(station: StationConfig) -> list[_Look]:
    by_connection: dict[str, list[Item]] = {}
    for number, tag in enumerate(station.declaration.tags, 1):
        by_connection.setdefault(connection_of(tag), []).append(Item(number, tag))
    looks = []
    for name, items in by_connection.items():
        if name == OPCUA:
            url = station.opcua.url if station.opcua else ""
        else:
            url = station.modbus[name].url
        checked = Checked(station.name, name or "modbus", url, len(items))
        looks.append(_Look(station, name, items, checked))
    return looks


async def _one(
    look: _Look, manner: Manner, room: asyncio.Semaphore, lock: asyncio.Lock | None,
    told: Callable[[Checked], None],
) -> None:  # fmt: skip
    async with AsyncExitStack() as stack:
        if lock is not None:
            await stack.enter_async_context(lock)
        await stack.enter_async_context(room)
        try:
            async with asyncio.timeout(manner.timeout_s):
                await _look(look, manner)
        except MachineFault as fault:
            look.checked.fault = str(fault)
        except TimeoutError:
            look.checked.fault = f"not done within {manner.timeout_s:g} s"
    look.checked.findings = sorted_findings(look.checked.findings)
    told(look.checked)


async def _look(look: _Look, manner: Manner) -> None:
    station = look.station
    if look.connection == OPCUA:
        assert station.opcua is not None, "checked by the site file"
        await opcua.look(station.opcua, look.items, look.checked, manner.slow_ms)
    else:
        config = station.modbus[look.connection]
        name = f"{station.name}/{look.checked.connection}"
        await modbus.look(name, config, look.items, look.checked, manner.slow_ms)
