"""The OPC UA source: one session with one server, for ever.

What the server notifies goes to the sink as columns; only when the sink says that a report is safe
on disk is the notification acknowledged. Every loss of the link builds a new session and a new
subscription (transfers fail in too many servers) and says the time in between as a gap.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Coroutine, Sequence
from functools import partial

import numpy as np

from edge.sources import variants
from edge.sources.bad import BadTags
from edge.sources.fault import MachineFault, machine
from edge.sources.notification import Notification
from edge.sources.opcua_nodes import Refused
from edge.sources.opcua_security import Untrusted
from edge.sources.opcua_session import Subscription, connected
from edge.sources.publish import REQUESTS_IN_FLIGHT, Arrival, Order, Publisher
from edge.sources.source import TICKS_PER_MS, Gap, Item, Report, Sink, SourceStatus
from stations.status import BAD_NODE_ID_UNKNOWN, BAD_TYPE_MISMATCH
from wire.backoff import BackOff
from wire.clock import Clock
from wire.site.connections import OpcuaConfig

log = logging.getLogger(__name__)

RECONNECT_S = (0.5, 30.0)
RETRY_BAD_S = (30.0, 600.0)
REPUBLISH_MAX = 100
LOOK_S = 1.0  # at the trust list, by somebody who is not trusted


class OpcuaSource:
    """Reads one station over OPC UA; see `Source`."""

    def __init__(
        self,
        name: str,
        config: OpcuaConfig,
        items: Sequence[Item],
        clock: Clock,
        rng: random.Random,
        *,
        retry_bad_s: tuple[float, float] = RETRY_BAD_S,
    ) -> None:
        self.name = name
        self.status = SourceStatus()
        self._config = config
        self._items = tuple(items)
        self._numbers = tuple(item.number for item in items)
        self._expected = variants.Expected.of(items)
        self._clock = clock
        self._rng = rng
        self._retry_bad_s = retry_bad_s
        self._bad = BadTags(name, self.status)
        self._backoff = BackOff(*RECONNECT_S, rng)
        self._last_ms = np.full(len(items), -1, np.int64)
        self._lost: tuple[int, str] | None = None
        self._link_is_up: bool | None = None
        self._told = ""
        self._is_first = True

    async def run(self, sink: Sink) -> None:
        """Read for ever, until cancelled; a fault of the machine never raises here."""
        while True:
            faults: list[MachineFault] = []
            try:
                await self._visit(sink)
            except* MachineFault as group:
                faults = [error for error in _leaves(group) if isinstance(error, MachineFault)]
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
        async with connected(self._config) as client:
            publisher = Publisher(client.uaclient.session, self._clock, self.status)
            subscription = Subscription(client, self._config, publisher, self.status)
            await subscription.open()
            lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            client.connection_lost_callback = partial(_tell, lost)
            self._up(sink)
            orders: dict[int, Order] = {}
            try:
                async with asyncio.TaskGroup() as group:
                    watched = [publisher.run() for _ in range(REQUESTS_IN_FLIGHT)]
                    watched.append(self._watch(publisher, subscription))
                    watched.append(self._subscribe(subscription, publisher))
                    watched.append(_raise_when(lost))
                    for coroutine in watched:
                        group.create_task(self._guard(coroutine, publisher, sink))
                    while True:
                        await self._take(await publisher.arrivals.get(), publisher, orders, sink)
            finally:
                lost.cancel()
                await _flush(publisher)

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
        self._is_first = True
        self._link_is_up = True
        sink.link(True, "connected")

    def _disconnected(self, sink: Sink, why: str) -> None:
        if self._link_is_up is not False:
            self._link_is_up = self.status.connected = False
            self.status.since_ms = self._clock.now_ms()
            sink.link(False, why)

    def _down(self, sink: Sink, fault: MachineFault) -> None:
        was_heard = self.status.last_heard_ms
        if self._lost is None and was_heard is not None:
            self._lost = (was_heard, fault.reason)
        if str(fault) != self._told:
            self._told = str(fault)
            log.warning("%s: %s", self.name, fault)
        self._disconnected(sink, str(fault))
        self.status.reconnects += 1

    async def _subscribe(self, subscription: Subscription, publisher: Publisher) -> None:
        """Create all items, then try again from time to time those that failed."""
        wait = BackOff(*self._retry_bad_s, self._rng)
        wanted: Sequence[Item] = self._items
        while True:
            refused = await subscription.add(wanted)
            if refused:
                # Through the queue, so that the sink is asked for one thing at a time.
                await publisher.arrivals.put(self._refuse(refused))
            for item in wanted:
                if item.number not in refused:
                    self._bad.clear(item)
            await asyncio.sleep(wait.next_s())
            wanted = [item for item in self._items if self._bad.is_absent(item)]

    def _refuse(self, refused: dict[int, Refused]) -> Report:
        items = [self._expected.items[number] for number in refused]
        for item in items:
            self._bad.add(item, refused[item.number].why, is_absent=True)
        statuses = {number: reason.status for number, reason in refused.items()}
        return self._bad.report(items, statuses, self._clock.now_ms())

    async def _watch(self, publisher: Publisher, subscription: Subscription) -> None:
        """End a session in which the server has fallen silent although requests wait there."""
        while True:
            await asyncio.sleep(subscription.silence_s / 2)
            silent_s = self._clock.monotonic() - publisher.heard_s
            if publisher.waiting and silent_s > subscription.silence_s:
                raise MachineFault(f"no keep-alive for {silent_s:.0f} s", "subscription lost")

    async def _take(
        self, arrival: Arrival | Report | MachineFault, publisher: Publisher,
        orders: dict[int, Order], sink: Sink,
    ) -> None:  # fmt: skip
        if isinstance(arrival, MachineFault):
            raise arrival
        if isinstance(arrival, Report):
            await sink.report(arrival)
            return
        self.status.last_heard_ms = arrival.received_ms
        notification = arrival.notification
        if notification.refused:
            self.status.count("acknowledgements refused", notification.refused)
        order = orders.setdefault(notification.subscription, Order())
        is_new, missing = order.offer(
            notification.sequence, is_keep_alive=notification.is_keep_alive
        )
        await self._recover(
            notification.subscription, missing, arrival.received_ms, publisher, sink
        )
        if is_new:
            await self._report(notification, arrival.received_ms, publisher, sink)
        elif not notification.is_keep_alive:
            self.status.count("notifications repeated")  # acknowledged when the first is safe

    async def _recover(
        self, subscription: int, missing: list[int], received_ms: int, publisher: Publisher,
        sink: Sink,
    ) -> None:  # fmt: skip
        """Ask for what did not arrive; what the server no longer has is a gap."""
        lost = len(missing[REPUBLISH_MAX:])
        for sequence in missing[:REPUBLISH_MAX]:
            found = await publisher.republish(subscription, sequence)
            if found is None:
                lost += 1
            else:
                self.status.count("notifications republished")
                await self._report(found, received_ms, publisher, sink)
        if lost:
            self.status.count("notifications lost", lost)
            await sink.gap(
                Gap(self._numbers, self._last_known_ms(), received_ms, None, "notification lost")
            )

    async def _report(
        self, notification: Notification, received_ms: int, publisher: Publisher, sink: Sink
    ) -> None:
        if notification.status is not None and notification.status & 0x8000_0000:
            why = f"the server ended the subscription (0x{notification.status:08X})"
            raise MachineFault(why, "subscription lost")
        done = partial(publisher.acknowledge, notification.subscription, notification.sequence)
        try:
            with machine():
                decoded = variants.decode(
                    notification.changes, self._expected, received_ms * TICKS_PER_MS
                )
        except MachineFault as fault:
            # One value that nobody can read must not end the session again and again.
            log.warning("%s: a notification cannot be read: %s", self.name, fault)
            self.status.count("notifications not understood")
            await sink.gap(
                Gap(self._numbers, self._last_known_ms(), received_ms, None, "not understood")
            )
            done()
            return
        if decoded.unknown:
            self.status.count("values of unknown items", decoded.unknown)
        if not len(decoded.samples):
            done()
            return
        await self._tell_gaps(decoded, received_ms, sink)
        self._note_types(decoded)
        self._backoff.reset()
        self._told = ""
        is_first, self._is_first = self._is_first, False
        await sink.report(
            Report(decoded.samples, decoded.ticks, received_ms, False, is_first, done)
        )

    async def _tell_gaps(self, decoded: variants.Decoded, received_ms: int, sink: Sink) -> None:
        if self._lost is not None:
            (heard_ms, reason), self._lost = self._lost, None
            await sink.gap(Gap(self._numbers, heard_ms, received_ms, None, reason))
        samples = decoded.samples
        place = self._expected.index(samples.tag)
        if decoded.overflowed.any():
            numbers = np.unique(samples.tag[decoded.overflowed])
            known = self._last_ms[place[decoded.overflowed]]
            from_ms = int(known.min()) if (known >= 0).all() else None
            to_ms = int(samples.time[decoded.overflowed].max())
            self.status.count("queues overflowed", len(numbers))
            await sink.gap(Gap(tuple(numbers.tolist()), from_ms, to_ms, None, "queue overflow"))
        self._last_ms[place] = samples.time

    def _note_types(self, decoded: variants.Decoded) -> None:
        samples = decoded.samples
        vanished = samples.status == BAD_NODE_ID_UNKNOWN
        odd = decoded.mismatched | vanished
        if not (odd.any() or self._bad):
            return
        for number in np.unique(samples.tag[odd]).tolist():
            item = self._expected.items[number]
            if vanished[samples.tag == number].any():
                self._bad.add(item, "the server no longer has this node", is_absent=True)
            else:
                wanted = item.tag.value_type.name
                self._bad.add(item, f"the machine's type does not fit {wanted}", is_absent=False)
        for number in self._bad.numbers:
            mine = samples.status[samples.tag == number]
            item = self._expected.items[number]
            if len(mine) and mine[-1] != BAD_TYPE_MISMATCH and not self._bad.is_absent(item):
                self._bad.clear(item)

    def _last_known_ms(self) -> int | None:
        known = self._last_ms[self._last_ms >= 0]
        return int(known.max()) if len(known) else None


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
