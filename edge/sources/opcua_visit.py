"""One session with an OPC UA server, from its beginning to the fault that ends it.

The subscription of the session before is taken over where the server does that; it counts only when
it is heard. Until a server has shown that it does, a new subscription is made beside it and held
back, so that a promise that is not kept costs nothing. With a new one, what the server has kept of
the time between is read before the first live value goes on.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from asyncua import Client, ua

from edge.sources.fault import MachineFault, machine
from edge.sources.opcua_history import History
from edge.sources.opcua_nodes import Limits, Refused, read_limits
from edge.sources.opcua_past import Stream
from edge.sources.opcua_report import Reporter
from edge.sources.opcua_session import REQUEST_TIMEOUT_S, Subscription
from edge.sources.publish import REQUESTS_IN_FLIGHT, Arrival, Publisher, Turn
from edge.sources.source import Item
from edge.sources.variants import Decoded
from wire.backoff import BackOff
from wire.clock import Clock
from wire.site.connections import OpcuaConfig

REPUBLISH_MAX = 1000
PROOF_S = 1.0  # over the keep-alive interval
# A server may answer with the requests of the session before, and then no more.
WORDS_NEEDED = REQUESTS_IN_FLIGHT + 1
FIRST_S = 5.0  # for the first values of all items


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a source reads, and how."""

    config: OpcuaConfig
    items: tuple[Item, ...]
    clock: Clock
    rng: random.Random
    retry_bad_s: tuple[float, float]


