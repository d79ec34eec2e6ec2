"""A publisher over a real outbox and a real session, without the rest of an agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import numpy as np

from edge.outbox import Outbox
from edge.outbox_file import SOURCE, Batch
from edge.publish import Publisher
from stations.declare import Type
from stations.samples import EMPTY, Samples, build
from tests.edge.reports import TAGS
from tests.mqtt.conftest import QUICK, BrokerAt
from tests.servers import until
from wire.clock import SystemClock
from wire.mqtt import Session
from wire.sparkplug.births import Station
from wire.sparkplug.edge_node import EdgeNode
from wire.sparkplug.metrics import MetricName

EVERY_S = 0.02  # from batch to batch
PRESS = Station("press-1", "line-1", "device", TAGS)


@asynccontextmanager
async def sender(
    broker: BrokerAt,
    outbox: Outbox,
    settle_s: float | None = None,
    *,
    agent: str = "pc-1",
    stations: Sequence[Station] = (PRESS,),
    primary: str | None = None,
    last: Callable[[str], Samples] = lambda station: EMPTY,
) -> AsyncIterator[Publisher]:
    """A publisher that runs."""
    names = {
        number: MetricName(number, one.name, tag.name, tag.value_type)
        for one in stations
        for number, tag in one.tags.items()
    }
    node = EdgeNode("site", agent, outbox.id, stations, last=last, names=names, primary=primary)

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
    publisher.connect(partial(Session, broker, agent, limits=QUICK))
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


async def load(publisher: Publisher, outbox: Outbox, first: int, seconds: float) -> int:
    """Commit and send one value after the other; the number of the next."""
    number = first
    for number in range(first, first + round(seconds / EVERY_S)):
        samples = build([(1, SystemClock().now_ms(), 0, Type.FLOAT, float(number))])
        batch = Batch("press-1", samples, np.zeros(1, SOURCE))
        publisher.fresh(outbox.commit([batch], SystemClock().now_ms()), False)
        with suppress(TimeoutError):  # the pace of the load, not a wait for something
            await asyncio.wait_for(asyncio.Event().wait(), EVERY_S)
    return number + 1
