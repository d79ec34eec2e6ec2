"""The way to the plant: fresh batches live, the backlog beside them, records on their own lane.

Everything here runs on the event loop; the MQTT thread only knocks. What is not confirmed stays in
the outbox, so that whatever happens to a message here, nothing is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from edge.caps import Caps
from edge.delivery import ACK_S, Delivery, Either
from edge.intake import Run
from edge.outbox import Outbox
from edge.outbox_file import Batch, Lost, is_damage
from edge.record_lane import RecordLane
from wire import topics
from wire.clock import Clock
from wire.mqtt import Message, Session, Will
from wire.sparkplug.acknowledge import RangeSet
from wire.sparkplug.births import Station, TooLarge
from wire.sparkplug.datatypes import Scalar
from wire.sparkplug.edge_node import REQUESTED, EdgeNode
from wire.sparkplug.effects import Acknowledged, Born, Disconnect, EdgeEffect, Publish
from wire.sparkplug.state import Phase

TURN_S = 0.05
IDLE_S = 0.5  # between turns while nothing waits
READ_BATCHES = 64
MUTE_S = 300.0

log = structlog.get_logger()


@dataclass(slots=True)
class Tally:
    """What has been confirmed since the start, and what it took."""

    batches_live: int = 0
    batches_again: int = 0
    sessions: int = 0
    not_taken: int = 0


class Publisher:
    """Sends what the outbox holds and passes on what the plant confirms.

    `confirm` gets the ranges of positions that may be trimmed and says whether they will be; then
    they are not sent again. `lost` gets what can never be sent.
    `blocking` runs a call on the outbox's thread from any other thread.
    """

    def __init__(
        self,
        node: EdgeNode,
        outbox: Outbox,
        clock: Clock,
        *,
        run_blocking: Run,
        blocking: Callable[..., Any],
        confirm: Callable[[Sequence[tuple[int, int]]], bool],
        lost: Callable[[Sequence[Lost]], None],
        settle_s: float | None = None,
        ack_s: float = ACK_S,
    ) -> None:
        self.node, self.outbox, self.clock = node, outbox, clock
        self.delivery, self.caps = Delivery(settle_s, ack_s), Caps(node)
        self.tally = Tally()
        self.problem: str | None = None
        self.session: Session | None = None
        self._run_blocking, self._blocking = run_blocking, blocking
        self._confirm, self._lost = confirm, lost
        self.records = RecordLane(topics.records(node.group, node.agent), outbox, run_blocking)
        self._recorded_topic = topics.recorded(node.group, node.agent)
        # Whether the outbox may hold what nobody is sending: else the disk is not asked every turn.
        self._batches_wait = True
        self._highest = outbox.position
        self._stored = RangeSet()  # confirmed: not to be sent again, trimmed a little later
        self._is_old_copy = self._is_mute = False
        # Sessions that are over, as the MQTT thread knows and as the event loop does.
        self._over = self._known_over = 0
        self._turn = asyncio.Event()
        self._bd_seq = 0
        self._loop = asyncio.get_running_loop()

    def connect(self, make: Callable[..., Session]) -> None:
        """Make the MQTT session by `make` (broker and client id filled in) and start it."""
        knock = self._loop.call_soon_threadsafe
        self.session = make(
            will=self._will,
            on_socket_open=self._opened,
            on_connect=partial(knock, self._connected),
            on_disconnect=self._ended,
            on_message=lambda message: knock(self._message, message),
            on_mark=partial(knock, self.delivery.reached),
            subscriptions=(*self.node.subscriptions, (self._recorded_topic, 1)),
        )
        self.session.start()

    def fresh(self, batches: Sequence[Batch], has_records: bool, upto: int = 0) -> None:
        """Batches have been committed: each goes out live, once; what cannot go is backlog.

        So is what lies between them and position `upto` and is not named.
        """
        now = self.clock.monotonic()
        self._batches_wait |= upto - self._highest > len(batches)
        for batch in batches:
            self._highest = max(self._highest, batch.position)
            if self._send(self.node.live, batch):
                self.delivery.sent_live(batch.position, now)
                self.tally.batches_live += 1
            else:
                self._batches_wait = True
        self._highest = max(self._highest, upto)
        self.records.waits |= has_records
        if has_records or self._batches_wait:
            self._turn.set()

    def device(self, station: str, up: bool) -> None:
        """All links of a station are down, or one of them is back."""
        self._do(self.node.device(station, up, self.clock.now_ms()))

    def exchange(self, gone: Iterable[str], new: Iterable[Station]) -> None:
        """Stations that are no longer declared die, new ones are born; the others do not notice."""
        for name in gone:
            self._do(self.node.remove(name, self.clock.now_ms()))
        for station in new:
            self._do(self.node.add(station, self.clock.now_ms()))

    def health(self, values: Mapping[str, Scalar | None]) -> None:
        """The agent's own health, every few seconds."""
        self._do(self.node.health(values, self.clock.now_ms()))

    def wake(self) -> None:
        """Take the next turn at once, and look at the disk again."""
        self._batches_wait = self.records.waits = True
        self._turn.set()

    async def run(self) -> None:
        """Send backlog and records for ever."""
        while True:
            is_idle = not (self._batches_wait or self.records.waits)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_S if is_idle else TURN_S):
                    await self._turn.wait()
            self._turn.clear()
            try:
                await self._one()
            except sqlite3.Error as error:
                if is_damage(error):
                    self.outbox.suspect = str(error)
                self._troubled(f"the outbox cannot be used: {error}")
            else:
                self.problem = None

    async def drain(self, until: float) -> None:
        """Go on sending until the plant has confirmed everything, or the monotonic time `until`."""
        while self.clock.monotonic() < until and self.session is not None:
            fill = await self._run_blocking(self.outbox.fill)
            if not (fill.batches or fill.records):
                return
            await asyncio.sleep(TURN_S)

    async def stop(self) -> None:
        """Leave the broker on purpose: NDEATH, then DISCONNECT."""
        session, self.session = self.session, None
        if session is not None:
            effects = self.node.stop(self.clock.now_ms())
            final = [_message(one) for one in effects if isinstance(one, Publish)]
            await asyncio.to_thread(session.disconnect, final)
            self.node.disconnected()

    def _troubled(self, why: str) -> None:
        """The disk says no: what this turn was to do is left to the next ones."""
        if self.problem is None:
            log.error("a turn of the publisher failed", file=str(self.outbox.path), why=why)
        self.problem = why
        self._batches_wait = self.records.waits = True

    async def _one(self) -> None:
        now = self.clock.monotonic()
        if self._is_old_copy or self.outbox.id != self.node.outbox:
            await self._renew()
        self._do(self.node.tick(self.clock.now_ms()))
        expired = self.delivery.expired
        self.delivery.expire(now)
        self._batches_wait |= self.delivery.expired > expired
        self._prove(now)
        if self.node.can_send and self._batches_wait:
            await self._backlog(now)
        # A birth is the first word of every session (Sparkplug 3.0): records wait for it.
        if self.session is not None and self.node.phase is Phase.BORN:
            await self.records.turn(now, self.session, self._publish)

    def _prove(self, now: float) -> None:
        """For a host that confirms nothing: let go of what the session has outlived."""
        mark = self.delivery.next_mark(now)
        if mark is not None and self.session is not None and self.session.mark(mark):
            self.delivery.marked(now)
        self._batches_wait |= self.delivery.give_back(now)
        if settled := self.delivery.settled():
            self._delivered(settled)
        is_mute = self.delivery.unanswered_s(now) > MUTE_S
        if is_mute and not self._is_mute:
            log.error("the broker does not answer: nothing that was sent leaves the outbox")
        self._is_mute = is_mute

    async def _backlog(self, now: float) -> None:
        allowed = min(self.delivery.allowance(now), READ_BATCHES)
        if not allowed:
            return
        read = partial(self.outbox.waiting, self._highest, self._skip(), allowed)
        self._batches_wait = False
        batches, lost = await self._run_blocking(read)
        self.records.waits |= bool(lost)
        skip = self._skip()  # it may have grown meanwhile
        for batch in batches:
            if batch.position in skip:
                continue
            if not self._send(self.node.historical, batch):
                self._batches_wait = True
                continue
            self.delivery.sent_again(batch.position, len(batch.samples), self.clock.monotonic())
            self.tally.batches_again += 1
        self._batches_wait |= len(batches) + len(lost) >= allowed

    def _send(self, make: Callable[[str, Any, int, int], list[EdgeEffect]], batch: Batch) -> bool:
        """Whether the batch went to the session; in parts where nobody confirms the whole of it."""
        if not self.node.can_send or self.caps.is_unfit(batch):
            return False
        now_ms, too_large = self.clock.now_ms(), ""
        may_cut = self.delivery.settle_s is not None
        waiting = self.caps.cut(batch.samples)[::-1] if may_cut else [batch.samples]
        while waiting:
            part = waiting.pop()
            try:
                effects = make(batch.station, part, batch.position, now_ms)
            except TooLarge as error:
                too_large = str(error)
                continue
            if not (self._do(effects) and self.node.can_send and effects):
                return False
        if too_large and not self.caps.hold(batch, too_large):
            log.error("a batch can never be sent", station=batch.station, why=too_large)
            self._lost([batch.lost("too large to send")])
            self._delivered([(batch.position, batch.position)])
        return not too_large

    def _skip(self) -> Either:
        """What need not or cannot be sent now."""
        return Either(self.caps, Either(self.delivery.under_way, self._stored))

    def _do(self, effects: Sequence[EdgeEffect]) -> bool:
        """Carry out what the node says, in its order; whether all of it was taken."""
        leaving = any(isinstance(one, Disconnect) for one in effects)
        if leaving and self.session is not None:
            final = [_message(one) for one in effects if isinstance(one, Publish)]
            self.session.reconnect(final)
            self._forget_under_way()
        for one in effects:
            match one:
                case Acknowledged(ranges) if self.delivery.settle_s is None:
                    self._delivered(ranges)
                case Born(cause):
                    self.caps.look()
                    if cause == REQUESTED:
                        self.delivery.doubt()
                case Publish() if not leaving:
                    if not self._publish(_message(one)):
                        self.tally.not_taken += 1
                        self._do(self.node.not_taken(one, self.clock.now_ms()))
                        return False
        return not leaving

    def _publish(self, message: Message) -> bool:
        """Whether the session took it that the node means, and not already the next one."""
        is_current = self.session is not None and self._over == self._known_over
        return is_current and self.session is not None and self.session.publish(message)

    async def _renew(self) -> None:
        """Another id for the outbox, so that no confirmation of the old one counts any more."""
        if self._is_old_copy:
            log.error("the outbox is an older copy: the historian has positions that it never gave")
            await self._run_blocking(self.outbox.renew)
        self._is_old_copy = False
        self._do(self.node.renew(self.outbox.id, self.clock.now_ms()))
        self._forget_under_way()

    def _delivered(self, ranges: Sequence[tuple[int, int]]) -> None:
        self._is_old_copy |= any(last > self._highest for _, last in ranges)
        if self._is_old_copy:
            self._turn.set()
            return
        self.delivery.confirmed(ranges)
        if not self._confirm(ranges):
            self._batches_wait = True
        else:
            for first, last in ranges:
                self._stored.add(first, last)
        self._turn.set()

    def _will(self) -> Will:
        bd_seq = self._blocking(self.outbox.bd_seq_ahead)
        will = self.node.will(bd_seq, self.clock.now_ms())
        return Will(will.topic, will.payload, will.qos, will.retain)

    def _opened(self) -> None:
        self._bd_seq = self._blocking(self.outbox.next_bd_seq)

    def _connected(self) -> None:
        self.tally.sessions += 1
        self._forget_under_way()
        self.caps.begin(None if self.session is None else self.session.message_max)
        self._do(self.node.connected(self.clock.now_ms(), self._bd_seq))
        self.caps.look()

    def _ended(self, why: str) -> None:
        """On the MQTT thread: from here on nothing goes out before the loop knows it too."""
        self._over += 1
        self._loop.call_soon_threadsafe(self._disconnected, why)

    def _disconnected(self, why: str) -> None:
        self._known_over += 1
        self.node.disconnected()
        self._forget_under_way()

    def _forget_under_way(self) -> None:
        """A session is over: what it carried may or may not have arrived."""
        self.delivery.ended()
        self.records.ended(self.clock.monotonic())
        self._batches_wait = self.records.waits = True

    def _message(self, message: Message) -> None:
        if message.topic == self._recorded_topic:
            self.records.answered(message.payload)
            self._turn.set()
        else:
            self._do(self.node.message(message.topic, message.payload, self.clock.now_ms()))


def _message(publish: Publish) -> Message:
    return Message(publish.topic, publish.payload, publish.qos, publish.retain)