class Visit:
    """The subscriptions of one session and what comes from them."""

    def __init__(self, client: Client, wishes: Wishes, reporter: Reporter) -> None:
        self._client, self._wishes, self._reporter = client, wishes, reporter
        self._status = reporter.status
        self.publisher = Publisher(client.uaclient.session, wishes.clock, reporter.status)
        self._limits = Limits()
        self._old: Subscription | None = None
        self._new: Subscription | None = None
        self._streams: dict[int, Stream] = {}
        self._held: list[Arrival] = []
        self._first: dict[int, int] = {}
        self._seen: set[tuple[int, int]] = set()  # brought by the one that was taken over, on trial
        self._awaited: set[int] | None = None
        self._words = 0  # of the subscription that was taken over
        self._needed = 1
        self._heard, self._complete, self._is_decided = (asyncio.Event() for _ in range(3))

    async def begin(self) -> None:
        """Take over what the last session left, or make a new subscription; or both."""
        self._limits = await read_limits(self._client)
        memory = self._reporter.memory
        await memory.meet(self._client)
        stream, facts = memory.usable, memory.facts
        if stream is not None:
            old = self._subscription()
            taken = await old.take_over(stream.id, facts.monitored, facts.keep_alive_s)
            if taken.is_refused:
                memory.transfers(False)
            if taken.is_good:
                stream.taken_over(self.publisher, taken.available)
                old.items = await monitored(self._client, old.id) or old.items
                await old.find(self._wishes.items)  # it may show at once that its queue overflowed
                self._old, self._streams[stream.id] = old, stream
        if self._old is None or memory.facts.transfers is None:
            await self._open()
            self._needed = WORDS_NEEDED
        memory.is_on_trial = self._old is not None

    def end(self) -> None:
        """The session is over; what becomes safe from now on is acknowledged in the next one."""
        for stream in self._streams.values():
            stream.publisher = None

    def _subscription(self) -> Subscription:
        return Subscription(
            self._client, self._wishes.config, self.publisher, self._status, self._limits
        )

    async def _open(self) -> Subscription:
        new = self._subscription()
        await new.open()
        self._new, self._streams[new.id] = new, Stream(new.id, publisher=self.publisher)
        return new

    async def take(self) -> None:
        """Hand on what comes, in its order, for ever."""
        while True:
            arrival = await self.publisher.arrivals.get()
            match arrival:
                case MachineFault():
                    raise arrival
                case Arrival():
                    await self._arrived(arrival)
                case _:
                    await arrival()

    async def steer(self) -> None:
        """Find out which subscription goes on, make its items, try again those that failed."""
        items = self._wishes.items
        refused = {} if self._new is None else await self._new.add(items)
        if self._old is not None and not await self._is_proven(self._old):
            old, self._old = self._old, None
            if self._new is None:
                refused = await (await self._open()).add(items)
            await old.delete()
        if self._old is not None:
            current, self._new = self._old, None
        else:
            assert self._new is not None
            current = self._new
            if self._reporter.lost is not None:
                await self._wait_for_first(current)
            await self._ask(partial(self._settle, current, refused))
        await self._retry(current, refused)

    async def watch(self) -> None:
        """End a session in which the server has fallen silent although requests wait there."""
        while True:
            present = [one.silence_s for one in (self._old, self._new) if one is not None]
            limit_s = max(present, default=REQUEST_TIMEOUT_S)
            await asyncio.sleep(limit_s / 2)
            silent_s = self._wishes.clock.monotonic() - self.publisher.heard_s
            if self.publisher.waiting and silent_s > limit_s:
                raise MachineFault(f"no keep-alive for {silent_s:.0f} s", "subscription lost")

    async def _is_proven(self, old: Subscription) -> bool:
        """Whether the subscription that was taken over goes on being heard; decided for good."""
        does = False
        while not does:
            self._heard.clear()
            does = self._words >= self._needed
            try:
                async with asyncio.timeout(old.keep_alive_s + PROOF_S):
                    await (asyncio.sleep(0) if does else self._heard.wait())
            except TimeoutError:
                break
        await self._ask(partial(self._decide, does))
        if does and self._new is not None:
            await self._new.delete()
        return does

    async def _decide(self, does: bool) -> None:
        """Between two arrivals: the one is dropped, or the other."""
        self._reporter.memory.transfers(does)
        gone = self._new if does else self._old
        if gone is not None:
            self._streams.pop(gone.id)
        if does:
            self._held.clear()
            self._reporter.lost = None
            self._status.count("subscriptions taken over")
            await self._reporter.goes_on(self._wishes.clock.now_ms())

    async def _ask(self, turn: Turn) -> None:
        """Have something done between two arrivals, and wait until it is."""
        done = asyncio.get_running_loop().create_future()

        async def run() -> None:
            await turn()
            done.set_result(None)

        await self.publisher.arrivals.put(run)
        await done

    async def _wait_for_first(self, current: Subscription) -> None:
        self._awaited = set(current.items)
        self._look()
        try:
            async with asyncio.timeout(FIRST_S):
                await self._complete.wait()
        except TimeoutError:
            pass

    def _look(self) -> None:
        if self._awaited is not None and self._awaited <= self._first.keys():
            self._complete.set()

    async def _settle(self, current: Subscription, refused: dict[int, Refused]) -> None:
        """A new subscription goes on: first what lies before it, then what was held back."""
        reporter, now_ms = self._reporter, self._wishes.clock.now_ms()
        reporter.memory.begin(self._streams[current.id], current.items, current.keep_alive_s)
        is_whole = self._complete.is_set()
        await reporter.bridge(self._first, now_ms, is_whole, self._history(current))
        if refused:
            await reporter.refuse(refused, now_ms)
        self._is_decided.set()
        held, self._held = self._held, []
        for arrival in held:
            await self._arrived(arrival)
        self._seen.clear()

    async def _retry(self, current: Subscription, refused: dict[int, Refused]) -> None:
        """Note which items are there, and ask for the others from time to time."""
        wait = BackOff(*self._wishes.retry_bad_s, self._wishes.rng)
        bad = self._reporter.bad
        for item in self._wishes.items:
            if item.number in current.items:
                bad.clear(item)
        wanted = [item for item in self._wishes.items if item.number not in current.items]
        is_new = current is self._new
        while True:
            if not is_new and wanted:
                again = await current.add(wanted)
                for item in wanted:
                    if item.number not in again:
                        bad.clear(item)
                if again:
                    await self._ask(partial(self._refuse, again))
                self._reporter.memory.monitor(current.items)
            is_new = False
            await asyncio.sleep(wait.next_s())
            wanted = [item for item in self._wishes.items if bad.is_absent(item)]

    async def _refuse(self, refused: dict[int, Refused]) -> None:
        await self._reporter.refuse(refused, self._wishes.clock.now_ms())

    async def _arrived(self, arrival: Arrival) -> None:
        self._status.last_heard_ms = arrival.received_ms
        one = arrival.notification
        if one.refused:
            self._status.count("acknowledgements refused", one.refused)
        stream = self._streams.get(one.subscription)
        if stream is None:
            self._status.count("notifications of other subscriptions")
            return
        current = self._old
        if current is not None and one.subscription == current.id:
            self._words += 1
            self._heard.set()
            if self._new is not None and (seen := self._decoded(arrival)) is not None:
                self._seen.update(seen.rows())
        elif not self._is_decided.is_set():
            self._hold(arrival)
            return
        else:
            assert self._new is not None
            current = self._new
        is_new, missing = stream.order.offer(one.sequence, is_keep_alive=one.is_keep_alive)
        history = self._history(current)
        try:
            await self._recover(stream, missing, arrival, history)
        except MachineFault:  # the next session counts on from here
            for sequence in (*missing, one.sequence):
                stream.take(sequence)  # never safe: not acknowledged
            await self._reporter.missing(arrival.received_ms)
            raise
        if is_new:
            seen = self._seen if current is self._new else frozenset[tuple[int, int]]()
            await self._reporter.notification(one, arrival.received_ms, stream, history, seen)
        elif not one.is_keep_alive:
            self._status.count("notifications repeated")  # acknowledged when the first is safe

    def _hold(self, arrival: Arrival) -> None:
        """Keep what comes until it is known what lies before it."""
        self._held.append(arrival)
        if (decoded := self._decoded(arrival)) is not None:
            for number, ticks in decoded.rows():
                self._first.setdefault(number, ticks)
            self._look()

    def _decoded(self, arrival: Arrival) -> Decoded | None:
        return self._reporter.decoded(arrival.notification, arrival.received_ms)

    async def _recover(
        self, stream: Stream, missing: Sequence[int], arrival: Arrival, history: History
    ) -> None:
        """Ask for what did not arrive; what the server no longer has is read, or is a gap."""
        received_ms, lost = arrival.received_ms, len(missing[REPUBLISH_MAX:])
        for sequence in missing[:REPUBLISH_MAX]:
            found = await self.publisher.republish(stream.id, sequence)
            if found is None:
                lost += 1
            else:
                self._status.count("notifications republished")
                await self._reporter.notification(found, received_ms, stream, history)
        if lost:
            self._status.count("notifications lost", lost)
            await self._reporter.recovered(arrival.notification, received_ms, history)

    def _history(self, current: Subscription) -> History:
        return History(
            self.publisher, current.nodes, self._limits, self._reporter.expected, self._status
        )


async def monitored(client: Client, subscription: int) -> dict[int, int] | None:
    """MonitoredItemId by client handle as the server itself says (OPC 10000-5, 9.1); or None."""
    server = client.get_node(ua.ObjectIds.Server)
    try:
        with machine():
            handles = await server.call_method(
                ua.NodeId(ua.ObjectIds.Server_GetMonitoredItems),
                ua.Variant(subscription, ua.VariantType.UInt32),
            )
            ids, numbers = handles
            return dict(zip(numbers, ids, strict=True))
    except MachineFault as fault:
        if isinstance(fault.__cause__, ua.UaStatusCodeError | TypeError | ValueError):
            return None
        raise
