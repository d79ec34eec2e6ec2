"""A publisher over a real outbox and a real session, without the rest of an agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from edge.outbox import Outbox
from edge.publish import Publisher
from stations.samples import EMPTY
from tests.edge.reports import TAGS
from tests.mqtt.conftest import QUICK, BrokerAt
from tests.servers import until
from wire.clock import SystemClock
from wire.mqtt import Session
from wire.sparkplug.births import Station
from wire.sparkplug.edge_node import EdgeNode


@asynccontextmanager
async def sender(
    broker: BrokerAt, outbox: Outbox, settle_s: float | None = None
) -> AsyncIterator[Publisher]:
    """A publisher that runs, before no primary host."""
    node = EdgeNode(
        "site", "pc-1", outbox.id, [Station("press-1", "line-1", "device", TAGS)],
        last=lambda station: EMPTY,
    )  # fmt: skip

    async def run_blocking(work: Callable[..., Any], *args: Any) -> Any:
        return work(*args)

    loop = asyncio.get_running_loop()
    publisher = Publisher(
        node, outbox, SystemClock(), run_blocking=run_blocking,
        blocking=lambda work, *args: asyncio.run_coroutine_threadsafe(
            run_blocking(work, *args), loop
        ).result(10),
        confirm=lambda ranges: outbox.confirmed(ranges, outbox.state()[0].to_bytes()) >= 0,
        lost=lambda lost: None, settle_s=settle_s,
    )  # fmt: skip
    publisher.connect(partial(Session, broker, "agent", limits=QUICK))
    task = asyncio.create_task(publisher.run())
    try:
        yield publisher
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await publisher.stop()


async def holds(what: Callable[[], object], waited_for: str, seconds: float = 60.0) -> None:
    """Wait until it holds, while the loop goes on."""
    await asyncio.to_thread(until, what, waited_for, seconds)
