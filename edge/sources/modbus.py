"""The Modbus source: one connection with one device, for ever.

Each interval's items are polled on a grid of monotonic time. One request is one report; its sample
time is the moment in which the answer was received, because the protocol has no other. A register
that the device refuses is found by bisection and asked for again from time to time; everything
beside it goes on. A device that is silent twice in a row is left alone with growing pauses.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence

import numpy as np

from edge.sources.bad import BadTags, nothing_to_do
from edge.sources.blocks import Block, Unit
from edge.sources.fault import MachineFault
from edge.sources.modbus_columns import Columns, Words
from edge.sources.modbus_line import FAILING, ILLEGAL, Line, Refusal, Silence
from edge.sources.modbus_plan import Absent, Group, Place, Step, groups_of, next_due
from edge.sources.source import TICKS_PER_MS, Gap, Item, Report, Sink, SourceStatus
from stations.samples import Samples, concat
from stations.status import BAD_NO_COMMUNICATION, BAD_NODE_ID_UNKNOWN, BAD_TIMEOUT
from wire.backoff import BackOff
from wire.clock import Clock
from wire.site.connections import ModbusConfig

log = logging.getLogger(__name__)

RECONNECT_S = (0.5, 30.0)
RETRY_BAD_S = (30.0, 600.0)
SILENCES_MAX = 2
STOOD_S = 2.0  # of our own time, without a poll, after which samples may be missing
PATIENCE = 3  # time-outs that one request may take: two for its answer, one for a late one
SEARCH_MAX = 40  # requests in which what fails is looked for among what does not

Lost = dict[Place, tuple[int, str]]


class ModbusSource:
    """Reads one device over Modbus TCP or RTU; see `Source`."""

    def __init__(
        self,
        name: str,
        config: ModbusConfig,
        items: Sequence[Item],
        clock: Clock,
        rng: random.Random,
        *,
        retry_bad_s: tuple[float, float] = RETRY_BAD_S,
    ) -> None:
        self.name = name
        self.status = SourceStatus()
        self._items = tuple(items)
        self._numbers = tuple(item.number for item in items)
        self._clock = clock
        self._rng = rng
        self._retry_bad_s = retry_bad_s
        self._line = Line(config)
        self._groups, self._impossible = groups_of(items, config.every_ms)
        self._images: dict[str, Words] = {}
        self._bad = BadTags(name, self.status)
        self._backoff = BackOff(*RECONNECT_S, rng)
        self._silences = 0
        self._link_is_up: bool | None = None
        self._told = ""
        self._lost_ms: int | None = None
        self._patience_s = PATIENCE * config.timeout_ms / 1000
        self._asked_s = 0.0
        self._is_first = True

    async def run(self, sink: Sink) -> None:
        """Read for ever, until cancelled; a fault of the machine never raises here."""
        await self._refuse_impossible(sink)
        while True:
            try:
                await self._line.connect()
                await self._serve(sink)
            except MachineFault as fault:
                why = fault
            finally:
                self._line.close()
            await self._down(why, sink)
            await asyncio.sleep(self._backoff.next_s())

    async def _serve(self, sink: Sink) -> None:
        """Poll each group on its grid until the device fails; a poll that is missed is skipped."""
        start_s = self._clock.monotonic()
        due = [start_s] * len(self._groups)
        self._silences = 0
        now_s = start_s
        while due:
            index = min(range(len(due)), key=due.__getitem__)
            group = self._groups[index]
            due_s, heard_ms = max(due[index], now_s), self.status.last_heard_ms
            await asyncio.sleep(due_s - now_s)
            self._asked_s = 0.0
            await self._poll(group, sink)
            await self._retry(group)
            now_s = self._clock.monotonic()
            if now_s - due_s - self._asked_s > STOOD_S and heard_ms is not None:
                await self._stood_still(heard_ms, sink)
                now_s = self._clock.monotonic()
            due[index], missed = next_due(due[index], now_s, group.every_s)
            if missed:
                self.status.count("polls missed", missed)
        await asyncio.get_running_loop().create_future()  # nothing to read: wait to be cancelled

    async def _stood_still(self, since_ms: int, sink: Sink) -> None:
        """Nobody polled although the device would have answered: what it showed then is missing."""
        self.status.count("times not polled")
        now_ms = self._clock.now_ms()
        await sink.gap(Gap(self._numbers, since_ms, now_ms, None, "not polled"))

    async def _poll(self, group: Group, sink: Sink) -> None:
        lost: Lost = {}
        is_changed = False
        for step in group.steps:
            found, changed = await self._fetch(step.block, group)
            lost |= found
            is_changed |= changed
            received_ms = self._clock.now_ms()
            await self._report(self._samples(step, group, lost, received_ms), received_ms, sink)
        is_changed |= group.rejoin(lost, self._clock.monotonic())
        if is_changed:
            group.replan()

    async def _fetch(self, block: Block, group: Group) -> tuple[Lost, bool]:
        """Read a block into the images: (what it could not get and why, did the plan change?)."""
        lost, refusal = await self._ask(block)
        return (lost, False) if refusal is None else await self._refused(block, group, refusal)

    async def _ask(self, block: Block) -> tuple[Lost, Refusal | None]:
        """One request: what it could not get, and the refusal when that is why."""
        try:
            words = await self._read(block.table, block.start, block.count)
        except Refusal as refusal:
            self._heard()
            return dict.fromkeys(_places(block), (refusal.status, str(refusal))), refusal
        except Silence as silence:
            self._silences += 1
            self.status.count("requests without an answer")
            if self._silences >= SILENCES_MAX:
                raise
            return dict.fromkeys(_places(block), (BAD_TIMEOUT, str(silence))), None
        self._heard()
        image = self._images.setdefault(block.table, np.zeros(1 << 16, np.uint16))
        image[block.start : block.start + block.count] = words
        return {}, None

    async def _read(self, table: str, start: int, count: int) -> Words:
        """As the line reads; the time that the device may take for it is not ours."""
        began_s = self._clock.monotonic()
        try:
            return await self._line.read(table, start, count)
        finally:
            self._asked_s += min(self._clock.monotonic() - began_s, self._patience_s)

    async def _refused(self, block: Block, group: Group, refusal: Refusal) -> tuple[Lost, bool]:
        """Find the unit that the device refuses, by halves; other exceptions say nothing of it."""
        lost: Lost = dict.fromkeys(_places(block), (refusal.status, str(refusal)))
        self.status.count("requests refused")
        if refusal.code in FAILING and len(block.units) > 1:
            return await self._failing(block, group, lost)
        if refusal.code not in ILLEGAL:
            return lost, False
        if len(block.units) == 1:
            wait = BackOff(*self._retry_bad_s, self._rng)
            place = (block.table, block.units[0])
            group.absent[place] = Absent(self._clock.monotonic() + wait.next_s(), wait)
            return lost, True
        left, right = block.halves()
        lost_left, changed_left = await self._fetch(left, group)
        lost_right, changed_right = await self._fetch(right, group)
        if not (lost_left or lost_right or changed_left or changed_right):
            # Both halves are well: what the device refuses is the way from one to the other.
            group.cut(block.table, right.start)
        return lost_left | lost_right, True

    async def _failing(self, block: Block, group: Group, lost: Lost) -> tuple[Lost, bool]:
        """Find what the device cannot read just now: from the next poll on it is read by itself.

        It is asked for at every poll as before, so that it is Good again as soon as it is. When
        nothing of the block can be read, nothing is learned, and nobody looks again for a while.
        """
        now_s = self._clock.monotonic()
        if now_s < group.search_s:
            return lost, False
        found: list[Unit] = []
        lost = await self._search(block, lost, found, [SEARCH_MAX])
        if len(lost) == len(block.units):
            group.search_s = now_s + self._retry_bad_s[0]
            return lost, False
        for unit in found:
            group.isolate(block, unit, now_s + self._retry_bad_s[0])
        return lost, bool(found)

    async def _search(self, block: Block, lost: Lost, found: list[Unit], left: list[int]) -> Lost:
        """Read a refused block by halves, `left` requests at most: what could not be read then."""
        if len(block.units) == 1:
            found.append(block.units[0])
            return lost
        if left[0] < 2:
            return lost
        still: Lost = {}
        for half in block.halves():
            left[0] -= 1
            part, refusal = await self._ask(half)
            if refusal is not None and refusal.code in FAILING:
                part = await self._search(half, part, found, left)
            still |= part
        return still

    def _samples(self, step: Step, group: Group, lost: Lost, received_ms: int) -> Samples:
        """The values that are complete with this step; what was refused has a status only."""
        if not lost:
            samples = step.columns.read(self._images, received_ms)
            for number in self._bad.numbers & step.members.keys():
                self._bad.clear(step.members[number])
            return samples
        good: list[Item] = []
        bad: dict[int, int] = {}
        for item in step.columns.items:
            place = next((place for place in group.places[item.number] if place in lost), None)
            if place is None:
                good.append(item)
                self._bad.clear(item)
            else:
                bad[item.number] = lost[place][0]
                self._bad.add(item, lost[place][1], is_absent=place in group.absent)
        parts = [Columns(good).read(self._images, received_ms)] if good else []
        if bad:
            items = [item for item in step.columns.items if item.number in bad]
            parts.append(self._bad.report(items, bad, received_ms).samples)
        return concat(parts)

    async def _retry(self, group: Group) -> None:
        """Ask again for what the device refused, when its time has come."""
        now_s = self._clock.monotonic()
        is_changed = False
        for place, absent in [(p, a) for p, a in group.absent.items() if a.due_s <= now_s]:
            table, unit = place
            try:
                await self._read(table, unit.start, unit.count)
            except Refusal:
                self._heard()
                absent.due_s = now_s + absent.wait.next_s()
                continue
            self._heard()
            del group.absent[place]
            is_changed = True
        if is_changed:
            group.replan()

    async def _report(self, samples: Samples, received_ms: int, sink: Sink) -> None:
        if not self._link_is_up and not self._silences:
            self._up(sink)
        if self._lost_ms is not None and self._link_is_up:
            from_ms, self._lost_ms = self._lost_ms, None
            await sink.gap(Gap(self._numbers, from_ms, received_ms, None, "link down"))
        if not len(samples):
            return
        is_first, self._is_first = self._is_first, False
        ticks = samples.time * TICKS_PER_MS
        await sink.report(Report(samples, ticks, received_ms, True, is_first, nothing_to_do))

    async def _refuse_impossible(self, sink: Sink) -> None:
        items = [item for item in self._items if item.number in self._impossible]
        for item in items:
            self._bad.add(item, self._impossible[item.number], is_absent=True)
        if items:
            statuses = dict.fromkeys(self._impossible, BAD_NODE_ID_UNKNOWN)
            await sink.report(self._bad.report(items, statuses, self._clock.now_ms()))

    def _heard(self) -> None:
        self._silences = 0
        self.status.last_heard_ms = self._clock.now_ms()

    def _up(self, sink: Sink) -> None:
        self._link_is_up = self.status.connected = True
        self.status.since_ms = self._clock.now_ms()
        self._is_first = True
        self._told = ""
        self._backoff.reset()
        sink.link(True, "connected")

    async def _down(self, fault: MachineFault, sink: Sink) -> None:
        """Say once that the device cannot be reached, and of each tag that it has no value."""
        self.status.reconnects += 1
        if str(fault) != self._told:
            self._told = str(fault)
            log.warning("%s: %s", self.name, fault)
        if self._link_is_up is False:
            return
        self._link_is_up = self.status.connected = False
        now_ms = self.status.since_ms = self._clock.now_ms()
        self._lost_ms = self.status.last_heard_ms
        sink.link(False, str(fault))
        status = BAD_TIMEOUT if isinstance(fault, Silence) else BAD_NO_COMMUNICATION
        items = [
            item for group in self._groups for item in group.items if not group.is_absent(item)
        ]
        if items:
            statuses: Mapping[int, int] = dict.fromkeys((item.number for item in items), status)
            await sink.report(self._bad.report(items, statuses, now_ms))


def _places(block: Block) -> list[Place]:
    return [(block.table, unit) for unit in block.units]
