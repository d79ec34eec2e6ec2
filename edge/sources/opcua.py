"""The OPC UA source: one session after another with one server, for ever.

What the server notifies goes to the sink as columns; only when the sink says that a report is safe
on disk is the notification acknowledged. After every loss of the link, and after a restart of the
agent, the subscription is taken over if the server still has it; else what the server has kept of
the time between is read; and what is left of it is said as a gap.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Coroutine, Sequence
from functools import partial

from edge.sources.fault import MachineFault, cancellations
from edge.sources.opcua_commands import OpcuaCommands
from edge.sources.opcua_past import Memory
from edge.sources.opcua_report import Reporter
from edge.sources.opcua_security import Untrusted
from edge.sources.opcua_session import connected
from edge.sources.opcua_visit import Visit, Wishes
from edge.sources.publish import REQUESTS_IN_FLIGHT, Publisher
from edge.sources.source import Item, Past, Sink, SourceStatus
from wire.backoff import BackOff
from wire.clock import Clock
from wire.site.connections import OpcuaConfig

log = logging.getLogger(__name__)

RECONNECT_S = (0.5, 30.0)
RETRY_BAD_S = (30.0, 600.0)
LOOK_S = 1.0  # at the trust list, by somebody who is not trusted


class OpcuaSource:
    """Reads one station over OPC UA; see `Source`. `past` is what the outbox knows of it."""

    def __init__(
        self,
        name: str,
        config: OpcuaConfig,
        items: Sequence[Item],
        clock: Clock,
        rng: random.Random,
        *,
        retry_bad_s: tuple[float, float] = RETRY_BAD_S,
        past: Past | None = None,
        commands: OpcuaCommands | None = None,
    ) -> None:
        self.name = name
        self.status = SourceStatus()
        self.commands = commands or OpcuaCommands(name, config, ())
        self._config = config
        self._wishes = Wishes(config, tuple(items), clock, rng, retry_bad_s)
        self._clock = clock
        self._backoff = BackOff(*RECONNECT_S, rng)
        past = past or Past()
        self._memory = Memory(name, config, items, past)
        self._reporter = Reporter(name, items, self.status, self._memory, past)
        self._reporter.flows = self._flows
        self._link_is_up: bool | None = None
        self._told = ""

    async def run(self, sink: Sink) -> None:
        """Read for ever, until cancelled; a fault of the machine never raises here."""
        self._reporter.sink = sink
        asked_to_end = cancellations()
        while True:
            faults: list[MachineFault] = []
            try:
                await self._visit(sink)
            except* MachineFault as group:
                faults = [error for error in _leaves(group) if isinstance(error, MachineFault)]
            if cancellations() > asked_to_end:
                # A TaskGroup of Python 3.11 forgets one that comes while it ends for a fault.
                raise asyncio.CancelledError
            self._down(sink, faults[0])
            await self._pause(faults[0])

    async def _pause(self, fault: MachineFault) -> None:
        """Wait before the next session; who is not trusted, no longer than until that changes."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._backoff.next_s()
        while (left_s := until_s - loop.time()) > 0:
            if not isinstance(fault, Untrusted):
                await asyncio.sleep(left_s)
                continue
            await asyncio.sleep(min(left_s, LOOK_S))
            if fault.is_over:
                self._backoff.reset()
                return

    async def _visit(self, sink: Sink) -> None:
        """One session, from connecting to the fault that ends it."""
        async with connected(self._config, keeps=self._keeps) as client:
            visit = Visit(client, self._wishes, self._reporter)
            publisher = visit.publisher
            try:
                await visit.begin()
                lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
                client.connection_lost_callback = partial(_tell, lost)
                self.commands.attach(client)
                self._up(sink)
                async with asyncio.TaskGroup() as group:
                    watched = [publisher.run() for _ in range(REQUESTS_IN_FLIGHT)]
                    watched += [visit.watch(), visit.steer(), _raise_when(lost)]
                    for coroutine in watched:
                        group.create_task(self._guard(coroutine, publisher, sink))
                    await visit.take()
            finally:
                self.commands.attach(None)
                visit.end()
                await _flush(publisher)

    def _keeps(self) -> bool:
        return self._memory.keeps(is_fault=self._link_is_up is False)

    async def _guard(
        self, coroutine: Coroutine[None, None, None], publisher: Publisher, sink: Sink
    ) -> None:
        """A fault is told at once but ends the session only after what arrived before it."""
        try:
            await coroutine
        except MachineFault as fault:
            self._disconnected(sink, str(fault))
            await publisher.arrivals.put(fault)

    def _up(self, sink: Sink) -> None:
        self.status.connected = True
        self.status.since_ms = self._clock.now_ms()
        self._reporter.is_first = True
        self._link_is_up = True
        sink.link(True, "connected")

    def _flows(self) -> None:
        """Values come: what was wrong is over."""
        self._backoff.reset()
        self._told = ""

    def _disconnected(self, sink: Sink, why: str) -> None:
        if self._link_is_up is not False:
            self._link_is_up = self.status.connected = False
            self.status.since_ms = self._clock.now_ms()
            sink.link(False, why)

    def _down(self, sink: Sink, fault: MachineFault) -> None:
        self._reporter.lose(fault.reason)
        if str(fault) != self._told:
            self._told = str(fault)
            log.warning("%s: %s", self.name, fault)
        self._disconnected(sink, str(fault))
        self.status.reconnects += 1


async def _tell(lost: asyncio.Future[str], error: Exception) -> None:
    if not lost.done():
        lost.set_result(f"the connection is lost ({error})")


async def _raise_when(lost: asyncio.Future[str]) -> None:
    raise MachineFault(await lost)


async def _flush(publisher: Publisher) -> None:
    """Write the last acknowledgements; the server keeps the request, so no answer is awaited."""
    task = asyncio.ensure_future(publisher.flush())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in _leaves(part)]
    return [error]
