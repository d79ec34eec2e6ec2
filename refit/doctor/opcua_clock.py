"""How far the clocks of OPC UA servers are from this machine's: values carry their times."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from asyncua import Client, ua

from edge.sources.fault import MachineFault, machine
from edge.sources.opcua_session import connected
from wire.site.connections import OpcuaConfig

TOGETHER = 16
READ_EVERY_S = 0.05
FRESH_S = 1.5  # many servers set their CurrentTime once a second
WHOLE_S = 10.0
CURRENT_TIME = ua.NodeId(ua.Int32(ua.ObjectIds.Server_ServerStatus_CurrentTime))


@dataclass(frozen=True, slots=True)
class Reading:
    """By how much a server's clock is ahead of ours, and how sure that is; or why none was read."""

    ahead_ms: float = 0.0
    uncertain_ms: float = 0.0
    problem: str = ""


def read(servers: Mapping[str, OpcuaConfig]) -> dict[str, Reading]:
    """The clock of each server, all at the same time."""
    return asyncio.run(_read(servers))


async def _read(servers: Mapping[str, OpcuaConfig]) -> dict[str, Reading]:
    room = asyncio.Semaphore(TOGETHER)

    async def one(config: OpcuaConfig) -> Reading:
        async with room:
            try:
                async with asyncio.timeout(WHOLE_S), connected(config) as client:
                    return await _compared(client)
            except TimeoutError:
                return Reading(problem=f"no answer within {WHOLE_S:.0f} s")
            except (MachineFault, OSError, ValueError) as error:
                return Reading(problem=str(error) or type(error).__name__)

    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(one(config)) for name, config in servers.items()}
    return {name: task.result() for name, task in tasks.items()}


async def _compared(client: Client) -> Reading:
    """Read until the server's time moves on: just then it is no older than the last wait."""
    node, before = client.get_node(CURRENT_TIME), None
    until = time.monotonic() + FRESH_S
    while True:
        began = time.time()
        with machine():
            theirs = await node.read_value()
        ended = time.time()
        if not isinstance(theirs, datetime):
            raise MachineFault("its ServerStatus has no CurrentTime")
        ahead_ms = 1000 * (theirs.replace(tzinfo=UTC).timestamp() - (began + ended) / 2)
        way_ms = 500 * (ended - began)
        if before is not None and theirs != before:
            return Reading(ahead_ms, 1000 * READ_EVERY_S + way_ms)
        if time.monotonic() > until:
            return Reading(ahead_ms, 1000 * FRESH_S + way_ms)
        before = theirs
        await asyncio.sleep(READ_EVERY_S)
